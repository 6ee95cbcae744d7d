import asyncio
import hashlib

import pytest

from processor.api import create_api
from processor.request_limits import REQUEST_BYTES_MAX

PATH = "/api/v1/profiles"
JSON = {"content-type": "application/json"}


async def test_a_request_that_says_it_is_too_large_is_refused(client):
    answer = await client.post(PATH, content=b" " * (REQUEST_BYTES_MAX + 1), headers=JSON)
    assert answer.status_code == 413
    assert str(REQUEST_BYTES_MAX) in answer.json()["error"]


async def test_a_request_that_turns_out_too_large_is_refused(client):
    async def parts():
        for _ in range(11):
            yield b" " * (REQUEST_BYTES_MAX // 10)

    answer = await client.post(PATH, content=parts(), headers=JSON)
    assert answer.status_code == 413
    assert set(answer.json()) == {"error"}


async def test_a_request_of_the_largest_size_is_read(client):
    body = b'{"key":"domain_userid","ids":[]}'
    padded = body + b" " * (REQUEST_BYTES_MAX - len(body))
    assert (await client.post(PATH, content=padded, headers=JSON)).status_code == 200


async def test_a_body_that_does_not_come_is_given_up(client, monkeypatch):
    monkeypatch.setattr("processor.api.http.request_size.REQUEST_WAIT_S", 0.05)

    async def parts():
        yield b"{"
        await asyncio.Event().wait()

    answer = await client.post(PATH, content=parts(), headers=JSON)
    assert answer.status_code == 408
    assert set(answer.json()) == {"error"}


async def test_a_large_definition_is_refused_in_the_form_of_the_registry(client):
    answer = await client.post(
        "/api/v1/registry/services/", content=b" " * (REQUEST_BYTES_MAX + 1), headers=JSON
    )
    assert answer.status_code == 413
    assert answer.json()["detail"][0]["loc"] == ["body"]


async def test_bodies_that_are_held_at_once_are_bounded(client, monkeypatch):
    monkeypatch.setattr("processor.api.http.request_size.REQUESTS_BYTES_MAX", 1_000)
    held, goes_on = asyncio.Event(), asyncio.Event()

    async def slow():
        yield b'{"key":"domain_userid",' + b" " * 700
        held.set()
        await goes_on.wait()
        yield b'"ids":[]}'

    first = asyncio.create_task(client.post(PATH, content=slow(), headers=JSON))
    await held.wait()
    body = b'{"key":"domain_userid","ids":[]}' + b" " * 400
    refused = await client.post(PATH, content=body, headers=JSON)
    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    assert "memory" in refused.json()["error"]
    goes_on.set()
    assert (await first).status_code == 200
    for _ in range(5):
        assert (await client.post(PATH, content=body, headers=JSON)).status_code == 200


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Bearer writes"])
async def test_a_token_is_checked_before_the_body_is_read(
    worker, settings, client_of, authorization
):
    tokens = f"ci:write:{hashlib.sha256(b'writes').hexdigest()}"
    guarded = client_of(create_api(worker, settings.model_copy(update={"api_tokens": tokens})))
    read = []

    async def parts():
        read.append(1)
        yield b"{"

    headers = {"Authorization": authorization, **JSON}
    answer = await guarded.post(PATH, content=parts(), headers=headers)
    assert answer.status_code in {401, 403}
    assert not read


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/profiles", "/api/v1/get-online-attributes", "/api/v1/interventions?user_id=a",
        "/api/v1/interventions/tokens", "/api/v1/interventions/heard", "/api/v1/engines/publish",
        "/api/v1/registry/services/", "/api/v1/testing/attribute_groups/",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json"]
)
async def test_a_body_that_does_not_say_it_is_json_is_refused_unread(client, path, kind):
    """A page of another site can send any of these without being asked."""
    read = []

    async def parts():
        read.append(1)
        yield b"{}"

    answer = await client.post(path, content=parts(), headers={"Content-Type": kind})
    assert answer.status_code == 415
    assert "Content-Type: application/json" in answer.text
    assert not read


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=utf-8", "application/vnd.a+json"]
)
async def test_json_is_json_however_it_is_written(client, kind):
    body = b'{"key":"domain_userid","ids":[]}'
    answer = await client.post(PATH, content=body, headers={"Content-Type": kind})
    assert answer.status_code == 200
