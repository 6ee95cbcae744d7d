from collections.abc import Callable

import pytest

from processor.events import ATOMIC_COLUMNS, parse_event
from processor.events.event import column_reader

Make = Callable[..., bytes]
MS_1000 = 1_795_341_600_000  # 2026-11-22 10:00:00 UTC


def test_an_event_knows_its_id_schema_and_time(line: Make) -> None:
    event = parse_event(line())
    assert event.event_id == "c6ef3124-b53a-4b13-a233-0088f79dcbcb"
    assert event.event_vendor == "com.snowplowanalytics.snowplow"
    assert event.event_name == "page_view"
    assert event.event_version == "1-0-0"
    assert event.derived_tstamp == "2026-11-22 10:00:00.023"
    assert event.time_ms == MS_1000 + 23
    assert event.future is False


def test_columns_are_the_bytes_of_the_line(line: Make) -> None:
    value = line(page_title="Grüße aus Köln")
    event = parse_event(value)
    assert b"\t".join(event.columns) == value
    assert len(event.columns) == len(ATOMIC_COLUMNS)


@pytest.mark.parametrize("name", ATOMIC_COLUMNS)
def test_every_column_is_found_alone(line: Make, name: str) -> None:
    index = ATOMIC_COLUMNS.index(name)
    times = {"collector_tstamp", "derived_tstamp"}
    text = b"2026-11-22 10:00:00.111" if name in times else b"here"
    value = line(**{name: text})
    assert parse_event(value).column(index) == text
    assert column_reader(name)(parse_event(value)) == text
    assert parse_event(value).columns[index] == text


def test_the_event_time_is_collector_tstamp_where_derived_is_empty(line: Make) -> None:
    event = parse_event(line(derived_tstamp=""))
    assert (event.time_ms, event.future) == (MS_1000 + 123, False)
    assert event.derived_tstamp == ""


def test_a_derived_tstamp_after_the_collector_is_capped_and_marked(line: Make) -> None:
    event = parse_event(line(derived_tstamp="2026-11-22 10:00:00.124"))
    assert (event.time_ms, event.future) == (MS_1000 + 123, True)


def test_equal_timestamps_are_not_in_the_future(line: Make) -> None:
    event = parse_event(line(derived_tstamp="2026-11-22 10:00:00.123"))
    assert (event.time_ms, event.future) == (MS_1000 + 123, False)


@pytest.mark.parametrize(
    ("derived", "ahead_ms", "time_ms", "ahead"),
    [
        ("", 0, 0, False),
        ("", 1, -1, True),
        ("2026-11-22 10:00:00.100", 0, -23, False),
        ("2026-11-22 10:00:00.100", 23, -23, False),
        ("2026-11-22 10:00:00.100", 24, -24, True),
        ("2031-01-01 00:00:00", 0, 0, False),
        ("2031-01-01 00:00:00", 7_200_000, -7_200_000, True),
    ],
)
def test_an_event_is_never_later_than_its_arrival(
    line: Callable[..., bytes], derived: str, ahead_ms: int, time_ms: int, ahead: bool
) -> None:
    collector_ms = 1_795_341_600_123
    value = line(collector_tstamp="2026-11-22 10:00:00.123", derived_tstamp=derived)
    event = parse_event(value, collector_ms - ahead_ms)
    assert (event.time_ms, event.ahead) == (collector_ms + time_ms, ahead)
    assert event.arrival_ms == collector_ms - ahead_ms
