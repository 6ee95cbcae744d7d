"""Each call of the API needs one of the scopes that this table gives it, and no other will do."""

import hashlib
from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI

from processor.api import create_api
from processor.api.http.tokens import SCOPES
from processor.settings import Settings
from tests.unit.api.conftest import OneWorker
from tests.unit.api.test_wrong_requests import CALLS

TOKENS = ",".join(
    f"{scope}:{scope}:{hashlib.sha256(scope.encode()).hexdigest()}" for scope in sorted(SCOPES)
)
SECRET = "s" * 32
OPEN = {"/health", "/health/live", "/health/ready", "/health-all", "/metrics"}
# It has the name and the token of an entry in headers of its own.
CONSOLE = "/api/msc/v1/organizations/any/credentials/v3/token"
REGISTRY = "/api/v1/registry/"
NEEDS = {
    ("POST", "/api/v1/get-online-attributes"): {"read"},
    ("POST", "/api/v1/profiles"): {"read"},
    ("GET", "/api/v1/event_log"): {"read"},
    ("GET", "/api/v1/definitions"): {"read", "write", "push"},
    ("POST", "/api/v1/engines/publish"): {"write"},
    ("POST", "/api/v1/engines/unpublish"): {"write"},
    ("POST", "/api/v1/testing/attribute_groups/"): {"test"},
    ("POST", "/api/v1/interventions"): {"push"},
    ("POST", "/api/v1/interventions/heard"): {"push"},
    ("POST", "/api/v1/interventions/tokens"): {"subscribe"},
}


def needs(method: str, path: str) -> set[str]:
    """The scopes of which a call needs one; every new call must be given some here."""
    if path.startswith(REGISTRY):
        return {"read"} if method == "GET" else {"write"}
    return NEEDS[method, path]


GUARDED = [(method, path) for method, path in CALLS if path not in {*OPEN, CONSOLE}]


@pytest.fixture
def client(
    worker: OneWorker, settings: Settings, client_of: Callable[[FastAPI], httpx.AsyncClient]
) -> httpx.AsyncClient:
    changes = {"api_tokens": TOKENS, "token_secret": SECRET}
    return client_of(create_api(worker, settings.model_copy(update=changes)))


async def test_every_call_that_is_not_open_needs_a_token_with_one_of_its_scopes(client) -> None:
    for method, path in GUARDED:
        for authorization in ("", "Bearer wrong", f"Bearer {hashlib.sha256(b'read').hexdigest()}"):
            headers = {"Authorization": authorization}
            answer = await client.request(method, path, json={}, headers=headers)
            assert answer.status_code == 401, (method, path)
        for scope in SCOPES:
            headers = {"Authorization": f"Bearer {scope}"}
            answer = await client.request(method, path, json={}, headers=headers)
            refused = answer.status_code in {401, 403}
            assert refused == (scope not in needs(method, path)), (method, path, scope)


async def test_an_access_token_may_do_what_its_entry_may(client) -> None:
    for scope in SCOPES:
        headers = {"X-API-Key-Id": scope, "X-API-Key": scope}
        token = (await client.get(CONSOLE, headers=headers)).json()["accessToken"]
        for method, path in GUARDED:
            headers = {"Authorization": f"Bearer {token}"}
            answer = await client.request(method, path, json={}, headers=headers)
            refused = answer.status_code in {401, 403}
            assert refused == (scope not in needs(method, path)), (method, path, scope)


async def test_what_is_open_shows_nothing_of_visitors_and_needs_no_token(client) -> None:
    for path in OPEN:
        answer = await client.get(path)
        assert answer.status_code == 200, path
    assert (await client.get(CONSOLE)).status_code == 422


@pytest.mark.parametrize("count", [99, 100, 101, 900])
async def test_an_answer_lists_a_hundred_mistakes_at_most(client, count: int) -> None:
    wrong = {"type": "none", "aggregation": "counter", "events": []}
    group = {
        "name": "g", "version": 1, "owner": "a@example.com",
        "attribute_key": {"name": "domain_userid"},
        "attributes": [{"name": f"n{number}", **wrong} for number in range(count)],
    }  # fmt: skip
    path = "/api/v1/registry/attribute_groups/"
    headers = {"Authorization": "Bearer write"}
    answer = await client.post(path, json=group, headers=headers)
    assert answer.status_code == 422
    found = answer.json()["detail"]
    assert len(found) == min(count, 100)
    if count > 100:
        assert f"{count - 99} more mistakes" in found[-1]["msg"]
