"""Converts timestamps of an enriched event, `YYYY-MM-DD HH:MM:SS[.fff]` in UTC, to milliseconds.

Every event has two that must be read. Each is split in two parts, which are looked up: the second
in a bounded cache, `.fff` in a table of all values. Programs other than Enrich write ISO 8601 and
more digits; that is read as well, by a separate, slower function.
"""

import re
from datetime import UTC, datetime, timedelta

from processor.events.date_time import date_time_s
from processor.limits import SECOND_CACHE_MAX

# There were no events before 1970; the last four-digit year is 9999.
_YEAR_MIN = 1970
_SECOND_END = len("YYYY-MM-DD HH:MM:SS")
_SECOND_PATTERN = re.compile(rb"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)")
# ISO 8601: T, a fraction of any length, an offset. Groups: date, time, fraction, offset.
_OTHER_PATTERN = re.compile(
    r"(\d{4}-\d\d-\d\d)[ Tt](\d\d:\d\d:\d\d)(?:[.,](\d+))? ?([Zz]|UTC|[+-]\d\d:?\d\d)?", re.ASCII
)
_UTC_NAMES = frozenset({"", "z", "Z", "UTC"})
_HOURS_END = len("+HH")
_FRACTION_DIGITS = 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_fraction_ms = {
    b"": 0,
    **{b".%d" % digits: digits * 100 for digits in range(10)},
    **{b".%02d" % digits: digits * 10 for digits in range(100)},
    **{b".%03d" % digits: digits for digits in range(1_000)},
}
_second_ms: dict[bytes, int] = {}


def timestamp_ms(text: bytes) -> int:
    """Return the milliseconds since 1970; ValueError for anything but a valid time from 1970 on.

    The fraction has one to three digits or is absent. There is no second 60.
    """
    try:
        return _second_ms[text[:_SECOND_END]] + _fraction_ms[text[_SECOND_END:]]
    except KeyError:
        return _learn(text)


def any_timestamp_ms(text: bytes) -> int:
    """Return the milliseconds since 1970 of a time that may be in another form.

    That is ISO 8601 with `T`, with any number of decimals, which are cut to milliseconds, and with
    an offset; without one the time is UTC. A leap second counts as the second before it.

    Raises:
        ValueError: it is not a valid time, or it is before 1970.
    """
    try:
        return timestamp_ms(text)
    except ValueError:
        match = _OTHER_PATTERN.fullmatch(text.decode(errors="replace"))
        if match is None:
            raise
    day, time, fraction, offset = match.groups("")
    if offset in _UTC_NAMES:
        offset = "Z"
    elif ":" not in offset:
        offset = f"{offset[:_HOURS_END]}:{offset[_HOURS_END:]}"
    second_s = date_time_s(f"{day}T{time}{offset}")
    if second_s < 0:
        msg = f"{text[:64]!r} is before {_YEAR_MIN}"
        raise ValueError(msg)
    return second_s * 1_000 + int(fraction[:_FRACTION_DIGITS].ljust(_FRACTION_DIGITS, "0"))


def timestamp_text(time_ms: int) -> str:
    """Return a time from 1970 on in the form of Enrich, `YYYY-MM-DD HH:MM:SS.fff`."""
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    return moment.replace(tzinfo=None).isoformat(" ", "milliseconds")


def _learn(text: bytes) -> int:
    second, fraction = text[:_SECOND_END], _fraction_ms.get(text[_SECOND_END:])
    match = _SECOND_PATTERN.fullmatch(second)
    if match is None or fraction is None:
        msg = f"not a timestamp: {text[:64]!r}"
        raise ValueError(msg)
    year, month, day, hour, minute, seconds = (int(digits) for digits in match.groups())
    if year < _YEAR_MIN:
        msg = f"year {year} is before {_YEAR_MIN}"
        raise ValueError(msg)
    moment = datetime(year, month, day, hour, minute, seconds, tzinfo=UTC)
    second_ms = int((moment - _EPOCH).total_seconds()) * 1_000
    if len(_second_ms) >= SECOND_CACHE_MAX:
        _second_ms.clear()
    _second_ms[second] = second_ms
    return second_ms + fraction
