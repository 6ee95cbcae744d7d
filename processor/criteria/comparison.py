"""Comparisons of one value with what a definition says.

Numbers compare with numbers (a boolean is no number), strings with strings, booleans with booleans
for equality alone. Any other pair is false for every operator but `!=`, `not in`, `not like` and
`not rlike`, which are true whenever there is a value and the operator without `not` is false. Lists
and maps equal nothing. A value that is missing or cannot be used (None, REJECTED) satisfies only
`is null`.
"""

import operator as operators
from collections.abc import Callable, Sequence
from typing import Any

from definitions.patterns import PatternError, TextTest, compile_like, compile_regular_expression
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
    """Return the test `value operator expected`.

    Raises:
        DefinitionError: an unknown operator, or a pattern that does not compile.
    """
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


def _ordered(compare: Callable[[Any, Any], bool], expected: Any) -> Comparison:
    if isinstance(expected, str):
        return lambda value: type(value) is str and compare(value, expected)
    if isinstance(expected, int | float) and not isinstance(expected, bool):
        return lambda value: type(value) in _NUMBERS and compare(value, expected)
    return _never


def _among(expected: Any) -> Comparison:
    if not isinstance(expected, Sequence) or isinstance(expected, str):
        return _never
    numbers = frozenset(item for item in expected if type(item) in _NUMBERS)
    accepted: dict[type, frozenset[Any]] = {
        str: frozenset(item for item in expected if type(item) is str),
        bool: frozenset(item for item in expected if type(item) is bool),
        int: numbers,
        float: numbers,
    }

    def among(value: Any) -> bool:
        wanted = accepted.get(type(value))
        return wanted is not None and value in wanted

    return among


def _like(pattern: Any) -> Comparison:
    return _matching(compile_like, pattern)


def _rlike(pattern: Any) -> Comparison:
    return _matching(compile_regular_expression, pattern)


def _matching(compile_pattern: Callable[[str], TextTest], pattern: Any) -> Comparison:
    if not isinstance(pattern, str):
        return _never
    try:
        matches = compile_pattern(pattern)
    except PatternError as error:
        message = f"pattern {pattern[:64]!r} cannot be used: {error}"
        raise DefinitionError(message) from error
    return lambda value: type(value) is str and matches(value)


def _negated(compiler: Callable[[Any], Comparison]) -> Callable[[Any], Comparison]:
    def negated(expected: Any) -> Comparison:
        holds = compiler(expected)
        return lambda value: _present(value) and not holds(value)

    return negated


_NULL_TESTS: dict[str, Comparison] = {"is null": _missing, "is not null": _present}
_COMPILERS: dict[str, Callable[[Any], Comparison]] = {
    "=": _equal,
    "!=": _negated(_equal),
    "like": _like,
    "not like": _negated(_like),
    "rlike": _rlike,
    "not rlike": _negated(_rlike),
    "in": _among,
    "not in": _negated(_among),
}
