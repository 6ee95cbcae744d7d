"""Queries and bodies of requests, and which part of them is refused."""

import json

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


def test_bytes_that_are_no_text_are_replaced(arrival: Arrival) -> None:
    assert app_ids(collect_query("e=pv&aid=%ff", arrival)) == ["\ufffd"]


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


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_another_content_type_is_refused(arrival: Arrival, kind) -> None:
    with pytest.raises(TrackerProtocolError, match="content type"):
        collect_body(body({"e": "pv"}), kind, "", arrival)


def test_too_many_events_are_refused(arrival: Arrival) -> None:
    with pytest.raises(TrackerProtocolError) as told:
        collect_body(body(*[{"e": "pv"}] * (COLLECTED_EVENTS_MAX + 1)), JSON, "", arrival)
    assert told.value.reason is DeadLetterReason.TOO_LARGE
