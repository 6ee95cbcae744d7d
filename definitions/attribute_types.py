"""The types that an attribute can have, and which values have a type."""

from collections.abc import Mapping
from typing import Final, Literal

AttributeType = Literal[
    "bytes",
    "string",
    "int32",
    "int64",
    "double",
    "float",
    "bool",
    "unix_timestamp",
    "timestamp",
    "bytes_list",
    "string_list",
    "int32_list",
    "int64_list",
    "double_list",
    "float_list",
    "bool_list",
    "unix_timestamp_list",
    "dict",
]
# The form that a value of an event must have to be a value of a type.
ValueDomain = Literal["string", "boolean", "integer", "number"]

# The domain of each type that holds one value.
DOMAINS: Final[Mapping[str, ValueDomain]] = {
    "string": "string",
    "timestamp": "string",
    "bytes": "string",
    "bool": "boolean",
    "int32": "integer",
    "int64": "integer",
    "double": "number",
    "float": "number",
    "unix_timestamp": "number",
}
SCALARS: Final = frozenset(DOMAINS)
TEXTS: Final = frozenset(kind for kind, domain in DOMAINS.items() if domain == "string")
INTEGERS: Final = frozenset(kind for kind, domain in DOMAINS.items() if domain == "integer")
FLOATS: Final = frozenset({"double", "float"})
# Types that a sum or a mean can have.
NUMBERS: Final = INTEGERS | FLOATS
# Types whose values have an order as numbers.
ORDERED: Final = NUMBERS | {"unix_timestamp"}
_LIST: Final = "_list"
# There are no lists of timestamps.
LISTS: Final = frozenset(f"{kind}{_LIST}" for kind in SCALARS - {"timestamp"})
MAP: Final = frozenset({"dict"})


def item_type(kind: str) -> str:
    """The type of the items of a list; any other type unchanged."""
    return kind.removesuffix(_LIST)


def value_fits(kind: str, value: object) -> bool:
    """Whether a value has the type `kind`, which holds one value."""
    if kind in TEXTS:
        return isinstance(value, str)
    if kind == "bool":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if isinstance(value, float):
        return kind not in INTEGERS
    bits = 31 if kind == "int32" else 63
    return isinstance(value, int) and -(2**bits) <= value < 2**bits
