"""What a record must have to be an event, and how it is read that is nearly one."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.errors import DeadLetterReason, MalformedEventError
from processor.events import parse_event
from processor.events.event import column_reader
from processor.events.timestamp import timestamp_ms
from processor.limits import EVENT_BYTES_MAX, SCHEMA_PART_CHARS_MAX

Make = Callable[..., bytes]
MS_1000 = 1_795_341_600_000  # 2026-11-22 10:00:00 UTC


def reason_of(value: bytes | None) -> DeadLetterReason:
    with pytest.raises(MalformedEventError) as caught:
        parse_event(value)
    assert caught.value.detail
    return caught.value.reason


@pytest.mark.parametrize("value", [b"", None])
def test_a_record_without_value_is_empty(value: bytes | None) -> None:
    assert reason_of(value) is DeadLetterReason.EMPTY


def test_a_record_of_exactly_the_limit_is_read(line: Make) -> None:
    rest = EVENT_BYTES_MAX - len(line())
    assert parse_event(line(page_title="x" * rest)).event_name == "page_view"
    assert reason_of(line(page_title="x" * (rest + 1))) is DeadLetterReason.TOO_LARGE


def test_a_string_of_ten_megabytes_makes_the_record_too_large(line: Make) -> None:
    assert reason_of(line(page_title="x" * 10_000_000)) is DeadLetterReason.TOO_LARGE


def test_a_column_more_or_less_is_refused(line: Make) -> None:
    assert reason_of(line() + b"\t") is DeadLetterReason.COLUMN_COUNT
    assert reason_of(line().rsplit(b"\t", 1)[0]) is DeadLetterReason.COLUMN_COUNT
    assert reason_of(b"\n") is DeadLetterReason.COLUMN_COUNT


def test_an_empty_event_id_is_refused_and_any_other_accepted(line: Make) -> None:
    assert reason_of(line(event_id="")) is DeadLetterReason.EVENT_ID
    assert parse_event(line(event_id="not-a-uuid")).event_id == "not-a-uuid"


def test_a_long_event_id_is_refused_since_it_travels_with_every_contribution(line: Make) -> None:
    for letter in "eé😀":
        longest = letter * 1_000
        assert parse_event(line(event_id=longest)).event_id == longest
        assert reason_of(line(event_id=longest + "e")) is DeadLetterReason.EVENT_ID


@pytest.mark.parametrize("column", ["event_vendor", "event_name", "event_version"])
def test_the_parts_of_a_schema_are_bounded(line: Make, column: str) -> None:
    longest = "é" * SCHEMA_PART_CHARS_MAX
    assert longest.encode() in parse_event(line(**{column: longest})).kind
    assert reason_of(line(**{column: longest + "e"})) is DeadLetterReason.TOO_LARGE


def test_other_columns_beside_the_schema_may_be_long(line: Make) -> None:
    assert parse_event(line(event_fingerprint="e" * 2_000)).event_name == "page_view"


NO_TIMES = [
    "yesterday",
    "1969-12-31 23:59:59",
    "0026-01-01 15:00:59.993",
    "10013-12-10 01:09:46.708",
    "2026-02-30 00:00:00",
    "2026-11-22 09:00:60",
    "1795341600000",
    "\\N",
    "x" * 100_000,
]


@pytest.mark.parametrize("text", NO_TIMES)
def test_an_event_whose_derived_tstamp_is_no_time_counts_at_its_collector_tstamp(
    line: Make, text: str
) -> None:
    event = parse_event(line(derived_tstamp=text), MS_1000 + 500)
    assert (event.time_ms, event.arrival_ms) == (MS_1000 + 123, MS_1000 + 500)
    assert (event.undated, event.future, event.ahead) == (True, False, False)
    assert event.derived_tstamp == "", "a message tells no time that is none"
    assert parse_event(line(derived_tstamp=text), MS_1000 + 100).time_ms == MS_1000 + 100


@pytest.mark.parametrize(
    ("text", "after_ms"),
    [
        ("2026-11-22 09:59:59.123456", -877),
        ("2026-11-22T09:59:59Z", -1_000),
        ("2026-11-22T10:00:00.023+00:00", 23),
        ("2026-11-22T11:00:00.023+01:00", 23),
    ],
)
def test_times_in_other_spellings_are_read(line: Make, text: str, after_ms: int) -> None:
    event = parse_event(line(derived_tstamp=text))
    assert (event.time_ms, event.undated) == (MS_1000 + after_ms, False)
    assert timestamp_ms(event.derived_tstamp.encode()) == event.time_ms
    event = parse_event(line(collector_tstamp=text, derived_tstamp=""))
    assert (event.time_ms, event.undated, event.derived_tstamp) == (MS_1000 + after_ms, False, "")
    event = parse_event(line(collector_tstamp=text, derived_tstamp="2031-01-01 00:00:00"))
    assert (event.time_ms, event.future) == (MS_1000 + after_ms, True)


@pytest.mark.parametrize("text", ["", *NO_TIMES])
def test_an_event_without_a_collector_tstamp_is_refused(line: Make, text: str) -> None:
    assert reason_of(line(collector_tstamp=text)) is DeadLetterReason.TIMESTAMP


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n"])
@pytest.mark.parametrize("true", [b"", b"2026-03-04 05:06:07.000"])
def test_a_line_end_behind_the_record_is_no_part_of_it(line: Make, end: bytes, true: bytes) -> None:
    value = line(true_tstamp=true)
    event = parse_event(value + end)
    assert column_reader("true_tstamp")(event) == true
    assert b"\t".join(event.columns) == value


def test_bytes_that_are_not_utf8_are_refused_wherever_they_stand(line: Make) -> None:
    for column in ("app_id", "page_title", "true_tstamp"):
        assert reason_of(line(**{column: b"caf\xe9"})) is DeadLetterReason.UTF8


def test_broken_json_that_nobody_reads_is_no_fault(line: Make) -> None:
    value = line(contexts="{broken", unstruct_event="[", derived_contexts="nope")
    assert parse_event(value).event_name == "page_view"


@given(st.binary(max_size=300))
def test_garbage_raises_nothing_but_malformed(value: bytes) -> None:
    assert reason_of(value) in DeadLetterReason


@given(cut=st.integers(0, 400), drop=st.integers(1, 5), insert=st.binary(max_size=3))
def test_a_damaged_line_is_read_or_malformed(
    line: Make, cut: int, drop: int, insert: bytes
) -> None:
    value = line(page_title="Grüße")
    try:
        event = parse_event(value[:cut] + insert + value[cut + drop :])
    except MalformedEventError:
        pass
    else:
        assert event.event_id
        assert b"\t".join(event.columns).decode()
