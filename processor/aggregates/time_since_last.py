"""The latest event time, from which the elapsed time is computed. The state is in ms."""

from collections.abc import Sequence

from processor.aggregates.aggregate import Aggregate, State, Value, merged, unchanged


def _add(state: State, time_ms: int, _value: Value) -> State:
    return time_ms if state is None or time_ms > state else state


def _gather(times: Sequence[int], _values: Sequence[Value], _start: int, stop: int) -> State:
    return times[stop - 1]


TIME_SINCE_LAST = Aggregate(
    "time_since_last", _add, merged(max), _gather, unchanged, unchanged, end=-1, cut=min
)
