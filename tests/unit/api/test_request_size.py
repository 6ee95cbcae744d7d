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
