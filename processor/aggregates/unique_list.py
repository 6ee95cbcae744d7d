"""The distinct values in the order in which each was last seen, oldest first; the last 100 of them.

The state maps each value to the event time in ms at which it was last seen, in the order of that
time, then of arrival. A value beyond the last 100 cannot return to them unless it is seen again, so
none of these is kept.
"""

from collections.abc import Sequence
from operator import itemgetter

from processor.aggregates.aggregate import Aggregate, Result, State, Value, merged
from processor.aggregates.distinct import Key, key_of, keys_of, size_of, value_of
from processor.limits import RESULT_VALUES_MAX

_NEVER_MS = -1


def _add(state: State, time_ms: int, value: Value) -> State:
    key = key_of(value)
    if state is None:
        return {key: time_ms}
    if time_ms < state.get(key, _NEVER_MS):
        return state
    times: dict[Key, int] = state.copy()
    times.pop(key, None)
    newest_ms = next(reversed(times.values()), time_ms)
    times[key] = time_ms
    return _last(times if time_ms >= newest_ms else _in_order(times))


def _gather(times: Sequence[int], values: Sequence[Value], start: int, stop: int) -> State:
    keys = keys_of(list(values[start:stop]))
    last_ms = dict(zip(keys, times[start:stop], strict=True))
    latest_first = list(dict.fromkeys(reversed(keys)))[:RESULT_VALUES_MAX]
    return {key: last_ms[key] for key in reversed(latest_first)}


def _fold(states: list[State]) -> State:
    times: dict[Key, int] = states[0]
    for state in states[1:]:
        newest_ms = next(reversed(times.values()))
        if next(iter(state.values())) >= newest_ms:  # usual for the parts of a window
            times = {key: time_ms for key, time_ms in times.items() if key not in state}
            times.update(state)
            continue
        times = times.copy()
        for key, time_ms in state.items():
            if time_ms >= times.get(key, _NEVER_MS):
                times.pop(key, None)
                times[key] = time_ms
        times = _in_order(times)
    return _last(times)


def _cut(state: State, limit_ms: int) -> State:
    return {key: min(time_ms, limit_ms) for key, time_ms in state.items()}


def _in_order(times: dict[Key, int]) -> dict[Key, int]:
    return dict(sorted(times.items(), key=itemgetter(1)))  # stable: equal times in order of arrival


def _last(times: dict[Key, int]) -> dict[Key, int]:
    surplus = len(times) - RESULT_VALUES_MAX
    for key in list(times)[:surplus] if surplus > 0 else ():
        del times[key]
    return times


def _result(state: State) -> Result:
    return [value_of(key) for key in state]


UNIQUE_LIST = Aggregate(
    "unique_list", _add, merged(_fold), _gather, _result, _result, size=size_of, cut=_cut
)
