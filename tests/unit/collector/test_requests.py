"""Queries and bodies of requests, and which part of them is refused."""

import json
import time
from contextlib import suppress

import pytest

from processor.collector import Arrival, Collected, collect_body, collect_query
from processor.errors import DeadLetterReason, TrackerProtocolError
from processor.events import parse_event
from processor.limits import COLLECTED_EVENTS_MAX

SCHEMA = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"
JSON = "application/json; charset=utf-8"


def body(*events: object, schema: object = SCHEMA) -> bytes:
    return json.dumps({"schema": schema, "data": list(events)}).encode()


def app_ids(collected: Collected) -> list[str]:
    return [parse_event(event.value).columns[0].decode() for event in collected.events]


def test_a_query_is_one_event(arrival: Arrival) -> None:
    collected = collect_query("e=pv&aid=a+b%C3%BC&aid=last+%F0%9F%99%82", arrival)
    assert app_ids(collected) == ["last 🙂"]
    assert not collected.refused


@pytest.mark.parametrize("query", ["", "&&", "x", "a=1&" * 2_000])
def test_a_query_without_parameters_is_refused_as_it_came(arrival: Arrival, query) -> None:
    (refused,) = collect_query(query, arrival).refused
    assert refused.value == query.encode()
    assert refused.reason is DeadLetterReason.PAYLOAD


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("%ff", "\ufffd"),
        ("caf%E9", "caf\ufffd"),
        ("Sale%20%ED%A0%BD", "Sale \ufffd"),
        ("%ED%B0%80x", "\ufffdx"),
        ("%ED%A0%BD%ED%B8%80", "\U0001f600"),
        ("\u00e9%ED%A0%BD%F0%9F%98%80", "\u00e9\ufffd\U0001f600"),
    ],
)
def test_bytes_that_are_no_text_are_replaced(arrival: Arrival, sent: str, text: str) -> None:
    """Half a character is one U+FFFD, in a query as in a body; whole pairs are a character."""
    assert app_ids(collect_query(f"e=pv&aid={sent}", arrival)) == [text]


def test_a_body_is_many_events_in_order(arrival: Arrival) -> None:
    collected = collect_body(
        body(*({"e": "pv", "aid": str(n)} for n in range(20))), JSON, "", arrival
    )
    assert app_ids(collected) == [str(n) for n in range(20)]


def test_the_query_of_a_body_holds_for_each_event(arrival: Arrival) -> None:
    collected = collect_body(
        body({"e": "pv", "aid": "a"}, {"e": "pp"}), JSON, "aid=b&nuid=n", arrival
    )
    assert app_ids(collected) == ["b", "b"]
    assert [event.key for event in collected.events] == [b"n", b"n"]


def test_without_a_body_the_query_is_the_event(arrival: Arrival) -> None:
    assert app_ids(collect_body(b"", "", "e=pv&aid=a", arrival)) == ["a"]
    with pytest.raises(TrackerProtocolError, match="content type"):
        collect_body(b"", "", "", arrival)
    with pytest.raises(TrackerProtocolError, match="self-describing JSON"):
        collect_body(b"", JSON, "e=pv", arrival)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"e": "xx"}, DeadLetterReason.PARAMETER),
        ({"e": "pv", "vid": 3, "n": None}, DeadLetterReason.PARAMETER),
        ([], DeadLetterReason.PAYLOAD),
        (None, DeadLetterReason.PAYLOAD),
        ("e=pv", DeadLetterReason.PAYLOAD),
        ({"e": "pv", "co": "[]"}, DeadLetterReason.JSON),
        (json.loads("[" * 300 + "]" * 300), DeadLetterReason.PAYLOAD),
    ],
)
def test_an_event_that_is_wrong_is_refused_alone_with_its_bytes(
    arrival: Arrival, item, reason
) -> None:
    good = {"e": "pv", "aid": "good"}
    collected = collect_body(body(good, item, good), JSON, "", arrival)
    assert app_ids(collected) == ["good", "good"]
    (refused,) = collected.refused
    assert json.loads(refused.value) == item
    assert refused.reason is reason
    assert refused.detail


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"e=pv",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b'{"schema": "' + SCHEMA.encode() + b'"}',
        body(schema=SCHEMA),
        body({"e": "pv"}, schema=5),
        body({"e": "pv"}, schema="iglu:com.acme/payload_data/jsonschema/1-0-4"),
        body({"e": "pv"}, schema=SCHEMA.replace("1-0-4", "2-0-0")),
        body({"e": "pv"}).replace(b"[", b"").replace(b"]", b""),
        b"[" * 100_000,
    ],
)
def test_a_body_that_cannot_be_read_is_refused_as_a_whole(arrival: Arrival, wrong) -> None:
    with pytest.raises(TrackerProtocolError) as told:
        collect_body(wrong, JSON, "", arrival)
    assert told.value.reason is DeadLetterReason.PAYLOAD


@pytest.mark.parametrize("kind", ["text/plain", "Text/Plain;charset=UTF-8", "application/JSON"])
def test_text_is_read_as_json(arrival: Arrival, kind) -> None:
    assert app_ids(collect_body(body({"e": "pv", "aid": "a"}), kind, "", arrival)) == ["a"]


@pytest.mark.parametrize("kind", ["", "text/html", "application/x-www-form-urlencoded"])
def test_another_content_type_is_refused(arrival: Arrival, kind) -> None:
    with pytest.raises(TrackerProtocolError, match="content type"):
        collect_body(body({"e": "pv"}), kind, "", arrival)


def test_too_many_events_are_refused(arrival: Arrival) -> None:
    with pytest.raises(TrackerProtocolError) as told:
        collect_body(body(*[{"e": "pv"}] * (COLLECTED_EVENTS_MAX + 1)), JSON, "", arrival)
    assert told.value.reason is DeadLetterReason.TOO_LARGE


def broken(event: str) -> bytes:
    """A body of three events, of which the second is written as given."""
    return body({"e": "pv", "aid": "1"}, "HERE", {"e": "pv", "aid": "3"}).replace(
        b'"HERE"', event.encode("utf-8", "surrogatepass")
    )


@pytest.mark.parametrize(
    ("event", "read"),
    [
        (r'{"e":"pv","aid":"2","page":"Sale \ud83d"}', "Sale \ufffd"),
        (r'{"e":"pv","aid":"2","page":"\ude00 Sale"}', "\ufffd Sale"),
        (r'{"e":"pv","aid":"2","page":"\ude00\ud83d"}', "\ufffd\ufffd"),
        (r'{"e":"pv","aid":"2","page":"\ud83d\ude00"}', "\U0001f600"),
        (r'{"e":"pv","aid":"2","page":"\\ud83d"}', r"\ud83d"),
        (r'{"e":"pv","aid":"2","x\ud83d":"1","page":"p"}', "p"),
        ('{"e":"pv","aid":"2","page":"Sale \ud83d"}', "Sale \ufffd"),
    ],
)
def test_half_a_character_in_a_body_costs_nothing_else(arrival: Arrival, event, read) -> None:
    collected = collect_body(broken(event), JSON, "", arrival)
    assert app_ids(collected) == ["1", "2", "3"]
    assert parse_event(collected.events[1].value).column(30).decode() == read
    assert not collected.refused


def test_bytes_that_are_no_text_and_a_mark_in_front_cost_nothing_else(arrival: Arrival) -> None:
    sent = b"\xef\xbb\xbf" + body({"e": "pv", "page": "caf@"}, {"e": "pp"}).replace(b"@", b"\xe9")
    collected = collect_body(sent, JSON, "", arrival)
    assert len(collected.events) == 2
    assert parse_event(collected.events[0].value).column(30).decode() == "caf\ufffd"


@pytest.mark.parametrize(
    "event",
    [
        '{"e":"pv","x":NaN}',
        '{"e":"pv","x":01}',
        '{"e":"pv",}',
        '{"e":"pv" "p":"web"}',
        "{e:'pv'}",
        r'{"e":"pv","page":"\x"}',
        '{"e":"pv","page":"line\nend"}',
        r'{"e":"pv","page":"], {}, \"data\":["}, {"e":"pv","x":-}',
        '{"e":"pv","x":' + "[" * 2_000 + "]" * 2_000 + "}",
        "undefined",
        "",
    ],
)
def test_an_event_that_is_no_json_is_refused_alone(arrival: Arrival, event) -> None:
    collected = collect_body(broken(event), JSON, "", arrival)
    assert {"1", "3"} <= set(app_ids(collected))
    (refused,) = collected.refused
    assert refused.reason is DeadLetterReason.PAYLOAD
    assert event.endswith(refused.value.decode())
    assert refused.detail


@pytest.mark.parametrize("event", ['{"e":"pv"', '{"e":"pv}', "]", "}"])
def test_where_brackets_do_not_say_which_event_is_which_all_are_refused(
    arrival: Arrival, event
) -> None:
    with pytest.raises(TrackerProtocolError, match="self-describing JSON"):
        collect_body(broken(event), JSON, "", arrival)


def test_a_body_that_is_broken_around_its_events_is_refused_as_a_whole(arrival: Arrival) -> None:
    for wrong in (
        broken("x").replace(b'"schema"', b"schema"),
        broken("x").replace(SCHEMA.encode(), b"iglu:x"),
        broken("x") + b"}",
        broken("x").replace(b'"data"', b'"dato"'),
        b'{"a": {"data": [{"e": "pv"}]}, x}',
    ):
        with pytest.raises(TrackerProtocolError):
            collect_body(wrong, JSON, "", arrival)


def test_no_broken_body_takes_long(arrival: Arrival) -> None:
    for piece in (b'""', b"[", b'"', b"\\", b'"\\', b"{},", b'{"a":1},'):
        sent = body("HERE").replace(b'"HERE"', piece * (1_000_000 // len(piece)))
        started = time.process_time()
        with suppress(TrackerProtocolError):
            collect_body(sent, JSON, "", arrival)
        assert time.process_time() - started < 1


def test_a_fault_of_ours_in_one_event_does_not_take_the_others() -> None:
    ids = iter(["1", None, "3"])
    failing = Arrival(received_ms=1_700_000_000_123, new_event_id=lambda: next(ids))
    collected = collect_body(body(*({"e": "pv", "aid": n} for n in "123")), JSON, "", failing)
    assert app_ids(collected) == ["1", "3"]
    (refused,) = collected.refused
    assert refused.reason is DeadLetterReason.UNEXPECTED
    assert json.loads(refused.value)["aid"] == "2"
