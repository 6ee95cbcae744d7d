"""Parts of a date in UTC: its day, week or month, and its position in these."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

DatePart = Callable[[int], str | int]

_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()


def _day(moment_s: int) -> date:
    return date.fromordinal(moment_s // _DAY_S + _EPOCH_ORDINAL)


def _active_day(moment_s: int) -> str:
    return _day(moment_s).isoformat()


def _active_week(moment_s: int) -> str:
    day = _day(moment_s)
    return date.fromordinal(day.toordinal() - day.weekday()).isoformat()


def _active_month(moment_s: int) -> str:
    return _day(moment_s).isoformat()[: len("YYYY-MM")]


def _hour_of_day(moment_s: int) -> int:
    return moment_s // _HOUR_S % 24


def _day_of_week(moment_s: int) -> int:
    return _day(moment_s).isoweekday()


def _month_of_year(moment_s: int) -> int:
    return _day(moment_s).month


# Each function takes seconds since 1970. A week starts on Monday, which is day 1 of 7.
DATE_PARTS: Final[Mapping[str, DatePart]] = {
    "active_day": _active_day,
    "active_week": _active_week,
    "active_month": _active_month,
    "hour_of_day": _hour_of_day,
    "day_of_week": _day_of_week,
    "month_of_year": _month_of_year,
}
