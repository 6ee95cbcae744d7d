"""Comparisons of one value with the value in a definition.

Numbers compare with numbers (a boolean is not a number), strings with strings, booleans with
booleans for equality only. For any other pair, every operator is false except `!=`, `not in`,
`not like` and `not rlike`, which are true if there is a value and the operator without `not` is
false. Lists and maps equal nothing. A value that is missing or cannot be used (None, REJECTED)
satisfies only `is null`.
"""

import operator as operators
from collections.abc import Callable, Sequence
from typing import Any

from definitions.operators import OPERATORS, Pattern
from definitions.patterns import PatternError
from processor.errors import DefinitionError
from processor.events import REJECTED

# The compared value comes from an event or an attribute; its type is checked at run time.
Comparison = Callable[[Any], bool]
# The same of two values: that before an event, and that after it.
Change = Callable[[Any, Any], bool]

_NUMBERS = frozenset({int, float})


def compile_comparison(operator: str, expected: Any) -> Comparison:
    """Return the test `value operator expected`.

    Raises:
        DefinitionError: an unknown operator, or a pattern that does not compile.
    """
    row = OPERATORS.get(operator)
    if row is not None and row.negates is not None:
        return _negated(compile_comparison(row.negates, expected))
    if row is not None and isinstance(row.operand, Pattern):
        return _matching(row.operand, expected)
    compiler = _COMPILERS.get(operator)
    if compiler is None:
        message = f"operator {operator!r} is not computed"
        raise DefinitionError(message)
    return compiler(expected)


def compile_change(operator: str) -> Change:
    """Return the test of an operator that compares the values before and after an event."""
    return _CHANGES[operator]


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


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any], Comparison]:
    def ordered(expected: Any) -> Comparison:
        if isinstance(expected, str):
            return lambda value: type(value) is str and compare(value, expected)
        if isinstance(expected, int | float) and not isinstance(expected, bool):
            return lambda value: type(value) in _NUMBERS and compare(value, expected)
        return _never

    return ordered


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


def _matching(pattern: Pattern, expected: Any) -> Comparison:
    if not isinstance(expected, str):
        return _never
    try:
        matches = pattern.compile(expected)
    except PatternError as error:
        message = f"pattern {expected[:64]!r} cannot be used: {error}"
        raise DefinitionError(message) from error
    return lambda value: type(value) is str and matches(value)


def _negated(holds: Comparison) -> Comparison:
    return lambda value: _present(value) and not holds(value)


# What negates another operator, or compares with a pattern, follows from its row in `OPERATORS`.
_COMPILERS: dict[str, Callable[[Any], Comparison]] = {
    "=": _equal,
    "<": _ordered(operators.lt),
    ">": _ordered(operators.gt),
    "<=": _ordered(operators.le),
    ">=": _ordered(operators.ge),
    "in": _among,
    "is null": lambda _expected: _missing,
    "is not null": lambda _expected: _present,
}
_CHANGES: dict[str, Change] = {"changed": operators.ne}
