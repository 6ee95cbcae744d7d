"""Timestamps of an enriched event, `YYYY-MM-DD HH:MM:SS[.fff]` in UTC, to milliseconds.

Every event carries two that must be read. Each is cut in two parts and both are looked up: the
second in a cache that learns (bounded), `.fff` in a table of all its values.
"""

import re
from datetime import UTC, datetime

from processor.limits import SECOND_CACHE_MAX

# Before 1970 there were no events; a four-digit year ends at 9999.
_YEAR_MIN = 1970
_SECOND_END = len("YYYY-MM-DD HH:MM:SS")
_SECOND_PATTERN = re.compile(rb"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_fraction_ms = {
    b"": 0,
    **{b".%d" % digits: digits * 100 for digits in range(10)},
    **{b".%02d" % digits: digits * 10 for digits in range(100)},
    **{b".%03d" % digits: digits for digits in range(1_000)},
}
_second_ms: dict[bytes, int] = {}


def timestamp_ms(text: bytes) -> int:
    """Return the milliseconds since 1970; ValueError for anything but a real time from 1970 on.

    The fraction has one to three digits or is absent. There is no second 60.
    """
    try:
        return _second_ms[text[:_SECOND_END]] + _fraction_ms[text[_SECOND_END:]]
    except KeyError:
        return _learn(text)


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
