"""The largest number. The state is that number; of equal ones, the first to arrive."""

from collections.abc import Sequence

from processor.aggregates.aggregate import Aggregate, Result, State, Value, merged, unchanged


def _add(state: State, _time_ms: int, value: Value) -> State:
    return value if state is None or value > state else state


def _gather(_times: Sequence[int], values: Sequence[Value], start: int, stop: int) -> State:
    return max(values[start:stop])  # type: ignore[type-var]  # numbers


def _result_float(state: State) -> Result:
    return float(state)


MAXIMUM = Aggregate("max", _add, merged(max), _gather, unchanged, _result_float)
