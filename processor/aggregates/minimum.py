"""The smallest number. The state is that number; of equal ones, the first to arrive."""

from collections.abc import Sequence

from processor.aggregates.aggregate import Aggregate, Result, State, Value, merged, unchanged


def _add(state: State, _time_ms: int, value: Value) -> State:
    return value if state is None or value < state else state


def _gather(_times: Sequence[int], values: Sequence[Value], start: int, stop: int) -> State:
    return min(values[start:stop])  # type: ignore[type-var]  # numbers


def _result_float(state: State) -> Result:
    return float(state)


MINIMUM = Aggregate("min", _add, merged(min), _gather, unchanged, _result_float)
