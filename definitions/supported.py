"""What the engine computes now. Other definitions are well formed but refused when checked."""

from collections.abc import Mapping
from typing import Final

AGGREGATIONS: Final = frozenset({"counter", "sum", "min", "max", "mean", "first", "last"})
RULE_OPERATORS: Final = frozenset({"=", "!=", "<", ">", "<=", ">=", "is null", "is not null"})
# Limits of firings are defined, but rules are not limited yet.
RULE_FIELDS_REFUSED: Final = ("cooldown", "max_fires")

_INTEGERS: Final = frozenset({"int32", "int64"})
_FLOATS: Final = frozenset({"double", "float"})
_NUMBERS: Final = _INTEGERS | _FLOATS
_TEXTS: Final = frozenset({"string", "timestamp", "bytes"})
_SCALARS: Final = _NUMBERS | _TEXTS | {"bool", "unix_timestamp"}

# The attribute types that the result of an aggregation can have.
TYPES_OF: Final[Mapping[str, frozenset[str]]] = {
    "counter": _INTEGERS,
    "sum": _NUMBERS,
    "mean": _FLOATS,
    "min": _NUMBERS | {"unix_timestamp"},
    "max": _NUMBERS | {"unix_timestamp"},
    "first": _SCALARS,
    "last": _SCALARS,
}


def value_fits(kind: str, value: object) -> bool:
    """Whether a value is one of the scalar attribute type `kind`."""
    if kind in _TEXTS:
        return isinstance(value, str)
    if kind == "bool":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if kind in _INTEGERS:
        bits = 31 if kind == "int32" else 63
        return isinstance(value, int) and -(2**bits) <= value < 2**bits
    return isinstance(value, int | float)
