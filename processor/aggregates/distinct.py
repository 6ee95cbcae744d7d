"""Values as the keys of a map: which are the same, and their text.

Values are the same when their JSON types and values are: 1 and 1.0 are one number, true is not 1.
Python's maps agree but for booleans, which are keys of a kind of their own (bytes). Of equal
numbers the map holds the one that was put in last.
"""

from collections.abc import Iterable
from typing import Any

import orjson

from processor.aggregates.aggregate import Value

Key = int | float | str | bytes

_KEYS: dict[bool, bytes] = {False: b"f", True: b"t"}
_BOOLEANS = {key: value for value, key in _KEYS.items()}


def key_of(value: Value) -> Key:
    """Return the key of a value, which is not None."""
    return _KEYS[value] if value is True or value is False else value  # type: ignore[return-value]


def keys_of(values: list[Value]) -> list[Any]:  # keys
    """Return the keys of values, none of which is None. The list is the caller's no longer."""
    return list(map(key_of, values)) if bool in set(map(type, values)) else values


def value_of(key: Key) -> Value:
    """Return the value of a key."""
    return _BOOLEANS[key] if type(key) is bytes else key  # type: ignore[return-value]  # no bytes


def text_of(key: Key) -> str:
    """Return the text of a value by its key: a string as it is, any other as JSON."""
    return key if type(key) is str else orjson.dumps(value_of(key)).decode()


def size_of(keys: Iterable[Any]) -> int:  # keys
    """Return about how many bytes the keys take, with a few bytes of state for each."""
    return sum(_KEY_BYTES + len(key) if type(key) is str else _KEY_BYTES for key in keys)


# A number with its length, and a time and a count beside it.
_KEY_BYTES = 24
