import asyncio

from processor.limits import REQUEST_BYTES_MAX

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
    monkeypatch.setattr("processor.api.request_size.REQUEST_WAIT_S", 0.05)

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
