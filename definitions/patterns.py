r"""Patterns of criteria: SQL LIKE, and regular expressions of RE2, compiled to tests of a text.

RE2 takes time in proportion to the text, whatever the pattern. The longest time follows from the
bounds on the pattern and on its compiled size. Look-around and back-references, which cannot be
matched in this way, do not exist.

LIKE: `%` is any run of characters, even an empty one; `_` is one character; `\` before a character
means that character. The whole text must match, and upper and lower case differ.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import re2

from definitions.limits import PATTERN_CHARS_MAX, PATTERN_MEMORY_BYTES, PATTERN_STEPS_MAX

TextTest = Callable[[str], bool]

_RUN: Final = "%"
_ONE: Final = "_"
_ESCAPE: Final = "\\"


class PatternError(ValueError):
    """A pattern cannot be used; the error's text states why."""


def compile_regular_expression(pattern: str) -> TextTest:
    """Return the test whether any part of a text matches; raise PatternError if not possible."""
    _check_length(pattern)
    search = _compile(pattern).search
    return lambda text: search(text.encode()) is not None


class PlainLike(NamedTuple):
    """A pattern of LIKE with `%` only at its ends, as most patterns have."""

    starts_open: bool
    text: str
    ends_open: bool


def plain_like(pattern: str) -> PlainLike | None:
    """Return a pattern of LIKE as a plain one; None if it is not, or cannot be used."""
    try:
        return _plain(_like_items(pattern))
    except PatternError:
        return None


def compile_like(pattern: str) -> TextTest:
    """Return the test whether a whole text matches; raise PatternError if not possible."""
    _check_length(pattern)
    items = _like_items(pattern)
    plain = _plain(items)
    if plain is not None:
        return _plain_test(plain)
    expression = "".join(_EXPRESSIONS[text] if wild else re2.escape(text) for text, wild in items)
    match = _compile(expression).fullmatch
    return lambda text: match(text.encode()) is not None


def _plain(items: Sequence[tuple[str, bool]]) -> PlainLike | None:
    if any(wild for _, wild in items[1:-1]) or (_ONE, True) in items:
        return None
    wanted = "".join(text for text, wild in items if not wild)
    run = (_RUN, True)
    return PlainLike(run in items[:1], wanted, run in items[-1:])


def _plain_test(plain: PlainLike) -> TextTest:
    starts_open, wanted, ends_open = plain
    if starts_open and ends_open:
        return lambda text: wanted in text
    if starts_open:
        return lambda text: text.endswith(wanted)
    if ends_open:
        return lambda text: text.startswith(wanted)
    return lambda text: text == wanted


def _like_items(pattern: str) -> list[tuple[str, bool]]:
    """Return the characters of a pattern, and for each whether it is a wildcard."""
    items = []
    characters = iter(pattern)
    for character in characters:
        if character == _ESCAPE:
            escaped = next(characters, None)
            if escaped is None:
                message = r"the pattern ends in a lone backslash; write \\ for a backslash"
                raise PatternError(message)
            items.append((escaped, False))
        elif (character, True) not in items[-1:] or character != _RUN:  # %% is %
            items.append((character, character in _EXPRESSIONS))
    return items


_EXPRESSIONS: Final = {_RUN: "(?s:.*)", _ONE: "(?s:.)"}


def _compile(expression: str) -> Any:  # RE2's class has no public name
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = PATTERN_MEMORY_BYTES
    try:
        compiled = re2.compile(expression, options)
    except re2.error as error:
        reason = error.args[0]
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise PatternError(text) from error
    if compiled.programsize > PATTERN_STEPS_MAX:
        message = f"too complex: {compiled.programsize} steps, at most {PATTERN_STEPS_MAX}"
        raise PatternError(message)
    return compiled


def _check_length(pattern: str) -> None:
    if len(pattern) > PATTERN_CHARS_MAX:
        message = f"{len(pattern)} characters, at most {PATTERN_CHARS_MAX} are allowed"
        raise PatternError(message)
