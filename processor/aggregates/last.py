"""The value at the latest event time; of equal times, the one that arrived last.

The state is [time_ms, value].
"""

from collections.abc import Sequence

from processor.aggregates.aggregate import Aggregate, Result, State, Value, merged


def _add(state: State, time_ms: int, value: Value) -> State:
    return [time_ms, value] if state is None or time_ms >= state[0] else state


def _gather(times: Sequence[int], values: Sequence[Value], _start: int, stop: int) -> State:
    return [times[stop - 1], values[stop - 1]]


def _fold(states: list[State]) -> State:
    latest = states[0]
    for state in states[1:]:
        if state[0] >= latest[0]:
            latest = state
    return latest


def cut_pair(state: State, limit_ms: int) -> State:
    """Return [time_ms, value] with the time limited to `limit_ms`."""
    return state if state[0] <= limit_ms else [limit_ms, state[1]]


def _result(state: State) -> Result:
    value: Value = state[1]
    return value


LAST = Aggregate("last", _add, merged(_fold), _gather, _result, _result, end=-1, cut=cut_pair)
