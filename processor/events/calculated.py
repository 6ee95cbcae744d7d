"""Calculated properties: compute one value from several values of one event.

Null (None) means that a value is missing. The result is REJECTED if a value cannot be used: it is
REJECTED itself, its type does not fit the operation, or the result is beyond 64 bits, beyond the
range of floats, or too long. A sum or product with floats is exact over decimal numbers and rounded
once.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from processor.errors import DefinitionError
from processor.events.decimals import (
    MILLION,
    Number,
    all_in_millionths,
    exact_product,
    exact_sum,
    nearest_float,
)
from processor.events.rejected import REJECTED
from processor.events.values import PropertyValue, bounded, whole

Calculation = Callable[[Sequence[PropertyValue]], PropertyValue]

_TEXTS: Final = frozenset({str, int})
_NUMBERS: Final = frozenset({int, float})


def compile_calculation(operation: str, separator: str) -> Calculation:
    """Return the function of the values; DefinitionError for an unknown operation.

    Coalesce is not among them, because it stops at the first value.
    """
    if operation == "concat":
        return lambda values: _concat(values, separator)
    if operation in _ARITHMETIC:
        integers, floats = _ARITHMETIC[operation]
        return lambda values: _calculate(values, integers, floats)
    message = f"calculation {operation!r} is not computed"
    raise DefinitionError(message)


def _concat(values: Sequence[PropertyValue], separator: str) -> PropertyValue:
    """Join strings and whole numbers as text; nulls and their separators are left out."""
    texts = [_part(value) for value in values if value is not None]
    if not texts:
        return None
    if None in texts:
        return REJECTED
    return bounded(separator.join(texts))  # type: ignore[arg-type]  # none is None


def _part(value: PropertyValue) -> str | None:
    """Return the text of a string or a whole number, None for anything else."""
    if isinstance(value, float):
        value = whole(value)
    return str(value) if type(value) in _TEXTS else None


def _calculate(
    values: Sequence[PropertyValue],
    integers: Callable[[Sequence[int]], int],
    floats: Callable[[Sequence[Number]], float | None],
) -> PropertyValue:
    """Null if any value is; an integer if all values are integers, else a float."""
    if None in values:
        return None
    kinds = set(map(type, values))
    if not kinds <= _NUMBERS:
        return REJECTED
    if float not in kinds:
        return bounded(integers(values))  # type: ignore[arg-type]  # seen by their types
    result = floats(values)  # type: ignore[arg-type]  # seen by their types
    return REJECTED if result is None else result


def _float_sum(values: Sequence[Number]) -> float | None:
    millionths = all_in_millionths(values)
    if millionths is not None:
        return sum(millionths) / MILLION
    return nearest_float(exact_sum(values))


def _float_product(values: Sequence[Number]) -> float | None:
    return nearest_float(exact_product(values))


# Rounding keeps the order of numbers: the smallest number is the smallest float, too.
# Adding 0.0 turns -0.0 into 0.0.
def _float_min(values: Sequence[Number]) -> float:
    return float(min(values)) + 0.0


def _float_max(values: Sequence[Number]) -> float:
    return float(max(values)) + 0.0


_ARITHMETIC: Final[
    Mapping[str, tuple[Callable[[Sequence[int]], int], Callable[[Sequence[Number]], float | None]]]
] = {
    "sum": (sum, _float_sum),
    "product": (math.prod, _float_product),
    "min": (min, _float_min),
    "max": (max, _float_max),
}
