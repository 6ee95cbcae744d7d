"""Which types the results of aggregations have, and which values are of a type."""

from collections.abc import Mapping
from typing import Final

_INTEGERS: Final = frozenset({"int32", "int64"})
_FLOATS: Final = frozenset({"double", "float"})
_NUMBERS: Final = _INTEGERS | _FLOATS
_TEXTS: Final = frozenset({"string", "timestamp", "bytes"})
_SCALARS: Final = _NUMBERS | _TEXTS | {"bool", "unix_timestamp"}
# There are no lists of timestamps.
_LISTS: Final = frozenset(f"{kind}_list" for kind in _SCALARS - {"timestamp"})

# The attribute types that the result of an aggregation can have.
TYPES_OF: Final[Mapping[str, frozenset[str]]] = {
    "counter": _INTEGERS,
    "sum": _NUMBERS,
    "mean": _FLOATS,
    "min": _NUMBERS | {"unix_timestamp"},
    "max": _NUMBERS | {"unix_timestamp"},
    "first": _SCALARS,
    "last": _SCALARS,
    "unique_list": _LISTS,
    "most_frequent": _SCALARS,
    "least_frequent": _SCALARS,
    "category_count": frozenset({"dict"}),
    "approx_count_distinct": _INTEGERS,
    "time_since_last": _FLOATS,
    "time_since_first": _FLOATS,
}


def value_fits(kind: str, value: object) -> bool:
    """Whether a value is one of the scalar attribute type `kind`."""
    if kind in _TEXTS:
        return isinstance(value, str)
    if kind == "bool":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if isinstance(value, float):
        return kind not in _INTEGERS
    bits = 31 if kind == "int32" else 63
    return isinstance(value, int) and -(2**bits) <= value < 2**bits
