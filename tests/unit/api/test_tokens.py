import hashlib

import pytest

from processor.api import create_api
from processor.errors import UsageError

BODY = {"key": "domain_userid", "ids": ["a"]}
PATH = "/api/v1/profiles"


def hashed(token):
    return hashlib.sha256(token.encode()).hexdigest()


@pytest.fixture
def guarded(worker, settings, client_of):
    tokens = f"app:read:{hashed('reads')}, ci:write+push:{hashed('writes').upper()}"
    return client_of(create_api(worker, settings.model_copy(update={"api_tokens": tokens})))


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer reads", 200),
        ("bearer reads", 200),
        ("Bearer writes", 403),
        ("Bearer wrong", 401),
        ("Basic reads", 401),
        ("reads", 401),
        ("", 401),
    ],
)
async def test_reading_needs_a_token_with_its_scope(guarded, authorization, status):
    headers = {"Authorization": authorization} if authorization else {}
    answer = await guarded.post(PATH, json=BODY, headers=headers)
    assert answer.status_code == status
    if status != 200:
        assert set(answer.json()) == {"error"}
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_health_and_metrics_need_no_token(guarded):
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert (await guarded.get(path)).status_code == 200


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("app:read", "2 fields"),
        (f"app:read+all:{'a' * 64}", "unknown scopes: 'all'"),
        ("app:read:abc", "not 64 hex digits"),
        (f"app::{'a' * 64}", "unknown scopes: ''"),
    ],
)
def test_a_wrong_setting_is_refused(worker, settings, setting, says):
    wrong = settings.model_copy(update={"api_tokens": setting})
    with pytest.raises(UsageError, match=says):
        create_api(worker, wrong)


def test_a_refused_setting_does_not_show_the_hash(worker, settings):
    wrong = settings.model_copy(update={"api_tokens": f"app:all:{hashed('reads')}"})
    with pytest.raises(UsageError) as error:
        create_api(worker, wrong)
    assert hashed("reads") not in str(error.value)
