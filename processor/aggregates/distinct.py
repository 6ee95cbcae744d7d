"""Values as the keys of a map: which values are the same, and their text.

Values are the same if their JSON types and values are: 1 and 1.0 are one number, true is not 1.
Python's maps agree except for booleans, which have separate keys (bytes). Of equal numbers, the map
keeps the one that was added last.
"""

from collections.abc import Iterable
from typing import Any

from processor.aggregates.aggregate import Value
from processor.events.values import json_text

Key = int | float | str | bytes

_KEYS: dict[bool, bytes] = {False: b"f", True: b"t"}
_BOOLEANS = {key: value for value, key in _KEYS.items()}


def key_of(value: Value) -> Key:
    """Return the key of a value, which is not None."""
    return _KEYS[value] if value is True or value is False else value  # type: ignore[return-value]


def keys_of(values: list[Value]) -> list[Any]:  # keys
    """Return the keys of values, none of which is None. The caller must not use the list again."""
    return list(map(key_of, values)) if bool in set(map(type, values)) else values


def value_of(key: Key) -> Value:
    """Return the value of a key."""
    return _BOOLEANS[key] if type(key) is bytes else key  # type: ignore[return-value]  # no bytes


def text_of(key: Key) -> str:
    """Return the text of a value by its key: a string unchanged, any other value as JSON.

    Equal numbers have the same text.
    """
    return key if type(key) is str else json_text(value_of(key))  # type: ignore[arg-type]  # no str


def size_of(keys: Iterable[Any]) -> int:  # keys
    """Return approximately how many bytes the keys take, with a few bytes of state for each."""
    return sum(_KEY_BYTES + len(key) if type(key) is str else _KEY_BYTES for key in keys)


# A number with its length, plus a time and a count.
_KEY_BYTES = 24
