"""Property paths: names joined by dots, `[n]` for the n-th item of a list, an optional `$.`."""

import re
from typing import Final

from definitions.limits import PATH_INDEX_DIGITS_MAX

_NAME: Final = r"[^.\[\]*'\"\x00-\x1f\x7f]+"
_INDEX: Final = rf"\[[0-9]{{1,{PATH_INDEX_DIGITS_MAX}}}\]"
_SEGMENT: Final = rf"{_NAME}(?:{_INDEX})*"
_PATH: Final = re.compile(rf"(?:\$\.)?(?!\$){_SEGMENT}(?:\.{_SEGMENT})*")
_STEP: Final = re.compile(rf"\[([0-9]+)\]|({_NAME})")


def parse_path(path: str) -> tuple[str | int, ...]:
    """The steps of a path: a text for a field, a number for an item counted from 0.

    Raises ValueError if the path uses more than names, dots and `[n]`: wildcards, negative indexes,
    quoted names and recursive descent are not supported.
    """
    if not _PATH.fullmatch(path):
        message = f"not a property path: {path!r}"
        raise ValueError(message)
    steps = _STEP.finditer(path.removeprefix("$."))
    return tuple(int(step[1]) if step[1] else step[2] for step in steps)
