import hashlib

import pytest
from structlog.testing import capture_logs

from processor.api import check_access, tell_open_doors
from processor.errors import UsageError
from processor.settings import Settings

TOKENS = f"app:read:{hashlib.sha256(b'all').hexdigest()}"
SECRET = "s" * 32


def settings(**chosen: object) -> Settings:
    return Settings(_env_file=None, **chosen)


@pytest.mark.parametrize(
    "http",
    ["0.0.0.0:8080", "[::]:8080", "10.0.0.7:8080", "[2001:db8::1]:80", "worker-1:8080", "0:8080",
     "localhost.evil.example:8080", "128.0.0.1:80"],
)  # fmt: skip
def test_an_open_api_beyond_this_machine_must_be_meant(http: str) -> None:
    with pytest.raises(UsageError, match="PROCESSOR_ALLOW_OPEN_API"):
        check_access(settings(http=http))
    check_access(settings(http=http, allow_open_api=True))
    check_access(settings(http=http, api_tokens=TOKENS))


@pytest.mark.parametrize("http", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "127.0.0.2:0"])
def test_an_open_api_of_this_machine_is_as_usual(http: str) -> None:
    check_access(settings(http=http))


@pytest.mark.parametrize(
    "chosen", [{"api_tokens": ","}, {"token_secret": "short"}, {"subscribe_tokens": True}]
)
def test_what_the_api_would_refuse_is_refused_first(chosen: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        check_access(settings(**chosen))


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({}, ["api_is_open"]),
        ({"api_tokens": TOKENS}, ["subscriptions_are_open", "no_token_secret"]),
        ({"api_tokens": TOKENS, "token_secret": SECRET}, ["subscriptions_are_open"]),
        ({"api_tokens": TOKENS, "token_secret": SECRET, "subscribe_tokens": True}, []),
    ],
)
def test_what_is_open_is_told_at_the_start(chosen: dict[str, object], told: list[str]) -> None:
    with capture_logs() as logs:
        tell_open_doors(settings(**chosen))
    assert [one["event"] for one in logs] == told
    assert all(one["log_level"] == "warning" for one in logs)
    assert all("PROCESSOR_" in one["hint"] for one in logs)
