"""The approximate number of distinct values: exact up to 256, then within a few percent.

The state is a string of sorted 8-byte hashes (XXH3) of the values while there are at most
EXACT_DISTINCT_MAX of them, and after that a list that holds a serialised HyperLogLog sketch of
Apache DataSketches (lg_k 12, HLL_8: 4 kB, standard error 1.6 %). The estimate is that of its union
with itself, which depends on the values alone; that of the sketch depends on their order, too.
"""

from collections.abc import Iterable, Sequence

from datasketches import HLL_8, hll_sketch, hll_union
from xxhash import xxh3_64_digest

from processor.aggregates.aggregate import Aggregate, Result, State, Value, merged
from processor.aggregates.distinct import Key, key_of
from processor.limits import EXACT_DISTINCT_MAX

_LG_K = 12
_WIDTH = 8


def _add(state: State, _time_ms: int, value: Value) -> State:
    digest = _digest(key_of(value))
    if state is None:
        return digest
    if isinstance(state, bytes):
        known = _split(state)
        return state if digest in known else _exact({*known, digest})
    sketch = hll_sketch.deserialize(state[0])
    _update(sketch, [digest])
    return [sketch.serialize_compact()]


def _gather(_times: Sequence[int], values: Sequence[Value], start: int, stop: int) -> State:
    return _exact(set(map(_digest, set(map(key_of, values[start:stop])))))


def _fold(states: list[State]) -> State:
    exact: set[bytes] = set()
    sketches = []
    for state in states:
        if isinstance(state, bytes):
            exact.update(_split(state))
        else:
            sketches.append(state[0])
    return _united(exact, sketches) if sketches else _exact(exact)


def _exact(digests: set[bytes]) -> State:
    if len(digests) > EXACT_DISTINCT_MAX:
        return _united(digests, [])
    return b"".join(sorted(digests))


def _united(digests: set[bytes], sketches: Iterable[bytes]) -> State:
    union = hll_union(_LG_K)
    for serialised in sketches:
        union.update(hll_sketch.deserialize(serialised))
    sketch = hll_sketch(_LG_K, HLL_8)
    _update(sketch, sorted(digests))
    union.update(sketch)
    return [union.get_result(HLL_8).serialize_compact()]


def _update(sketch: hll_sketch, digests: Iterable[bytes]) -> None:
    for digest in digests:
        sketch.update(int.from_bytes(digest, signed=True))


def _split(state: bytes) -> list[bytes]:
    return [state[at : at + _WIDTH] for at in range(0, len(state), _WIDTH)]


def _digest(key: Key) -> bytes:
    """Return the hash of a value by its key; equal numbers have the same hash."""
    if type(key) is str:
        return xxh3_64_digest(b"s" + key.encode())
    if type(key) is float and key.is_integer():
        key = int(key)
    return xxh3_64_digest(key if type(key) is bytes else repr(key).encode())


def _result(state: State) -> Result:
    if isinstance(state, bytes):
        return len(state) // _WIDTH
    union = hll_union(_LG_K)
    sketch = hll_sketch.deserialize(state[0])
    union.update(sketch)
    union.update(sketch)
    estimate: float = union.get_result(HLL_8).get_estimate()
    return round(estimate)


def _size(state: State) -> int:
    return len(state if isinstance(state, bytes) else state[0])


APPROX_COUNT_DISTINCT = Aggregate(
    "approx_count_distinct", _add, merged(_fold), _gather, _result, _result, size=_size
)
