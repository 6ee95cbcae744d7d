"""The exact sum of numbers. The state is a total of `total`."""

from collections.abc import Sequence

from processor.aggregates.aggregate import Aggregate, State, Value, merged
from processor.aggregates.exact_sum import (
    add_exact,
    gather_exact,
    gather_parts,
    merge_exact,
    to_float,
    to_int,
)
from processor.aggregates.total import plain_total


def _add(state: State, _time_ms: int, value: Value) -> State:
    return add_exact(0 if state is None else state, value)  # type: ignore[arg-type]  # a number


def _gather(_times: Sequence[int], values: Sequence[Value], start: int, stop: int) -> State:
    return gather_exact(values[start:stop])  # type: ignore[arg-type]  # numbers


SUM = Aggregate(
    "sum",
    _add,
    merged(merge_exact),
    _gather,
    to_int,
    to_float,
    plain_total,
    gather_parts,  # type: ignore[arg-type]  # numbers
)
