"""The collector over HTTP: what trackers and browsers are answered."""

import asyncio
import gzip
import json
import uuid
from collections.abc import Callable

import cramjam
import httpx
import pytest
from fastapi import FastAPI
from snowplow_tracker import Emitter, PageView, Tracker

from processor.api import create_api, create_collector, serve
from processor.api.collector import PIXEL
from processor.collector import Collected
from processor.errors import NotReadyError, ProcessorError
from processor.events import ATOMIC_COLUMNS, parse_event
from processor.kafka.rights import no_right_to
from processor.limits import COLLECTOR_HEADER_BYTES_MAX, COLLECTOR_QUERY_BYTES_MAX
from processor.request_limits import REQUEST_BYTES_MAX
from processor.settings import Settings
from tests.unit.api.conftest import OneWorker

TP2 = "/com.snowplowanalytics.snowplow/tp2"
SCHEMA = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"
JSON = {"Content-Type": "application/json"}


class Kept:
    """A sink in memory."""

    def __init__(self) -> None:
        self.events: list[dict[str, str]] = []
        self.refused: list[tuple[str, bytes]] = []
        self.away = False
        self.refusal: ProcessorError = NotReadyError(
            "Kafka did not accept the events", hint="send them again in a moment"
        )
        self.taken = asyncio.Event()

    async def write(self, collected: Collected, received_ms: int) -> None:
        if self.away:
            raise self.refusal
        for event in collected.events:
            columns = [column.decode() for column in parse_event(event.value).columns]
            self.events.append(dict(zip(ATOMIC_COLUMNS, columns, strict=True)))
        self.refused += [(one.reason.value, one.value) for one in collected.refused]
        self.taken.set()


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def client(kept: Kept, client_of: Callable[[FastAPI], httpx.AsyncClient]) -> httpx.AsyncClient:
    return client_of(create_collector(kept))


def body(*events: object) -> str:
    return json.dumps({"schema": SCHEMA, "data": list(events)})


async def test_a_query_is_answered_with_a_pixel(kept, client) -> None:
    answer = await client.get("/i", params={"e": "pv", "url": "http://a.example/"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/gif"
    assert answer.headers["cache-control"] == "no-cache, no-store, must-revalidate"
    assert answer.content == PIXEL
    assert kept.events[0]["page_url"] == "http://a.example/"


def test_the_pixel_is_a_gif_of_one_pixel() -> None:
    assert PIXEL[:6] == b"GIF89a"
    assert PIXEL[6:10] == b"\1\0\1\0"
    assert PIXEL[-1:] == b";"


@pytest.mark.parametrize("path", [TP2, "/com.acme/track"])
async def test_a_body_is_answered_with_ok(kept, client, path) -> None:
    answer = await client.post(path, content=body({"e": "pv"}, {"e": "pp"}), headers=JSON)
    assert (answer.status_code, answer.text) == (200, "ok")
    assert [event["event"] for event in kept.events] == ["page_view", "page_ping"]


async def test_the_trackers_path_takes_queries_too(kept, client) -> None:
    assert (await client.get(f"{TP2}?e=pv")).content == PIXEL
    assert (await client.head("/i?e=pv")).status_code == 200
    assert len(kept.events) == 2


async def test_a_body_that_cannot_be_read_is_a_bad_request_and_a_dead_letter(kept, client) -> None:
    answer = await client.post(TP2, content=b"{", headers=JSON)
    assert answer.status_code == 400
    assert "the body is not self-describing JSON" in answer.json()["error"]
    assert kept.refused == [("payload", b"{")]


async def test_an_event_that_is_wrong_is_accepted_and_a_dead_letter(kept, client) -> None:
    answer = await client.post(TP2, content=body({"e": "xx"}, {"e": "pv"}), headers=JSON)
    assert (answer.status_code, answer.text) == (200, "ok")
    assert kept.refused == [("parameter", b'{"e": "xx"}')]
    assert len(kept.events) == 1
    assert (await client.get("/i")).content == PIXEL
    assert kept.refused[1:] == [("payload", b"")]


async def test_a_tracker_is_told_to_come_again_while_kafka_is_away(kept, client) -> None:
    kept.away = True
    for answer in (
        await client.get("/i?e=pv", headers={"Origin": "http://a.example"}),
        await client.post(TP2, content=body({"e": "pv"}), headers=JSON),
    ):
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert "set-cookie" not in answer.headers
        assert "send them again" in answer.json()["error"]
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_a_tracker_also_comes_again_where_a_right_is_missing(kept, client) -> None:
    kept.away, kept.refusal = True, no_right_to("write 'enriched'", "refused")
    answer = await client.get("/i?e=pv", headers={"Origin": "http://a.example"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.headers["access-control-allow-origin"] == "http://a.example"
    assert "no right to write 'enriched'" in answer.json()["error"]


async def test_the_official_tracker_sends_again_what_kafka_did_not_take(kept) -> None:
    server = await serve(create_collector(kept), Settings(http="127.0.0.1:0"))
    kept.away = True
    emitter = Emitter("127.0.0.1", protocol="http", port=server.port, batch_size=2)
    tracker = Tracker("sp", emitter)
    for title in ("one", "two"):
        await asyncio.to_thread(tracker.track, PageView("http://a.example/", title))
    assert not kept.taken.is_set()
    kept.away = False
    await asyncio.wait_for(kept.taken.wait(), 20)
    assert [event["page_title"] for event in kept.events] == ["one", "two"]
    await server.stop()


async def test_a_forwarded_address_is_the_visitors_where_its_proxy_is_trusted(kept, client) -> None:
    headers = {"X-Forwarded-For": "8.8.8.8, 9.9.9.9:51234"}
    await client.get("/i?e=pv", headers=headers)
    settings = Settings(_env_file=None, trusted_proxies="127.0.0.0/8")
    transport = httpx.ASGITransport(create_collector(kept, settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://collector") as behind:
        await behind.get("/i?e=pv", headers=headers)
        await behind.get("/i?e=pv")
    told = [event["user_ipaddress"] for event in kept.events]
    assert told == ["127.0.0.1", "9.9.9.9", "127.0.0.1"]


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("203.0.113.9:51234", "203.0.113.9"),
        ("203.0.113.9:51234, 10.0.0.1:80", "203.0.113.9"),
        ("[2001:db8::1]:51234", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        (" ", "127.0.0.1"),
    ],
)
async def test_a_forwarded_address_has_no_port(kept, client_of, header, address) -> None:
    settings = Settings(_env_file=None, trusted_proxies="127.0.0.0/8,10.0.0.0/8")
    client = client_of(create_collector(kept, settings))
    await client.get("/i?e=pv", headers={"X-Forwarded-For": header})
    assert kept.events[0]["user_ipaddress"] == address


@pytest.mark.parametrize("said", [{"Content-Encoding": "gzip"}, {}])
@pytest.mark.parametrize(
    "compress", [gzip.compress, lambda sent: bytes(cramjam.zstd.compress(sent))]
)
async def test_a_compressed_body_is_read(kept, client, said, compress) -> None:
    sent = compress(body({"e": "pv"}, {"e": "pp"}).encode())
    answer = await client.post(TP2, content=sent, headers={**JSON, **said})
    assert (answer.status_code, answer.text) == (200, "ok")
    assert len(kept.events) == 2


@pytest.mark.parametrize(
    ("sent", "encoding", "says", "reason"),
    [
        (b"\x8b\x07\x80", "br", "'br' is not read; send gzip, zstd or none", "payload"),
        (
            gzip.compress(b"{}", mtime=0)[:-3],
            "gzip",
            "gzip that cannot be read: it is cut off",
            "payload",
        ),
        (gzip.compress(bytes(50_000_000), mtime=0), "gzip", "when it is decompressed", "too_large"),
        (b"\xff\xfe\x00", "", "is not self-describing JSON", "payload"),
    ],
)
async def test_a_body_that_is_compressed_in_another_way_is_told_so(
    kept, client, sent, encoding, says, reason
) -> None:
    answer = await client.post(TP2, content=sent, headers={**JSON, "Content-Encoding": encoding})
    assert answer.status_code == 400
    assert says in answer.json()["error"]
    assert "surrogates" not in answer.json()["error"]
    assert kept.refused == [(reason, sent)]


async def test_text_is_read_as_json(kept, client) -> None:
    headers = {"Content-Type": "text/plain;charset=UTF-8"}
    answer = await client.post(TP2, content=body({"e": "pv"}), headers=headers)
    assert (answer.status_code, len(kept.events)) == (200, 1)


async def test_half_of_an_emoji_in_one_event_costs_no_event(kept, client) -> None:
    sent = body(*({"e": "pv", "page": page} for page in ("a", "Sale \ud83d", "b")))
    answer = await client.post(TP2, content=sent, headers=JSON)
    assert answer.status_code == 200
    assert [event["page_title"] for event in kept.events] == ["a", "Sale \ufffd", "b"]
    assert not kept.refused


async def test_an_event_that_is_no_json_is_a_dead_letter_and_the_others_count(kept, client) -> None:
    sent = body({"e": "pv"}, "HERE", {"e": "pp"}).replace('"HERE"', '{"e":"pv",}')
    answer = await client.post(TP2, content=sent, headers=JSON)
    assert (answer.status_code, len(kept.events)) == (200, 2)
    assert kept.refused == [("payload", b'{"e":"pv",}')]


@pytest.mark.parametrize("path", ["/r/tp2?u=https%3A%2F%2Fevil.test%2F", "/r/tp2?e=pv", "/r/x"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_nobody_is_redirected(kept, client, method, path) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == 404
    assert "location" not in answer.headers
    assert method == "HEAD" or "redirects are off" in answer.json()["error"]
    assert not kept.events
    assert not kept.refused


async def test_a_worker_with_a_collector_redirects_nobody(
    kept: Kept, worker: OneWorker, settings: Settings, client_of
) -> None:
    client = client_of(create_api(worker, settings, kept))
    assert (await client.get("/r/tp2?u=https://evil.test/")).status_code == 404


async def test_headers_tell_the_useragent_and_the_page(kept, client) -> None:
    headers = {"User-Agent": "Mozilla/5.0", "Referer": "https://a.example/x?utm_source=s"}
    await client.get("/i?e=pv", headers=headers)
    assert kept.events[0]["useragent"] == "Mozilla/5.0"
    assert kept.events[0]["page_urlpath"] == "/x"
    assert kept.events[0]["mkt_source"] == "s"


async def test_a_visitor_keeps_the_collectors_cookie(kept, client) -> None:
    answer = await client.get("/i?e=pv")
    userid = kept.events[0]["network_userid"]
    assert str(uuid.UUID(userid)) == userid
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"sp={userid};")
    assert "Max-Age=31536000; Path=/; SameSite=lax" in cookie
    assert "HttpOnly" in cookie
    assert "Secure" not in cookie
    await client.post(TP2, content=body({"e": "pv"}), headers=JSON)
    assert kept.events[1]["network_userid"] == userid


async def test_a_cookie_that_is_not_the_collectors_is_replaced(kept, client) -> None:
    await client.get("/i?e=pv", headers={"Cookie": "sp=me"})
    assert uuid.UUID(kept.events[0]["network_userid"])


async def test_over_tls_the_cookie_goes_to_other_sites(kept, client) -> None:
    answer = await client.get("https://collector/i?e=pv")
    assert "SameSite=none; Secure" in answer.headers["set-cookie"]


async def test_who_asks_for_it_stays_anonymous(kept, client) -> None:
    headers = {"SP-Anonymous": "*", "X-Forwarded-For": "9.9.9.9", "Cookie": f"sp={uuid.uuid4()}"}
    answer = await client.post(TP2, content=body({"e": "pv"}), headers={**JSON, **headers})
    assert "set-cookie" not in answer.headers
    assert kept.events[0]["network_userid"] == "00000000-0000-0000-0000-000000000000"
    assert kept.events[0]["user_ipaddress"] == "unknown"


@pytest.mark.parametrize("path", ["/i", TP2, "/com.acme/track"])
async def test_a_page_of_any_origin_may_send_with_cookies(client, path) -> None:
    asked = {
        "Origin": "http://shop.example:3000",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    answer = await client.options(path, headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "http://shop.example:3000"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-allow-headers"] == "Content-Type, SP-Anonymous"
    sent = await client.post(
        TP2, content=body({"e": "pv"}), headers={**JSON, "Origin": "http://shop.example:3000"}
    )
    assert sent.headers["access-control-allow-origin"] == "http://shop.example:3000"
    assert sent.headers["access-control-allow-credentials"] == "true"


async def test_what_is_too_large_is_refused(kept, client) -> None:
    query = "x" * COLLECTOR_QUERY_BYTES_MAX
    assert (await client.get(f"/i?e=pv&page={query}")).status_code == 414
    header = "x" * COLLECTOR_HEADER_BYTES_MAX
    assert (await client.get("/i?e=pv", headers={"X-Long": header})).status_code == 431
    large = await client.post(TP2, content=b" " * (REQUEST_BYTES_MAX + 1), headers=JSON)
    assert large.status_code == 413
    assert not kept.events
    assert not kept.refused


async def test_a_worker_has_a_collector_only_where_it_is_given_one(
    kept: Kept, worker: OneWorker, settings: Settings, client_of
) -> None:
    without = client_of(create_api(worker, settings))
    assert (await without.get("/i?e=pv")).status_code == 404
    assert (await without.post(TP2, content=body({"e": "pv"}))).status_code in {404, 405}
    client = client_of(create_api(worker, settings, kept))
    assert (await client.get("/i?e=pv")).content == PIXEL
    assert (await client.get("/health/ready")).json() == {"status": "ready"}
    assert (await client.get("/metrics")).status_code == 200
    assert "/i" not in (await client.get("/openapi.json")).json()["paths"]


@pytest.mark.parametrize("path", ["/api/v1", "/health/ready"])
async def test_a_post_that_misses_the_api_is_not_taken_for_a_trackers(
    kept: Kept, worker: OneWorker, settings: Settings, client_of, path
) -> None:
    client = client_of(create_api(worker, settings, kept))
    answer = await client.post(path, json={"key": "domain_userid"})
    assert answer.status_code == 404
    assert "nothing exists at this path" in answer.json()["error"]
    assert not kept.refused


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/no"), ("POST", "/"), ("POST", "/i"), ("PUT", "/i"), ("POST", "/a/b/c"),
     ("DELETE", TP2), ("OPTIONS", "/no")],
)  # fmt: skip
async def test_a_path_that_no_tracker_uses_is_answered_with_those_that_they_use(
    kept: Kept, client, method, path
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == 404
    assert "trackers send to GET /i" in answer.json()["error"]
    assert not kept.refused


async def test_the_collector_tells_its_health_and_metrics(client) -> None:
    assert (await client.get("/health/ready")).status_code == 200
    assert (await client.get("/health/live")).status_code == 200
    assert "processor_collected_events_total" in (await client.get("/metrics")).text
