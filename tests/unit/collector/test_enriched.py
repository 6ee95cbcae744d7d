"""Events as lines of the enriched TSV."""

import json
from dataclasses import replace

import pytest

from processor.collector import Arrival, enriched_event
from processor.collector.lengths import LENGTHS
from processor.errors import DeadLetterReason, MalformedEventError, TrackerProtocolError
from processor.events import COLUMN_TYPES, ColumnType, parse_event
from tests.unit.collector.conftest import EVENT_ID, RECEIVED_MS

RECEIVED = "2023-11-14 22:13:20.123"
SNOWPLOW = "com.snowplowanalytics.snowplow"


def unstruct(schema: str = "iglu:com.acme/save_game/jsonschema/2-1-0", data=None) -> str:
    inner = {"schema": schema, "data": data or {}}
    return json.dumps({
        "schema": f"iglu:{SNOWPLOW}/unstruct_event/jsonschema/1-0-0", "data": inner,
    })  # fmt: skip


def test_an_event_without_anything_has_what_the_collector_knows(columns_of) -> None:
    found = columns_of({})
    assert found.pop("v_collector").startswith("processor-collector-")
    assert found.pop("v_etl").startswith("processor-")
    assert found == {
        "etl_tstamp": RECEIVED,
        "collector_tstamp": RECEIVED,
        "derived_tstamp": RECEIVED,
        "event": "page_view",
        "event_id": EVENT_ID,
        "event_vendor": SNOWPLOW,
        "event_name": "page_view",
        "event_format": "jsonschema",
        "event_version": "1-0-0",
    }


@pytest.mark.parametrize(
    ("code", "vendor", "name"),
    [
        ("pv", SNOWPLOW, "page_view"),
        ("pp", SNOWPLOW, "page_ping"),
        ("se", "com.google.analytics", "event"),
        ("ev", "com.google.analytics", "event"),
        ("tr", SNOWPLOW, "transaction"),
        ("ti", SNOWPLOW, "transaction_item"),
    ],
)
def test_the_schema_of_an_event_of_the_protocol(columns_of, code, vendor, name) -> None:
    found = columns_of({"e": code})
    assert (found["event_vendor"], found["event_name"]) == (vendor, name)
    assert (found["event_format"], found["event_version"]) == ("jsonschema", "1-0-0")


def test_the_schema_of_an_event_of_its_own(columns_of) -> None:
    found = columns_of({"e": "ue", "ue_pr": unstruct()})
    assert found["event"] == "unstruct"
    assert (found["event_vendor"], found["event_name"]) == ("com.acme", "save_game")
    assert (found["event_format"], found["event_version"]) == ("jsonschema", "2-1-0")


def test_what_the_tracker_says_goes_before_what_the_request_says(columns_of, arrival) -> None:
    request = replace(
        arrival,
        ip_address="1.1.1.1",
        useragent="curl\t",
        page_url="https://a.example/x",
        network_userid="cookie",
    )
    found = columns_of({}, request)
    assert found["user_ipaddress"] == "1.1.1.1"
    assert found["useragent"] == "curl    "
    assert found["page_url"] == "https://a.example/x"
    assert found["page_urlhost"] == "a.example"
    assert found["network_userid"] == "cookie"
    said = {"ip": "2.2.2.2", "ua": "UA", "url": "http://b.example/", "tnuid": "n"}
    found = columns_of(said, request)
    assert found["user_ipaddress"] == "2.2.2.2"
    assert found["useragent"] == "UA"
    assert found["page_urlhost"] == "b.example"
    assert found["network_userid"] == "n"


@pytest.mark.parametrize(
    ("times", "derived"),
    [
        ({}, RECEIVED),
        ({"dtm": "1600000000000"}, RECEIVED),
        ({"stm": "1600000000000"}, RECEIVED),
        ({"dtm": "1600000000000", "stm": "1600000005123"}, "2023-11-14 22:13:15.000"),
        ({"dtm": "1600000005000", "stm": "1600000000000"}, RECEIVED),
        ({"dtm": "0", "stm": "1800000000000"}, "1970-01-01 00:00:00.000"),
        (
            {"dtm": "1600000000000", "stm": "1600000005000", "ttm": "1500000000001"},
            "2017-07-14 02:40:00.001",
        ),
    ],
)
def test_the_derived_time(columns_of, times, derived) -> None:
    assert columns_of(times)["derived_tstamp"] == derived


def test_pages_of_the_same_host_send_visitors_internally(columns_of) -> None:
    page = "https://a.example/2"
    assert columns_of({"url": page, "refr": "http://a.example/1"})["refr_medium"] == "internal"
    assert "refr_medium" not in columns_of({"url": page, "refr": "https://search.example/?q=1"})
    assert "refr_medium" not in columns_of({"refr": "https://search.example/"})


def test_all_parts_of_a_long_address_are_kept_to_their_own_lengths(columns_of) -> None:
    url = f"https://a.example/{'p' * 3_500}?{'q' * 5_000}#{'f' * 4_000}"
    found = columns_of({"url": url, "refr": url})
    lengths = {name: len(text) for name, text in found.items() if "url" in name}
    assert lengths["page_url"] == 4_096
    assert lengths["page_urlpath"] == 3_000
    assert lengths["page_urlquery"] == 5_000
    assert lengths["page_urlfragment"] == 3_000
    assert lengths["refr_urlpath"] == 3_501


def test_every_text_column_has_a_length() -> None:
    strings = {name for name, kind in COLUMN_TYPES.items() if kind is ColumnType.STRING}
    unset = {"event_id", "event_fingerprint", "etl_tags", "base_currency", "refr_source"}
    missing = strings - set(LENGTHS) - unset
    assert {name.partition("_")[0] for name in missing} <= {"geo", "ip", "br", "os", "dvce", "refr"}
    assert set(LENGTHS) <= strings


def test_longer_texts_are_cut_in_characters(columns_of) -> None:
    found = columns_of({"aid": "ü" * 300, "tr_cu": "EURO", "page": "t" * 3_000})
    assert found["app_id"] == "ü" * 255
    assert found["tr_currency"] == "EUR"
    assert len(found["page_title"]) == 2_000


def test_the_visitor_is_the_surest_identifier(arrival: Arrival) -> None:
    request = replace(arrival, network_userid="n")
    assert enriched_event({"e": "pv", "duid": "d", "uid": "u"}, request)[1] == b"d"
    assert enriched_event({"e": "pv", "uid": "ü"}, request)[1] == "ü".encode()
    assert enriched_event({"e": "pv"}, request)[1] == b"n"
    assert enriched_event({"e": "pv"}, arrival)[1] == b""


def test_every_mistake_is_told_at_once(arrival: Arrival) -> None:
    wrong = {"e": "pv", "eid": "1", "vid": "x" * 500, "url": "http://[a", "p": "web"}
    with pytest.raises(TrackerProtocolError) as told:
        enriched_event(wrong, arrival)
    assert told.value.reason is DeadLetterReason.PARAMETER
    assert "eid '1' is not a UUID; vid 'xxx" in told.value.detail
    assert "url 'http://[a' has no host" in told.value.detail
    assert "x" * 101 not in told.value.detail


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({}, DeadLetterReason.PARAMETER),
        ({"e": "ad"}, DeadLetterReason.PARAMETER),
        ({"e": "ue"}, DeadLetterReason.JSON),
        ({"e": "ue", "ue_pr": "{"}, DeadLetterReason.JSON),
        ({"e": "pv", "cx": "x"}, DeadLetterReason.JSON),
        ({"e": "pv", "cx": "x", "vid": "y"}, DeadLetterReason.PARAMETER),
    ],
)
def test_the_reason_of_a_refusal(arrival: Arrival, parameters, reason) -> None:
    with pytest.raises(TrackerProtocolError) as told:
        enriched_event(parameters, arrival)
    assert told.value.reason is reason


def test_a_line_that_no_worker_would_take_is_refused(arrival: Arrival) -> None:
    parameters = {"e": "ue", "ue_pr": unstruct(data={"text": "x" * 1_000_000})}
    with pytest.raises(MalformedEventError) as told:
        enriched_event(parameters, arrival)
    assert told.value.reason is DeadLetterReason.TOO_LARGE


def test_the_same_request_gives_the_same_line(arrival: Arrival) -> None:
    assert arrival.received_ms == RECEIVED_MS
    assert enriched_event({"e": "pv"}, arrival) == enriched_event({"e": "pv"}, arrival)


NO_ADDRESSES = [
    "http://shop.test:abc/",
    "http://shop.test:80:80/",
    "http://shop.test:123456/",
    "http://[bad/",
    "http://[::1",
    "http://a]b/",
]


@pytest.mark.parametrize("referrer", NO_ADDRESSES)
def test_a_referrer_that_is_no_address_is_told_without_its_parts(columns_of, referrer) -> None:
    found = columns_of({"url": "http://shop.test/a", "refr": referrer})
    assert found["page_referrer"] == referrer
    assert found["page_urlhost"] == "shop.test"
    assert not [name for name in found if name.startswith("refr_")]


@pytest.mark.parametrize("referrer", ["android-app://com.example/", "about:blank", "no address"])
def test_a_referrer_of_another_kind_is_told(columns_of, referrer) -> None:
    assert columns_of({"refr": referrer})["page_referrer"] == referrer


@pytest.mark.parametrize("page", NO_ADDRESSES)
def test_a_page_that_is_no_address_is_refused_as_enrich_does(arrival, page) -> None:
    with pytest.raises(TrackerProtocolError, match="url"):
        enriched_event({"e": "pv", "url": page}, arrival)


@pytest.mark.parametrize("page", [*NO_ADDRESSES, "http://a/?_sp=u.x", "http://a/?" + "a&" * 2_000])
def test_a_page_in_the_browsers_header_that_cannot_be_right_is_not_told(
    columns_of, arrival, page
) -> None:
    found = columns_of({}, replace(arrival, page_url=page))
    assert not [name for name in found if name.startswith(("page_", "mkt_", "refr_"))]


@pytest.mark.parametrize(
    ("sent", "derived"),
    [("-3600000", RECEIVED), (None, RECEIVED), ("-3599000", "2023-11-14 22:13:19.123")],
)
def test_a_device_whose_clock_is_before_1970_counts(columns_of, sent, derived) -> None:
    found = columns_of({"dtm": "-3600000"} | ({} if sent is None else {"stm": sent}))
    assert found["dvce_created_tstamp"] == "1969-12-31 23:00:00.000"
    assert found["derived_tstamp"] == derived


def test_a_true_time_before_1970_is_told_and_the_event_counts_when_it_was_collected(
    arrival: Arrival,
) -> None:
    value, _ = enriched_event({"e": "pv", "ttm": "-1"}, arrival)
    event = parse_event(value)
    assert (event.undated, event.time_ms) == (True, RECEIVED_MS)


def test_the_address_of_a_tracker_has_no_port(columns_of) -> None:
    assert columns_of({"ip": "203.0.113.9:51234"})["user_ipaddress"] == "203.0.113.9"
