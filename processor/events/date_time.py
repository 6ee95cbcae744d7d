"""Converts JSON date-times (RFC 3339: `2024-03-15T10:00:00.5+01:00`) to seconds since 1970."""

import re
from datetime import date

_PATTERN = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))",
    re.ASCII,
)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_MINUTES_PER_DAY = 1_440
# The first second of the years 1 to 9999, and the first one after them.
_START_S = (date.min.toordinal() - _EPOCH_ORDINAL) * 86_400
_END_S = (date.max.toordinal() - _EPOCH_ORDINAL + 1) * 86_400
_HOURS, _MINUTES, _SECONDS = range(24), range(60), range(60)
_LEAP_SECOND = 60


def date_time_s(text: str) -> int:
    """Return whole seconds since 1970 in UTC; the fraction is dropped.

    A leap second, 60 in the last minute of a UTC day, counts as the second before it.

    Raises:
        ValueError: not a full date-time with an offset from UTC, in the years 1 to 9999.
    """
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise _not_a_date_time(text)
    year, month, day, hour, minute, second, sign, off_hours, off_minutes = match.groups()
    offset_hours, offset_minutes = int(off_hours or 0), int(off_minutes or 0)
    minutes = int(hour) * 60 + int(minute)
    offset = offset_hours * 60 + offset_minutes
    utc_minutes = minutes + offset if sign == "-" else minutes - offset
    seconds = int(second)
    if seconds == _LEAP_SECOND and (utc_minutes + 1) % _MINUTES_PER_DAY == 0:
        seconds -= 1
    days = date(int(year), int(month), int(day)).toordinal() - _EPOCH_ORDINAL
    moment_s = (days * _MINUTES_PER_DAY + utc_minutes) * 60 + seconds
    if (
        int(hour) in _HOURS
        and int(minute) in _MINUTES
        and seconds in _SECONDS
        and offset_hours in _HOURS
        and offset_minutes in _MINUTES
        and _START_S <= moment_s < _END_S
    ):
        return moment_s
    raise _not_a_date_time(text)


def _not_a_date_time(text: str) -> ValueError:
    return ValueError(f"not a date-time: {text[:64]!r}")
