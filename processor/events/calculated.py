"""Calculated properties: several values of one event to one.

Null (None) means that a value is missing. REJECTED is the result wherever a value cannot be used:
rejected itself, of a type that the operation does not take, or a result beyond 64 bit, not finite
or too long. A sum with floats is exact and rounded once, a product goes from one to the next.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Final

from processor.errors import DefinitionError
from processor.events.rejected import REJECTED
from processor.events.values import PropertyValue, bounded

Calculation = Callable[[Sequence[PropertyValue]], PropertyValue]

_TEXTS: Final = frozenset({str, int})
_NUMBERS: Final = frozenset({int, float})
# Up to here every integer is a float, and no sum comes near infinity: the quick way is exact.
_EXACT_MAX: Final = 2**53


def compile_calculation(operation: str, separator: str) -> Calculation:
    """Return the function of the values; DefinitionError for an operation that there is not.

    Coalesce is none of them: it stops at the first value.
    """
    if operation == "concat":
        return lambda values: _concat(values, separator)
    if operation in _ARITHMETIC:
        integers, floats = _ARITHMETIC[operation]
        return lambda values: _calculate(values, integers, floats)
    message = f"calculation {operation!r} is not computed"
    raise DefinitionError(message)


def _concat(values: Sequence[PropertyValue], separator: str) -> PropertyValue:
    """Strings and integers as text; nulls, and the separators beside them, are left out."""
    present = [value for value in values if value is not None]
    if not present:
        return None
    if not _TEXTS.issuperset(map(type, present)):
        return REJECTED
    return bounded(separator.join(map(str, present)))


def _calculate(
    values: Sequence[PropertyValue],
    integers: Callable[[Sequence[int]], int],
    floats: Callable[[Sequence[float]], float],
) -> PropertyValue:
    """Null if any value is; an integer if all values are integers, else a float."""
    if None in values:
        return None
    kinds = set(map(type, values))
    if not kinds <= _NUMBERS:
        return REJECTED
    if float not in kinds:
        return bounded(integers(values))  # type: ignore[arg-type]  # seen by their types
    try:
        return bounded(float(floats(values)))  # type: ignore[arg-type]  # seen by their types
    except OverflowError:
        return REJECTED


def _float_sum(values: Sequence[float]) -> float:
    if max(map(abs, values)) <= _EXACT_MAX:
        return math.fsum(values)
    return float(sum(map(Fraction, values)))


def _float_product(values: Sequence[float]) -> float:
    return math.prod(map(float, values))


_ARITHMETIC: Final[
    Mapping[str, tuple[Callable[[Sequence[int]], int], Callable[[Sequence[float]], float]]]
] = {
    "sum": (sum, _float_sum),
    "product": (math.prod, _float_product),
    "min": (min, min),
    "max": (max, max),
}
