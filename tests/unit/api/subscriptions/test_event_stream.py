import asyncio
import json
from contextlib import asynccontextmanager

import httpx
import pytest

PATH = "/api/v1/interventions"
FOLLOWED = {"user_id": "a"}
# How a program is told how far its stream has come.
AT = ": id "


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
        assert answer.headers["cache-control"] == "no-store, no-transform"
        assert answer.headers["x-accel-buffering"] == "no"
        assert 1_000 <= int(await until(lines, "retry: ")) <= 3_000
        assert await until(lines, AT)
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
        last = await until(lines, AT)
    for name in ("first", "second"):
        await push(url, name)
    async with stream(url, **{"Last-Event-ID": last}) as (_, lines):
        for name in ("first", "second"):
            assert json.loads(await until(lines, "data: "))["name"] == name


async def test_the_id_in_the_header_goes_before_the_one_in_the_query(url):
    """A browser that comes back repeats the address that it was given."""
    async with stream(url) as (_, lines):
        early = await until(lines, AT)
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
        await until(lines, AT)
        assert second.subscriptions.listens(FOLLOWED.items())
    async with asyncio.timeout(10):
        while second.subscriptions.listens(FOLLOWED.items()):
            await asyncio.sleep(0.01)


async def test_a_worker_that_stops_says_so(url, second):
    async with stream(url) as (_, lines):
        await until(lines, AT)
        second.subscriptions.close()
        assert "this worker stops" in await until(lines, ": ")
        assert [line async for line in lines if line] == []


PAGE = {"Origin": "https://shop.example", "Accept": "text/event-stream"}
EVENT_SOURCE = {**PAGE, "Cache-Control": "no-cache", "Sec-Fetch-Mode": "cors"}
PROGRAM = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
NO_IDS = ["17", "abc", "!", "é", "日本".encode(), b"\xff", "A" * 20_000, "m2HJ4gMBAgA", "a b", "0"]


@pytest.mark.parametrize("headers", [PAGE, EVENT_SOURCE, PROGRAM, {}])
@pytest.mark.parametrize("last", NO_IDS)
async def test_what_is_no_id_of_ours_begins_anew_and_says_what_may_be_missing(url, last, headers):
    last = last.encode() if isinstance(last, str) else last
    async with stream(url, **headers, **{"Last-Event-ID": last}) as (answer, lines):
        assert answer.status_code == 200
        assert await until(lines, ": some interventions since the last event are not kept") == (
            " any more"
        )
        await push(url, "now")
        assert json.loads(await until(lines, "data: "))["name"] == "now"


async def test_what_is_no_id_in_the_query_begins_anew_too(url):
    async with (
        httpx.AsyncClient(base_url=url, trust_env=False) as client,
        client.stream("GET", PATH, params={**FOLLOWED, "last-event-id": "!"}) as answer,
    ):
        assert answer.status_code == 200
        assert await until(answer.aiter_lines(), ": some interventions")


async def test_a_page_with_an_id_that_is_none_hears_what_came_just_before_it(url):
    await push(url, "before")
    async with stream(url, **PAGE, **{"Last-Event-ID": "17"}) as (_, lines):
        assert json.loads(await until(lines, "data: "))["name"] == "before"
        assert await until(lines, ": some interventions")


@pytest.mark.parametrize("headers", [PROGRAM, {}, PAGE, {**EVENT_SOURCE, "Authorization": "B t"}])
async def test_an_empty_line_stands_behind_data_only(served, second, headers):
    """Clients such as httpx-sse take each one for an event; what then has no data is no JSON."""
    second.subscriptions._settings = second.subscriptions._settings.model_copy(
        update={"sse_heartbeat_s": 0.01}
    )
    url = await served(second)
    last = {}
    for _ in range(2):
        async with stream(url, **headers, **last) as (_, lines):
            told = [line async for line in count_to(lines, ":", 3)]
            await push(url, "hello")
            told += [line async for line in count_to(lines, "data: ", 1)]
            told += [line async for line in count_to(lines, ":", 3)]
            second.subscriptions.close()
            told += [line async for line in lines]
        second.subscriptions._closed = False
        assert sum(line == "" for line in told) == sum(line.startswith("data: ") for line in told)
        assert all(told[n - 1].startswith("data: ") for n, line in enumerate(told) if not line)
        last = {"Last-Event-ID": "17"}


async def count_to(lines, start, count):
    """Lines until so many of them began so."""
    async with asyncio.timeout(10):
        while count:
            line = await anext(lines)
            count -= line.startswith(start)
            yield line


@pytest.mark.parametrize("headers", [PROGRAM, PAGE, EVENT_SOURCE])
async def test_who_is_refused_a_stream_gets_no_empty_block(url, second, headers):
    second.subscriptions.close()
    async with stream(url, **headers) as (answer, lines):
        if answer.status_code == 200:
            assert "" not in [line async for line in lines]


async def test_the_event_source_of_a_browser_comes_back_to_where_it_was_before_its_first_event(url):
    """By the standard an empty line takes the id over; without data it is no event."""
    async with stream(url, **EVENT_SOURCE) as (_, lines):
        last = await until(lines, "id: ")
        assert await anext(lines) == ""
    await push(url, "missed")
    async with stream(url, **EVENT_SOURCE, **{"Last-Event-ID": last}) as (_, lines):
        assert json.loads(await until(lines, "data: "))["name"] == "missed"


async def test_a_page_hears_what_came_just_before_it_and_a_program_does_not(url):
    await push(url, "before")
    for headers, name in ((PAGE, "before"), ({"Accept": "text/event-stream"}, "now")):
        async with stream(url, **headers) as (_, lines):
            await until(lines, "retry: ")
            await push(url, "now")
            assert json.loads(await until(lines, "data: "))["name"] == name


async def test_a_page_hears_nothing_older(url, monkeypatch):
    monkeypatch.setattr("processor.api.subscriptions.subscriptions.SSE_PAGE_REPLAY_MS", 0)
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
        assert "does not read interventions at the moment" in await until(lines, ": ")
    async with stream(url) as (answer, _):
        assert answer.status_code == 503
