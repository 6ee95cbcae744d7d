from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions.properties import DatePart
from processor.events.date_parts import DATE_PARTS
from processor.events.date_time import date_time_s

# Moments in UTC, and what each part of them is, in the order of PARTS.
PARTS = (
    "active_day",
    "active_week",
    "active_month",
    "hour_of_day",
    "day_of_week",
    "month_of_year",
)
MOMENTS = [
    ("2024-03-15T00:00:00Z", ("2024-03-15", "2024-03-11", "2024-03", 0, 5, 3)),
    ("2024-03-15T23:59:59Z", ("2024-03-15", "2024-03-11", "2024-03", 23, 5, 3)),
    ("2024-03-11T12:00:00Z", ("2024-03-11", "2024-03-11", "2024-03", 12, 1, 3)),
    ("2024-03-17T12:00:00Z", ("2024-03-17", "2024-03-11", "2024-03", 12, 7, 3)),
    ("2024-03-01T00:30:00+01:00", ("2024-02-29", "2024-02-26", "2024-02", 23, 4, 2)),
    ("2025-01-01T06:00:00Z", ("2025-01-01", "2024-12-30", "2025-01", 6, 3, 1)),
    ("1970-01-01T00:00:00Z", ("1970-01-01", "1969-12-29", "1970-01", 0, 4, 1)),
    ("1969-12-31T23:59:59Z", ("1969-12-31", "1969-12-29", "1969-12", 23, 3, 12)),
    ("0001-01-01T00:00:00Z", ("0001-01-01", "0001-01-01", "0001-01", 0, 1, 1)),
    ("9999-12-31T23:59:59Z", ("9999-12-31", "9999-12-27", "9999-12", 23, 5, 12)),
]


@pytest.mark.parametrize(("text", "expected"), MOMENTS)
def test_the_parts_of_a_moment(text: str, expected: tuple[object, ...]) -> None:
    assert tuple(DATE_PARTS[part](date_time_s(text)) for part in PARTS) == expected


def test_every_part_that_a_definition_can_name_is_computed() -> None:
    assert set(DATE_PARTS) == set(PARTS) == set(get_args(DatePart))


@given(st.datetimes(datetime(1, 1, 8), datetime(9999, 12, 31), timezones=st.just(UTC)))
def test_the_parts_are_those_of_the_calendar(moment: datetime) -> None:
    moment_s = (moment.replace(microsecond=0) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        seconds=1
    )
    year, week, day = moment.isocalendar()
    monday = datetime.fromisocalendar(year, week, 1).date()
    assert [DATE_PARTS[part](moment_s) for part in PARTS] == [
        moment.date().isoformat(),
        monday.isoformat(),
        moment.date().isoformat()[:7],
        moment.hour,
        day,
        moment.month,
    ]
