"""The mean of numbers: their exact sum over their count, rounded once.

The state is [count, total of `total`].
"""

from collections.abc import Sequence

from processor.aggregates.aggregate import Aggregate, Gather, Result, State, Value, merged
from processor.aggregates.exact_sum import (
    add_exact,
    gather_exact,
    gather_parts,
    merge_exact,
    quotient,
)
from processor.aggregates.total import plain_total


def _add(state: State, _time_ms: int, value: Value) -> State:
    count, total = (0, 0) if state is None else state
    return [count + 1, add_exact(total, value)]  # type: ignore[arg-type]  # a number


def _gather(_times: Sequence[int], values: Sequence[Value], start: int, stop: int) -> State:
    return [stop - start, gather_exact(values[start:stop])]  # type: ignore[arg-type]  # numbers


def _fold(states: list[State]) -> State:
    return [sum(count for count, _ in states), merge_exact([total for _, total in states])]


def _compact(state: State) -> State:
    return [state[0], plain_total(state[1])]


def _result(state: State) -> Result:
    return quotient(state[1], state[0])


def _prepare(values: Sequence[Value]) -> Gather:
    total = gather_parts(values)  # type: ignore[arg-type]  # numbers
    return lambda start, stop: [stop - start, total(start, stop)]


MEAN = Aggregate("mean", _add, merged(_fold), _gather, _result, _result, _compact, _prepare)
