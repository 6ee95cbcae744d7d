"""Timestamps of an enriched event, `YYYY-MM-DD HH:MM:SS[.fff]` in UTC, to milliseconds.

Every event carries two that must be read, so a timestamp is cut in three parts and each is looked
up: the minute in a cache that learns (bounded), `:SS` and `.fff` in tables of all their values.
"""

import re
from datetime import UTC, datetime

from processor.limits import MINUTE_CACHE_MAX

# Before 1970 there were no events; a four-digit year ends at 9999.
_YEAR_MIN = 1970
_MINUTE_END = len("YYYY-MM-DD HH:MM")
_SECOND_END = _MINUTE_END + len(":SS")
_MINUTE_PATTERN = re.compile(rb"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_second_ms = {b":%02d" % second: second * 1_000 for second in range(60)}
_fraction_ms = {
    b"": 0,
    **{b".%d" % digits: digits * 100 for digits in range(10)},
    **{b".%02d" % digits: digits * 10 for digits in range(100)},
    **{b".%03d" % digits: digits for digits in range(1_000)},
}
_minute_ms: dict[bytes, int] = {}


def timestamp_ms(text: bytes) -> int:
    """Return the milliseconds since 1970; ValueError for anything but a real time from 1970 on.

    The fraction has one to three digits or is absent. There is no second 60.
    """
    try:
        return (
            _minute_ms[text[:_MINUTE_END]]
            + _second_ms[text[_MINUTE_END:_SECOND_END]]
            + _fraction_ms[text[_SECOND_END:]]
        )
    except KeyError:
        return _learn(text)


def _learn(text: bytes) -> int:
    second = _second_ms.get(text[_MINUTE_END:_SECOND_END])
    fraction = _fraction_ms.get(text[_SECOND_END:])
    if second is None or fraction is None:
        msg = f"not a timestamp: {text[:64]!r}"
        raise ValueError(msg)
    minute = _parse_minute(text[:_MINUTE_END])
    if len(_minute_ms) >= MINUTE_CACHE_MAX:
        _minute_ms.clear()
    _minute_ms[text[:_MINUTE_END]] = minute
    return minute + second + fraction


def _parse_minute(text: bytes) -> int:
    match = _MINUTE_PATTERN.fullmatch(text)
    if match is None:
        msg = f"not a timestamp: {text!r}"
        raise ValueError(msg)
    year, month, day, hour, minute = (int(digits) for digits in match.groups())
    if year < _YEAR_MIN:
        msg = f"year {year} is before {_YEAR_MIN}"
        raise ValueError(msg)
    moment = datetime(year, month, day, hour, minute, tzinfo=UTC)
    return int((moment - _EPOCH).total_seconds()) * 1_000
