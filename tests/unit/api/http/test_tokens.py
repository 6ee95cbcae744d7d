import hashlib
import hmac
import json
import time

import jwt
import pytest

from processor.api import create_api
from processor.errors import UsageError

BODY = {"key": "domain_userid", "ids": ["a"]}
PATH = "/api/v1/profiles"
SECRET = "s" * 32


def hashed(token):
    return hashlib.sha256(token.encode()).hexdigest()


@pytest.fixture
def guarded(worker, settings, client_of):
    tokens = f"app:read:{hashed('reads')}, ci:write+push:{hashed('writes').upper()}"
    changes = {"api_tokens": tokens, "token_secret": SECRET}
    return client_of(create_api(worker, settings.model_copy(update=changes)))


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
        (",", "no entry"),
        (" ", "no entry"),
        (" , ,", "no entry"),
        (f"app:read:{hashed('')}", "empty token"),
        (f"app:read:{hashed('a')},ci:write:{hashed('').upper()}", "empty token"),
        (f"app:read:{hashed(chr(10))}", "empty token"),
    ],
)
def test_a_wrong_setting_is_refused(worker, settings, setting, says):
    """Above all one that would leave the API open."""
    wrong = settings.model_copy(update={"api_tokens": setting})
    with pytest.raises(UsageError, match=says):
        create_api(worker, wrong)


def test_a_refused_setting_does_not_show_the_hash(worker, settings):
    wrong = settings.model_copy(update={"api_tokens": f"app:all:{hashed('reads')}"})
    with pytest.raises(UsageError) as error:
        create_api(worker, wrong)
    assert hashed("reads") not in str(error.value)


# --- access tokens ------------------------------------------------------------------------------


CONSOLE = "/api/msc/v1/organizations/any/credentials/v3/token"


async def access_token(client, name, token):
    answer = await client.get(CONSOLE, headers={"X-API-Key-Id": name, "X-API-Key": token})
    assert answer.status_code == 200
    return answer.json()["accessToken"]


async def status(client, token):
    answer = await client.post(PATH, json=BODY, headers={"Authorization": f"Bearer {token}"})
    return answer.status_code


def with_tokens(worker, settings, client_of, tokens, **changes):
    chosen = {"api_tokens": tokens, "token_secret": SECRET}
    changed = settings.model_copy(update=chosen | changes)
    return client_of(create_api(worker, changed))


async def test_an_access_token_has_the_scopes_of_its_entry_on_every_worker(
    guarded, worker, settings, client_of
):
    reading = await access_token(guarded, "app", "reads")
    writing = await access_token(guarded, "ci", "writes")
    other = with_tokens(
        worker, settings, client_of,
        f"ci:write+push:{hashed('writes')},app:read:{hashed('reads')}",
    )  # fmt: skip
    for client in (guarded, other):
        assert await status(client, reading) == 200
        assert await status(client, writing) == 403
        assert await status(client, reading[:-2] + "AA") == 401


async def test_an_access_token_ends_with_its_entry_its_token_the_secret_and_a_day(
    guarded, worker, settings, client_of, monkeypatch
):
    token = await access_token(guarded, "app", "reads")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 24 * 3600
    for tokens, changes in (
        (f"ci:read:{hashed('writes')}", {}),
        (f"app:read:{hashed('changed')}", {}),
        (f"app:read:{hashed('reads')}", {"token_secret": "another" * 5}),
    ):
        assert (
            await status(with_tokens(worker, settings, client_of, tokens, **changes), token) == 401
        )
    monkeypatch.setattr("processor.api.http.tokens.wall_ms", lambda: claims["exp"] * 1000)
    assert await status(guarded, token) == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-API-Key-Id": "app", "X-API-Key": "writes"}, 401),
        ({"X-API-Key-Id": "nobody", "X-API-Key": "reads"}, 401),
        ({"X-API-Key-Id": "app"}, 422),
        ({}, 422),
    ],
)
async def test_an_access_token_needs_name_and_token_of_one_entry(guarded, headers, status):
    answer = await guarded.get(CONSOLE, headers=headers)
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}
    assert "reads" not in answer.text


async def test_an_open_api_with_a_secret_gives_access_tokens_to_everyone(
    worker, settings, client_of
):
    client = with_tokens(worker, settings, client_of, "")
    token = await access_token(client, "any", "thing")
    assert await status(client, token) == 200


@pytest.mark.parametrize("tokens", ["", f"app:read:{hashed('reads')}"])
async def test_without_a_secret_there_are_no_access_tokens(worker, settings, client_of, tokens):
    client = with_tokens(worker, settings, client_of, tokens, token_secret="")
    headers = {"X-API-Key-Id": "app", "X-API-Key": "reads"}
    answer = await client.get(CONSOLE, headers=headers)
    assert answer.status_code == 422
    assert "PROCESSOR_TOKEN_SECRET" in answer.json()["error"]


@pytest.mark.parametrize("secret", ["%", "%" * 31, "\u00e9" * 15])
def test_a_secret_that_could_be_guessed_is_refused(worker, settings, secret):
    wrong = settings.model_copy(update={"token_secret": secret})
    with pytest.raises(UsageError, match="PROCESSOR_TOKEN_SECRET") as error:
        create_api(worker, wrong)
    assert secret not in str(error.value)


NOW_S = 1_800_000_000
RIGHT = {"sub": "app", "aud": "processor/api", "iat": NOW_S, "exp": NOW_S + 60}


def keys_of_an_entry(name, token, secret):
    """What whoever knows the hash of a token, and perhaps the secret, can make keys of."""
    digest = bytes.fromhex(hashed(token))
    text = b"access token\0" + name.encode() + b"\0" + digest
    return hmac.new(secret, text, hashlib.sha256).digest()


@pytest.mark.parametrize(
    ("changes", "status_"),
    [
        ({}, 200),
        ({"exp": NOW_S + 31 * 365 * 86_400}, 401),
        ({"exp": NOW_S + 24 * 3600}, 200),
        ({"exp": NOW_S + 24 * 3600 + 1}, 401),
        ({"exp": NOW_S}, 401),
        ({"exp": None}, 401),
        ({"exp": str(NOW_S + 60)}, 401),
        ({"exp": NOW_S + 60.5}, 401),
        ({"exp": True}, 401),
        ({"iat": None}, 401),
        ({"iat": NOW_S + 3600, "exp": NOW_S + 7200}, 401),
        ({"iat": NOW_S - 30 * 3600}, 401),
        ({"aud": None}, 401),
        ({"aud": "other/api"}, 401),
        ({"aud": "processor/subscriptions"}, 401),
        ({"aud": ["processor/api", "other"]}, 401),
    ],
)
async def test_a_signed_token_is_good_for_a_day_and_for_this_application(
    guarded, monkeypatch, changes, status_
):
    monkeypatch.setattr("processor.api.http.tokens.wall_ms", lambda: NOW_S * 1000)
    claims = {name: value for name, value in (RIGHT | changes).items() if value is not None}
    key = keys_of_an_entry("app", "reads", SECRET.encode())
    token = jwt.api_jws.encode(json.dumps(claims).encode(), key, algorithm="HS256")
    assert await status(guarded, token) == status_


@pytest.mark.parametrize("secret", ["", SECRET])
async def test_the_hashes_sign_nothing(worker, settings, client_of, secret):
    """They stand in settings, and in the environment of a process."""
    tokens = f"app:read:{hashed('reads')}"
    client = with_tokens(worker, settings, client_of, tokens, token_secret=secret)
    now_s = int(time.time())
    claims = RIGHT | {"iat": now_s, "exp": now_s + 60}
    for key in (
        keys_of_an_entry("app", "reads", b""),
        bytes.fromhex(hashed("reads")),
        hashed("reads").encode(),
    ):
        assert await status(client, jwt.encode(claims, key, algorithm="HS256")) == 401


async def test_an_answer_with_a_token_is_kept_by_nobody(guarded):
    headers = {"X-API-Key-Id": "app", "X-API-Key": "reads"}
    answer = await guarded.get(CONSOLE, headers=headers)
    assert answer.headers["cache-control"] == "no-store"


def test_settings_do_not_show_secrets(settings):
    shown = repr(settings.model_copy(update={"api_tokens": "a:read:h", "token_secret": "hidden"}))
    assert "a:read:h" not in shown
    assert "hidden" not in shown
