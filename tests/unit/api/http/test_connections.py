import asyncio
import json
from contextlib import asynccontextmanager, suppress

import pytest


@asynccontextmanager
async def connected(url):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def answer_to(url, request):
    """What comes back on a connection until its server closes it."""
    async with connected(url) as (reader, writer):
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(), 10)
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.decode().splitlines(), body


@pytest.fixture
async def url(served, second, monkeypatch):
    monkeypatch.setattr("processor.api.http.connections.REQUEST_WAIT_S", 0.1)
    return await served(second)


@pytest.mark.parametrize("sent", [b"", b"GE", b"GET / HTTP/1.1\r\nHost: worker\r\n"])
async def test_a_request_that_does_not_come_whole_is_given_up(url, sent):
    head, body = await answer_to(url, sent)
    assert head[0].startswith("HTTP/1.1 408")
    assert "no whole request came" in json.loads(body)["error"]


async def test_the_second_request_of_a_connection_must_come_whole_too(url):
    async with connected(url) as (reader, writer):
        writer.write(b"GET /health/live HTTP/1.1\r\nHost: worker\r\n\r\n")
        await reader.readuntil(b'{"status":"live"}')
        writer.write(b"GET /hea")
        answer = await asyncio.wait_for(reader.read(), 10)
    assert answer.startswith(b"HTTP/1.1 408")


async def test_an_answer_may_take_longer_than_a_request(url):
    """A stream goes on."""
    async with connected(url) as (reader, writer):
        writer.write(b"GET /api/v1/interventions?user_id=a HTTP/1.1\r\nHost: worker\r\n\r\n")
        await reader.readuntil(b"retry: ")
        reading = asyncio.create_task(reader.read())
        _, waiting = await asyncio.wait([reading], timeout=0.3)
        assert waiting, "the stream ended"
    await reading


@pytest.mark.parametrize(
    "sent",
    [b"\x16\x03\x01\x02\x00\x01", b"hello\r\n\r\n", b"GET / HTTP/1.1\r\nx: " + b"y" * 100_000],
)
async def test_what_is_no_request_is_told_so(url, sent):
    head, body = await answer_to(url, sent)
    assert head[0].startswith("HTTP/1.1 400")
    assert "content-type: application/json" in [line.lower() for line in head]
    assert "not an HTTP request" in json.loads(body)["error"]


async def test_who_has_begun_has_longer_than_who_sends_nothing(served, second, monkeypatch):
    monkeypatch.setattr("processor.api.http.connections.FIRST_WAIT_S", 0.05)
    url = await served(second)
    async with connected(url) as (begun, writer):
        writer.write(b"GET /health/live HTTP/1.1\r\n")
        head, _ = await answer_to(url, b"")  # it is given up meanwhile
        assert head[0].startswith("HTTP/1.1 408")
        writer.write(b"Host: 127.0.0.1\r\n\r\n")
        assert (await asyncio.wait_for(begun.readline(), 10)).startswith(b"HTTP/1.1 200")
