"""Names that a person may have meant."""

import difflib
from collections.abc import Iterable


def near_names(name: str, known: Iterable[str]) -> str:
    """The end of a hint: what is written like `name`, or nothing."""
    near = difflib.get_close_matches(name, sorted(known), n=3)
    return f"; did you mean {' or '.join(near)}?" if near else ""
