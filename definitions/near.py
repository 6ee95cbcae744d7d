"""Names that a person may have meant. Comparing takes time, so all of it is bounded."""

import difflib
import heapq
from collections.abc import Iterable

from definitions.limits import NEAR_CHARS_MAX, NEAR_KNOWN_MAX


def close_names(
    name: str, known: Iterable[str], *, count: int = 3, cutoff: float = 0.6
) -> list[str]:
    """Return up to `count` names spelled like `name`, the closest first.

    If there are more than NEAR_KNOWN_MAX known names, only those with the nearest lengths are
    compared. A name of more than NEAR_CHARS_MAX characters is like no other.
    """
    if len(name) > NEAR_CHARS_MAX:
        return []
    compared = heapq.nsmallest(
        NEAR_KNOWN_MAX, known, key=lambda one: (abs(len(one) - len(name)), one)
    )
    return difflib.get_close_matches(name, sorted(compared), n=count, cutoff=cutoff)


def near_names(name: str, known: Iterable[str]) -> str:
    """The end of a hint: names that are spelled like `name`, or nothing."""
    near = close_names(name, known)
    return f"; did you mean {' or '.join(near)}?" if near else ""
