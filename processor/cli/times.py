"""Times and durations as people write them in options."""

import re
from datetime import UTC, datetime

from processor.errors import UsageError

_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def duration_ms(text: str, option: str) -> int:
    """Return a duration such as 90s, 15m, 1h, 7d in milliseconds.

    Raises:
        UsageError: the text is not a duration.
    """
    match = re.fullmatch(r"([0-9]{1,9})([smhd])", text.strip())
    if match is None or not int(match[1]):
        message = f"{option} {text!r} is not a duration"
        raise UsageError(
            message, hint="write a number followed by s, m, h or d, such as 90s or 24h"
        )
    return int(match[1]) * _UNIT_MS[match[2]]


def time_ms(text: str, option: str) -> int:
    """Return an ISO 8601 time, UTC if it has no zone, in milliseconds since 1970.

    Raises:
        UsageError: the text is not a time.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        message = f"{option} {text!r} is not a time"
        hint = "write ISO 8601, such as 2026-11-22T10:00:00Z"
        raise UsageError(message, hint=hint) from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)
