"""The number of contributions. The state is the count."""

from collections.abc import Sequence

from processor.aggregates.aggregate import Aggregate, State, Value, merged, unchanged


def _add(state: State, _time_ms: int, _value: Value) -> State:
    return 1 if state is None else state + 1


def _gather(_times: Sequence[int], _values: Sequence[Value], start: int, stop: int) -> State:
    return stop - start


COUNTER = Aggregate("counter", _add, merged(sum), _gather, unchanged, unchanged)
