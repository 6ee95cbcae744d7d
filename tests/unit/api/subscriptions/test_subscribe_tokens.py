import hashlib
from datetime import datetime

import jwt
import pytest

from processor.api import create_api
from processor.errors import UsageError
from processor.request_limits import SUBSCRIBE_TOKEN_S, SUBSCRIBE_TOKEN_S_MAX

PATH = "/api/v1/interventions"
TOKENS = "site:read+subscribe:" + hashlib.sha256(b"reads").hexdigest()
PUSHES = "ci:push:" + hashlib.sha256(b"pushes").hexdigest()
SITE = {"Authorization": "Bearer reads"}
WANTED = {"targets": {"user_id": ["a", "b"], "domain_sessionid": ["a"]}}


def told(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["token"]


@pytest.fixture
def api_of(second, settings, client_of):
    """Makes clients of the API of a worker of other settings."""

    def make(**changes):
        chosen = {"subscribe_tokens": True, "token_secret": "s" * 32, "api_tokens": TOKENS}
        changed = settings.model_copy(update=chosen | changes)
        return client_of(create_api(second, changed))

    return make


@pytest.fixture
def follow(second):
    """The status of a subscription."""
    second.subscriptions.close()

    async def follow(api, query, **headers):
        return (await api.get(f"{PATH}?{query}", headers=headers)).status_code

    return follow


# Who is let in meets a worker that stops, and no endless answer.
LET_IN = 503


async def test_a_token_lets_its_bearer_follow_its_targets_and_no_others(api_of, follow):
    api = api_of()
    token = told(await api.post(f"{PATH}/tokens", json=WANTED, headers=SITE))
    for query in ("user_id=a", "user_id=b&domain_sessionid=a"):
        assert await follow(api, f"{query}&subscribe-token={token}") == LET_IN
        assert await follow(api, query, Authorization=f"Bearer {token}") == LET_IN
        assert await follow(api, query) == 401
    for query in ("user_id=c", "user_id=a&user_id=c", "domain_sessionid=b"):
        assert await follow(api, f"{query}&subscribe-token={token}") == 403


async def test_a_token_of_one_worker_is_good_on_another_of_the_same_secret(api_of, follow):
    token = told(await api_of().post(f"{PATH}/tokens", json=WANTED, headers=SITE))
    query = f"user_id=a&subscribe-token={token}"
    assert await follow(api_of(), query) == LET_IN
    assert await follow(api_of(token_secret="another" * 5), query) == 401


async def test_a_token_ends(api_of, follow, monkeypatch):
    api = api_of()
    answer = (await api.post(f"{PATH}/tokens", json=WANTED, headers=SITE)).json()
    claims = jwt.decode(answer["token"], options={"verify_signature": False})
    ends = datetime.fromisoformat(answer["expires_at"])
    assert ends.timestamp() == claims["exp"]
    query = f"user_id=a&subscribe-token={answer['token']}"
    for ends_in_ms, status in ((1, LET_IN), (0, 401), (-1, 401)):
        now_ms = claims["exp"] * 1000 - ends_in_ms
        monkeypatch.setattr(
            "processor.api.subscriptions.subscribe_tokens.wall_ms", lambda at=now_ms: at
        )
        assert await follow(api, query) == status


async def test_a_token_does_not_show_the_ids(api_of):
    wanted = {"targets": {"user_id": ["a-very-private-id"]}}
    token = told(await api_of().post(f"{PATH}/tokens", json=wanted, headers=SITE))
    assert "private" not in str(jwt.decode(token, options={"verify_signature": False}))


async def test_a_changed_token_is_refused(api_of, follow):
    api = api_of()
    token = told(await api.post(f"{PATH}/tokens", json=WANTED, headers=SITE))
    head, claims, signature = token.split(".")
    unsigned = jwt.encode({"exp": 9_999_999_999, "targets": []}, "", algorithm="none")
    for wrong in (
        f"{head}.{claims}.{signature[:-2]}AA",
        f"{head}.{claims}A.{signature}",
        f"{head}.{claims}.",
        unsigned,
        "x" * 10_000,
        "",
    ):
        assert await follow(api, f"user_id=a&subscribe-token={wrong}") == 401


async def test_an_api_token_that_may_read_may_follow_and_one_that_may_push_not(api_of, follow):
    api = api_of(api_tokens=f"{TOKENS},{PUSHES}")
    assert await follow(api, "user_id=a", **SITE) == LET_IN
    assert await follow(api, "user_id=a", Authorization="Bearer pushes") == 403
    assert await follow(api, "user_id=a", Authorization="Bearer wrong") == 401


async def test_an_open_api_still_wants_subscribe_tokens_where_that_is_set(api_of, follow):
    api = api_of(api_tokens="")
    assert await follow(api, "user_id=a") == 401
    token = told(await api.post(f"{PATH}/tokens", json=WANTED))
    assert await follow(api, f"user_id=a&subscribe-token={token}") == LET_IN


async def test_anybody_may_follow_where_no_token_is_needed(api_of, follow):
    api = api_of(subscribe_tokens=False)
    assert await follow(api, "user_id=a") == LET_IN
    assert await follow(api, "user_id=a&subscribe-token=any") == LET_IN


@pytest.mark.parametrize("scopes", ["read", "write", "push", "test", "read+write+push+test"])
async def test_a_token_is_given_to_an_api_token_that_may_subscribe_others(api_of, scopes):
    others = f"ci:{scopes}:" + hashlib.sha256(b"others").hexdigest()
    api = api_of(api_tokens=f"{TOKENS},{others}")
    assert (await api.post(f"{PATH}/tokens", json=WANTED)).status_code == 401
    headers = {"Authorization": "Bearer others"}
    assert (await api.post(f"{PATH}/tokens", json=WANTED, headers=headers)).status_code == 403
    answer = await api.post(f"{PATH}/tokens", json=WANTED, headers=SITE)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("ttl_s", [0, -1, SUBSCRIBE_TOKEN_S_MAX + 1, 1.5, "long"])
async def test_a_token_without_a_sensible_end_is_not_given(api_of, ttl_s):
    body = WANTED | {"ttl_s": ttl_s}
    assert (await api_of().post(f"{PATH}/tokens", json=body, headers=SITE)).status_code == 422


async def test_a_token_ends_when_asked_for_and_soon_unless_asked(api_of):
    api = api_of()
    ends = []
    for more in ({}, {"ttl_s": SUBSCRIBE_TOKEN_S_MAX}):
        answer = await api.post(f"{PATH}/tokens", json=WANTED | more, headers=SITE)
        ends.append(datetime.fromisoformat(answer.json()["expires_at"]).timestamp())
    assert abs(ends[1] - ends[0] - (SUBSCRIBE_TOKEN_S_MAX - SUBSCRIBE_TOKEN_S)) <= 2


async def test_a_worker_without_a_secret_gives_none(api_of):
    api = api_of(subscribe_tokens=False, token_secret="")
    answer = await api.post(f"{PATH}/tokens", json=WANTED, headers=SITE)
    assert answer.status_code == 422
    assert "PROCESSOR_TOKEN_SECRET" in answer.json()["error"]


def test_tokens_that_are_needed_need_a_secret(api_of):
    with pytest.raises(UsageError, match="PROCESSOR_TOKEN_SECRET"):
        api_of(token_secret="")
