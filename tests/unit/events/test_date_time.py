from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.events.date_time import date_time_s

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-03-15T10:20:30Z", "2024-03-15 10:20:30"),
        ("2024-03-15T10:20:30.999999999Z", "2024-03-15 10:20:30"),
        ("2024-03-15t10:20:30z", "2024-03-15 10:20:30"),
        ("2024-03-15 10:20:30+00:00", "2024-03-15 10:20:30"),
        ("2024-03-15T10:20:30-00:00", "2024-03-15 10:20:30"),
        ("2024-03-15T00:20:30+01:00", "2024-03-14 23:20:30"),
        ("2024-03-15T23:50:00-23:59", "2024-03-16 23:49:00"),
        ("2024-02-29T00:00:00+05:30", "2024-02-28 18:30:00"),
        ("1912-06-23T00:00:00Z", "1912-06-23 00:00:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01 00:00:00"),
        ("9999-12-31T23:59:59.9Z", "9999-12-31 23:59:59"),
        ("2016-12-31T23:59:60Z", "2016-12-31 23:59:59"),
        ("2017-01-01T00:59:60+01:00", "2016-12-31 23:59:59"),
    ],
)
def test_a_date_time_is_a_moment_in_utc(text: str, utc: str) -> None:
    assert EPOCH + timedelta(seconds=date_time_s(text)) == datetime.fromisoformat(f"{utc}+00:00")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2024-03-15",
        "2024-03-15T10:20Z",
        "2024-03-15T10:20:30",
        "2024-03-15T10:20:30.Z",
        "2024-03-15T10:20:30,5Z",
        "2024-03-15T10:20:30+0100",
        "2024-03-15T10:20:30+01",
        "2024-03-15T10:20:30+24:00",
        "2024-03-15T10:20:30+01:60",
        "2024-03-15T24:00:00Z",
        "2024-03-15T10:60:00Z",
        "2024-03-15T10:20:60Z",
        "2024-03-15T23:59:60-01:00",
        "2024-03-15T10:20:61Z",
        "2023-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-00-01T00:00:00Z",
        "2024-3-15T10:20:30Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:30:00+01:00",
        "9999-12-31T23:30:00-01:00",
        "12024-03-15T10:20:30Z",
        " 2024-03-15T10:20:30Z",
        "2024-03-15T10:20:30Z\n",
        "२०२४-03-15T10:20:30Z",
        "1710498030",
        "1" * 5_000,
        "2024-03-15T10:20:30." + "9" * 5_000,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a date-time|year|month|day|must be in|out of range"):
        date_time_s(text)


@given(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)),
    st.integers(-1_439, 1_439),
    st.sampled_from("Tt "),
)
def test_every_date_time_is_read_as_python_does(
    moment: datetime, offset: int, separator: str
) -> None:
    zone = timezone(timedelta(minutes=offset))
    text = moment.replace(tzinfo=zone).isoformat(sep=separator)
    expected = (moment.replace(tzinfo=zone, microsecond=0) - EPOCH).total_seconds()
    assert date_time_s(text) == expected


@given(st.text("0123456789-+:.TZ ", max_size=30))
def test_garbage_is_refused_or_read_but_never_breaks(text: str) -> None:
    try:
        assert isinstance(date_time_s(text), int)
    except ValueError:
        assert True
