from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.errors import DeadLetterReason, MalformedEventError
from processor.events import ATOMIC_COLUMNS, parse_event
from processor.events.event import column_reader
from processor.limits import EVENT_BYTES_MAX, EVENT_ID_BYTES_MAX, SCHEMA_PART_BYTES_MAX

Make = Callable[..., bytes]
MS_1000 = 1_795_341_600_000  # 2026-11-22 10:00:00 UTC


def reason_of(value: bytes | None) -> DeadLetterReason:
    with pytest.raises(MalformedEventError) as caught:
        parse_event(value)
    assert caught.value.detail
    return caught.value.reason


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
    longest = "e" * EVENT_ID_BYTES_MAX
    assert parse_event(line(event_id=longest)).event_id == longest
    assert reason_of(line(event_id=longest + "e")) is DeadLetterReason.EVENT_ID


@pytest.mark.parametrize("column", ["event_vendor", "event_name", "event_version"])
def test_the_parts_of_a_schema_are_bounded(line: Make, column: str) -> None:
    longest = "e" * SCHEMA_PART_BYTES_MAX
    assert longest.encode() in parse_event(line(**{column: longest})).kind
    assert reason_of(line(**{column: longest + "e"})) is DeadLetterReason.TOO_LARGE


def test_other_columns_beside_the_schema_may_be_long(line: Make) -> None:
    assert parse_event(line(event_fingerprint="e" * 2_000)).event_name == "page_view"


@pytest.mark.parametrize("column", ["collector_tstamp", "derived_tstamp"])
@pytest.mark.parametrize("text", ["yesterday", "1969-12-31 23:59:59", "2026-11-22T10:00:00Z"])
def test_a_timestamp_that_is_none_is_refused(line: Make, column: str, text: str) -> None:
    assert reason_of(line(**{column: text})) is DeadLetterReason.TIMESTAMP


def test_collector_tstamp_is_required(line: Make) -> None:
    assert reason_of(line(collector_tstamp="")) is DeadLetterReason.TIMESTAMP


def test_bytes_that_are_not_utf8_are_refused_wherever_they_stand(line: Make) -> None:
    for column in ("app_id", "page_title", "true_tstamp"):
        assert reason_of(line(**{column: b"caf\xe9"})) is DeadLetterReason.UTF8


def test_a_compressed_record_says_so() -> None:
    with pytest.raises(MalformedEventError, match="compress") as caught:
        parse_event(b"\x28\xb5\x2f\xfd\x00\xff\xff")
    assert caught.value.reason is DeadLetterReason.UTF8


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
