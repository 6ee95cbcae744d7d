"""Comparisons of one value with what a definition says.

Numbers compare with numbers (a boolean is no number), strings with strings, booleans with booleans
for equality alone. Any other pair is false, except for `!=`, which is true whenever there is a
value. A value that is missing or cannot be used (None, REJECTED) satisfies only `is null`.
"""

import operator as operators
import re
from collections.abc import Callable, Sequence
from typing import Any

from processor.errors import DefinitionError
from processor.events import REJECTED

# What is compared is a value of an event or of an attribute, checked by its type at run time.
Comparison = Callable[[Any], bool]

_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operators.lt,
    ">": operators.gt,
    "<=": operators.le,
    ">=": operators.ge,
}
_NUMBERS = frozenset({int, float})


def compile_comparison(operator: str, expected: Any) -> Comparison:
    """Return the test `value operator expected`; DefinitionError for an unknown operator."""
    if operator in _NULL_TESTS:
        return _NULL_TESTS[operator]
    if operator in _ORDERINGS:
        return _ordered(_ORDERINGS[operator], expected)
    if operator in _COMPILERS:
        return _COMPILERS[operator](expected)
    message = f"operator {operator!r} is not computed"
    raise DefinitionError(message)


def _missing(value: Any) -> bool:
    return value is None or value is REJECTED


def _present(value: Any) -> bool:
    return value is not None and value is not REJECTED


def _never(_value: Any) -> bool:
    return False


def _equal(expected: Any) -> Comparison:
    if isinstance(expected, bool):
        return lambda value: value is expected
    if isinstance(expected, str):
        return lambda value: bool(value == expected)
    if isinstance(expected, int | float):
        return lambda value: type(value) in _NUMBERS and value == expected
    return _never


def _unequal(expected: Any) -> Comparison:
    equal = _equal(expected)
    return lambda value: _present(value) and not equal(value)


def _ordered(compare: Callable[[Any, Any], bool], expected: Any) -> Comparison:
    if isinstance(expected, str):
        return lambda value: type(value) is str and compare(value, expected)
    if isinstance(expected, int | float) and not isinstance(expected, bool):
        return lambda value: type(value) in _NUMBERS and compare(value, expected)
    return _never


def _among(expected: Any) -> Comparison:
    if not isinstance(expected, Sequence) or isinstance(expected, str):
        return _never
    kinds = {(_kind(item), item) for item in expected}
    return lambda value: _present(value) and (_kind(value), value) in kinds


def _kind(value: Any) -> type:
    return float if type(value) in _NUMBERS else type(value)


def _like(pattern: Any) -> Comparison:
    if not isinstance(pattern, str):
        return _never
    matches = re.compile(_like_expression(pattern), re.DOTALL).fullmatch
    return lambda value: type(value) is str and matches(value) is not None


def _like_expression(pattern: str) -> str:
    r"""Return the regular expression of a pattern: `%` any run, `_` one character, `\` escapes.

    Between two `%` the leftmost match is as good as any, so those parts are atomic groups: a long
    value is never tried again from the start.
    """
    parts = [""]
    characters = iter(pattern)
    for character in characters:
        if character == "%":
            parts.append("")
        elif character == "_":
            parts[-1] += "."
        elif character == "\\":
            parts[-1] += re.escape(next(characters, "\\"))
        else:
            parts[-1] += re.escape(character)
    if len(parts) == 1:
        return parts[0]
    between = "".join(f"(?>.*?{part})" for part in parts[1:-1] if part)
    return f"{parts[0]}{between}.*{parts[-1]}"


_NULL_TESTS: dict[str, Comparison] = {"is null": _missing, "is not null": _present}
_COMPILERS: dict[str, Callable[[Any], Comparison]] = {
    "=": _equal,
    "!=": _unequal,
    "like": _like,
    "in": _among,
}
