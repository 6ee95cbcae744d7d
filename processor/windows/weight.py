"""The approximate memory of decoded values in bytes, computed within microseconds.

For a list or map, the first and the last value represent the others: reading more would cost as
much as the actual work. For chunks, which seldom change, all values are read. A value that several
lists share counts for each of them. tests/unit/engine/test_profile_weight.py compares the result
with the memory of a process.
"""

from collections.abc import Callable, Sequence
from sys import getsizeof
from typing import Any

from processor.windows.chunk import Chunk
from processor.windows.node import Node, Summary

# An integer, a float, and the average rounding of an allocation.
_NUMBER_BYTES = 32
_ROUNDING_BYTES = 8
# A summary without its states: the object, four numbers and the list of states.
SUMMARY_BYTES = 280
# A chunk without its entries; for an entry, two items in lists and the time.
_CHUNK_BYTES = 360
_ENTRY_BYTES = 2 * 8 + _NUMBER_BYTES
# There is only one object for each of their values.
_SHARED = frozenset({type(None), bool})


def weight(value: Any) -> int:
    """Return the approximate bytes of a value: a part, a state, or anything inside them."""
    return _WEIGHTS.get(type(value), _object)(value)


def chunk_weight(chunk: Chunk) -> int:
    """Return the approximate bytes of a chunk; computed once, because chunks never change."""
    known = chunk.weight
    if not known:
        values = chunk.values
        known = chunk.weight = _CHUNK_BYTES + len(values) * _ENTRY_BYTES + _all(values)
    return known


def summaries_weight(summaries: Sequence[Summary]) -> int:
    """Return the approximate bytes of summaries; those of one window are similar."""
    if not summaries:
        return 0
    each = SUMMARY_BYTES + sum(map(weight, summaries[-1].states))
    return getsizeof(summaries) + len(summaries) * each


def _between(count: int, first: Any, last: Any) -> int:
    """Return the bytes of a number of values, given the first and the last."""
    return count * (weight(first) + weight(last)) // 2


def _all(values: Sequence[Any]) -> int:
    """Return the bytes of all values of a chunk."""
    if type(values[0]) in _SHARED:
        return 0
    return sum(map(getsizeof, values)) + len(values) * _ROUNDING_BYTES


def _nothing(_value: Any) -> int:
    return 0


def _number(_value: Any) -> int:
    return _NUMBER_BYTES


def _object(value: Any) -> int:
    return getsizeof(value) + _ROUNDING_BYTES


def _list(value: Any) -> int:
    own = getsizeof(value) + _ROUNDING_BYTES
    if len(value) == 1:
        return own + weight(value[0])
    return own + _between(len(value), value[0], value[-1]) if value else own


def _map(value: Any) -> int:
    own = getsizeof(value)
    if not value:
        return own
    first, last = next(iter(value)), next(reversed(value))
    count = len(value)
    return own + _between(count, first, last) + _between(count, value[first], value[last])


def _node(value: Any) -> int:
    return _NUMBER_BYTES + summaries_weight(value.children) + weight(value.states)


_WEIGHTS: dict[type, Callable[[Any], int]] = {
    type(None): _nothing,
    bool: _nothing,
    int: _number,
    float: _number,
    list: _list,
    tuple: _list,
    dict: _map,
    Chunk: chunk_weight,
    Node: _node,
}
