from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.events import timestamp
from processor.events.timestamp import any_timestamp_ms, timestamp_ms, timestamp_text
from processor.limits import SECOND_CACHE_MAX

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_000))


@given(MOMENTS)
def test_every_moment_from_1970_on_is_exact_to_the_millisecond(moment: datetime) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    text = f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"
    text = f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d} {text}"
    assert timestamp_ms(text.encode()) == (moment - EPOCH) // timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"1970-01-01 00:00:00", 0),
        (b"1970-01-01 00:00:00.001", 1),
        (b"2013-11-26 00:02:05", 1_385_424_125_000),
        (b"2013-11-26 00:02:05.1", 1_385_424_125_100),
        (b"2013-11-26 00:02:05.12", 1_385_424_125_120),
        (b"2024-02-29 23:59:59.999", 1_709_251_199_999),
        (b"9999-12-31 23:59:59.999", 253_402_300_799_999),
    ],
)
def test_fractions_have_up_to_three_digits(text: bytes, expected: int) -> None:
    assert timestamp_ms(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b"2013-11-26",
        b"2013-11-26 00:02",
        b"2013-11-26T00:02:05.123",
        b"2013-11-26 00:02:05.123Z",
        b"2013-11-26 00:02:05.",
        b"2013-11-26 00:02:05.1234",
        b"2013-11-26 00:02:05,123",
        b"2013-11-26 00:02:05.12 ",
        b"2013-11-26 00:02:05.-12",
        b"2013-11-26 00:02:60",
        b"2013-11-26 00:60:05",
        b"2013-11-26 24:02:05",
        b"2023-02-29 00:00:00",
        b"2013-13-26 00:02:05",
        b"2013-00-26 00:02:05",
        b"0000-01-01 00:00:00",
        b"1969-12-31 23:59:59",
        b"12013-11-26 00:02:05",
        b"+013-11-26 00:02:05",
        b"2013-11-26 00:02:5 ",
        b"2013-11-26 00:02:+5",
        b"2013-1-26 00:02:05",
        "२०१३-11-26 00:02:05".encode(),
        b"1385424125123",
        b"2013-11-26 00:02:05\n",
    ],
)
def test_the_quick_way_reads_nothing_else(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a timestamp|year|must be in|out of range"):
        timestamp_ms(text)


@given(st.binary(max_size=30))
def test_garbage_is_refused_or_read_but_never_breaks(text: bytes) -> None:
    try:
        assert timestamp_ms(text) >= 0
    except ValueError:
        assert True


def test_the_cache_of_seconds_is_bounded() -> None:
    first = datetime(2020, 1, 1, tzinfo=UTC)
    for second in range(SECOND_CACHE_MAX + 10):
        moment = first + timedelta(seconds=second)
        text = f"{moment:%Y-%m-%d %H:%M:%S}".encode()
        assert timestamp_ms(text) == (moment - EPOCH) // timedelta(milliseconds=1)
        assert len(timestamp._second_ms) <= SECOND_CACHE_MAX


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"2013-11-26 00:02:05.123", 1_385_424_125_123),
        (b"2013-11-26T00:02:05", 1_385_424_125_000),
        (b"2013-11-26T00:02:05.5Z", 1_385_424_125_500),
        (b"2013-11-26t00:02:05.123z", 1_385_424_125_123),
        (b"2013-11-26 00:02:05.123456", 1_385_424_125_123),
        (b"2013-11-26 00:02:05.999999999", 1_385_424_125_999),
        (b"2013-11-26 00:02:05,123", 1_385_424_125_123),
        (b"2013-11-26 00:02:05 UTC", 1_385_424_125_000),
        (b"2013-11-26T00:02:05+00:00", 1_385_424_125_000),
        (b"2013-11-26T00:02:05.123+0000", 1_385_424_125_123),
        (b"2013-11-26T01:02:05+01:00", 1_385_424_125_000),
        (b"2013-11-25T19:02:05-0500", 1_385_424_125_000),
        (b"2016-12-31 23:59:60.000", 1_483_228_799_000),
        (b"2016-12-31T23:59:60.25Z", 1_483_228_799_250),
        (b"2017-01-01T00:59:60+01:00", 1_483_228_799_000),
    ],
)
def test_a_time_whose_meaning_is_clear_is_read(text: bytes, expected: int) -> None:
    assert any_timestamp_ms(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"0026-01-01 15:00:59.993",
        b"10013-12-10 01:09:46.708",
        b"1969-12-31T23:59:59Z",
        b"1970-01-01T00:30:00+01:00",
        b"2016-12-31 12:00:60.000",
        b"2023-02-29T00:00:00Z",
        b"2026-13-01T00:00:00Z",
        b"2026-01-01T24:00:00Z",
        b"2026-01-01T00:00:00+25:00",
        b"2026-01-01T00:00:00 CET",
        b"2026-01-01T00:00",
        b"2026-01-01",
        b"01/02/2026 10:00:00",
        b"1385424125123",
        b"null",
        "२०१३-11-26 00:02:05".encode(),
        b"2013-11-26 00:02:05.\xff",
        b"2013-11-26 00:02:05." + b"1" * 100_000 + b"x",
    ],
)
def test_what_is_no_time_is_not_guessed_at(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        any_timestamp_ms(text)
    assert len(str(caught.value)) < 200


@given(MOMENTS)
def test_a_time_is_written_as_it_is_read(moment: datetime) -> None:
    time_ms = (moment.replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)
    assert timestamp_ms(timestamp_text(time_ms).encode()) == time_ms
