"""The value at the earliest event time; of equal times, the one that arrived first.

The state is [time_ms, value].
"""

from collections.abc import Sequence

from processor.aggregates.aggregate import Aggregate, Result, State, Value, merged
from processor.aggregates.last import cut_pair


def _add(state: State, time_ms: int, value: Value) -> State:
    return [time_ms, value] if state is None or time_ms < state[0] else state


def _gather(times: Sequence[int], values: Sequence[Value], start: int, _stop: int) -> State:
    return [times[start], values[start]]


def _fold(states: list[State]) -> State:
    return min(states, key=_time)


def _time(state: State) -> int:
    time_ms: int = state[0]
    return time_ms


def _result(state: State) -> Result:
    value: Value = state[1]
    return value


FIRST = Aggregate("first", _add, merged(_fold), _gather, _result, _result, end=0, cut=cut_pair)
