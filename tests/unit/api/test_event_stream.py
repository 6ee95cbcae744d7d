import asyncio
import json
from contextlib import asynccontextmanager

import httpx
import pytest

PATH = "/api/v1/interventions"
FOLLOWED = {"user_id": "a"}


@pytest.fixture
async def url(served, second):
    return await served(second)


@asynccontextmanager
async def stream(url, **headers):
    async with (
        httpx.AsyncClient(base_url=url, trust_env=False) as client,
        client.stream("GET", PATH, params=FOLLOWED, headers=headers) as answer,
    ):
        yield answer, answer.aiter_lines()


async def push(url, name):
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        body = {"name": name, "version": 1, "attributes": {"n": 1, "none": None}}
        return (await client.post(PATH, params=FOLLOWED, json=body)).json()


async def until(lines, start):
    """The next line that begins so, without its begin."""
    async with asyncio.timeout(10):
        async for line in lines:
            if line.startswith(start):
                return line.removeprefix(start)
    pytest.fail(f"no line began with {start}")


async def test_a_stream_tells_how_to_come_back_and_then_what_comes(url):
    async with stream(url) as (answer, lines):
        assert answer.headers["content-type"] == "text/event-stream"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-accel-buffering"] == "no"
        assert 1_000 <= int(await until(lines, "retry: ")) <= 3_000
        assert await until(lines, "id: ")
        told = await push(url, "hello")
        assert json.loads(await until(lines, "data: ")) == {
            "intervention_id": told["intervention_id"],
            "name": "hello",
            "version": 1,
            "attributes": {"n": "1"},
            "target_attribute_key": {"name": "user_id", "id": "a"},
        }


async def test_a_stream_goes_on_after_the_id_in_the_header(url):
    async with stream(url) as (_, lines):
        last = await until(lines, "id: ")
    for name in ("first", "second"):
        await push(url, name)
    async with stream(url, **{"Last-Event-ID": last}) as (_, lines):
        for name in ("first", "second"):
            assert json.loads(await until(lines, "data: "))["name"] == name


async def test_the_id_in_the_header_goes_before_the_one_in_the_query(url):
    """A browser that comes back repeats the address that it was given."""
    async with stream(url) as (_, lines):
        early = await until(lines, "id: ")
        await push(url, "seen")
        late = await until(lines, "id: ")
    await push(url, "missed")
    async with (
        httpx.AsyncClient(base_url=url, trust_env=False) as client,
        client.stream(
            "GET", PATH, params={**FOLLOWED, "last-event-id": early},
            headers={"Last-Event-ID": late},
        ) as answer,
    ):  # fmt: skip
        assert json.loads(await until(answer.aiter_lines(), "data: "))["name"] == "missed"


async def test_a_client_that_goes_is_a_subscriber_no_more(url, second):
    async with stream(url) as (_, lines):
        await until(lines, "id: ")
        assert second.subscriptions.listens(FOLLOWED.items())
    async with asyncio.timeout(10):
        while second.subscriptions.listens(FOLLOWED.items()):
            await asyncio.sleep(0.01)


async def test_a_worker_that_stops_says_so(url, second):
    async with stream(url) as (_, lines):
        await until(lines, "id: ")
        second.subscriptions.close()
        assert "this worker stops" in await until(lines, ": ")
        assert [line async for line in lines if line] == []


async def test_what_is_no_event_id_is_refused_before_the_stream_begins(url):
    async with stream(url, **{"Last-Event-ID": "!"}) as (answer, _):
        assert answer.status_code == 422
        assert "base64url" in json.loads(await answer.aread())["error"]


PAGE = {"Origin": "https://shop.example", "Accept": "text/event-stream"}


async def test_a_page_hears_what_came_just_before_it_and_a_program_does_not(url):
    await push(url, "before")
    for headers, name in ((PAGE, "before"), ({"Accept": "text/event-stream"}, "now")):
        async with stream(url, **headers) as (_, lines):
            await until(lines, "retry: ")
            await push(url, "now")
            assert json.loads(await until(lines, "data: "))["name"] == name


async def test_a_page_hears_nothing_older(url, monkeypatch):
    monkeypatch.setattr("processor.api.interventions.SSE_PAGE_REPLAY_MS", 0)
    await push(url, "before")
    async with stream(url, **PAGE) as (_, lines):
        await until(lines, "retry: ")
        await push(url, "now")
        assert json.loads(await until(lines, "data: "))["name"] == "now"


async def test_a_page_that_is_refused_is_told_to_come_back(url, second):
    second.subscriptions.close()
    async with stream(url, **PAGE) as (answer, lines):
        assert answer.status_code == 200
        assert int(await until(lines, "retry: ")) >= 1_000
        assert "does not read interventions now" in await until(lines, ": ")
    async with stream(url) as (answer, _):
        assert answer.status_code == 503
