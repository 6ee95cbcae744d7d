"""Dead letters, as commands read them from their topic."""

import json
from collections.abc import Iterable
from typing import Any

from processor.errors import DeadLetterReason, UsageError
from processor.kafka.record import FetchedRecord

Letter = dict[str, Any]  # the JSON of a dead letter


def key_of(record: FetchedRecord) -> str:
    """Return the key of a dead letter's record."""
    return (record.key or b"").decode(errors="replace")


def letter_of(record: FetchedRecord) -> Letter | None:
    """Return the letter; None for a foreign record, and for the mark of a replay."""
    try:
        letter = json.loads(record.value or b"")
    except (ValueError, RecursionError):
        return None
    is_one = isinstance(letter, dict) and isinstance(letter.get("reason"), str)
    return letter if is_one else None


def check_reasons(reasons: Iterable[str]) -> None:
    """Refuse what is no reason of a dead letter.

    Raises:
        UsageError: the first of them.
    """
    known = sorted(reason.value for reason in DeadLetterReason)
    for reason in reasons:
        if reason not in known:
            message = f"--reason {reason!r} is none"
            raise UsageError(message, hint=f"one of {', '.join(known)}")
