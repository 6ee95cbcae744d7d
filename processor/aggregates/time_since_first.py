"""The earliest event time, from which the elapsed time is computed. The state is in ms."""

from collections.abc import Sequence

from processor.aggregates.aggregate import Aggregate, State, Value, merged, unchanged


def _add(state: State, time_ms: int, _value: Value) -> State:
    return time_ms if state is None or time_ms < state else state


def _gather(times: Sequence[int], _values: Sequence[Value], start: int, _stop: int) -> State:
    return times[start]


TIME_SINCE_FIRST = Aggregate(
    "time_since_first", _add, merged(min), _gather, unchanged, unchanged, end=0, cut=min
)
