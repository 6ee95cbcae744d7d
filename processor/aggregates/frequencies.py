"""How often each distinct value was seen, and when last: the state of three aggregations.

The state maps each value to [count, event time in ms at which it was last seen], in the order of
that time, then of arrival. Adding keeps at most FREQUENCY_VALUES_MAX values: beyond that the one
that was seen last the longest ago is dropped with its count. Gathering and merging keep all.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from processor.aggregates.aggregate import Aggregate, Result, State, Value, merged
from processor.aggregates.distinct import Key, key_of, keys_of, size_of
from processor.limits import FREQUENCY_VALUES_MAX

# Count, and time of the last sighting.
Seen = list[int]


def frequencies(name: str, result: Callable[[State], Result]) -> Aggregate:
    """Return the aggregation of this name that reads `result` from the frequencies."""
    return Aggregate(
        name, _add, _MERGE, _gather, result, result, size=size_of, family="frequencies"
    )


def _add(state: State, time_ms: int, value: Value) -> State:
    key = key_of(value)
    if state is None:
        return {key: [1, time_ms]}
    seen: dict[Key, Seen] = state.copy()
    count, last_ms = seen.get(key, (0, time_ms))
    if time_ms < last_ms:
        seen[key] = [count + 1, last_ms]
        return seen
    seen.pop(key, None)
    newest_ms = next(reversed(seen.values()))[1] if seen else time_ms
    seen[key] = [count + 1, time_ms]
    if time_ms < newest_ms:
        seen = _in_order(seen)
    if len(seen) > FREQUENCY_VALUES_MAX:
        del seen[next(iter(seen))]
    return seen


def _gather(times: Sequence[int], values: Sequence[Value], start: int, stop: int) -> State:
    keys = keys_of(list(values[start:stop]))
    counts = Counter(keys)
    last_ms = dict(zip(keys, times[start:stop], strict=True))
    latest_first = list(dict.fromkeys(reversed(keys)))
    return {key: [counts[key], last_ms[key]] for key in reversed(latest_first)}


def _fold(states: list[State]) -> State:
    seen: dict[Key, Seen] = states[0].copy()
    newest_ms, ordered = _newest_ms(seen), True
    for state in states[1:]:
        for key, (count, time_ms) in state.items():
            known = seen.get(key)
            if known is None or time_ms >= known[1]:
                if known is not None:
                    del seen[key]
                    count += known[0]
                seen[key] = [count, time_ms]
                ordered = ordered and time_ms >= newest_ms
                newest_ms = time_ms
            else:
                seen[key] = [known[0] + count, known[1]]
    return seen if ordered else _in_order(seen)


def _newest_ms(seen: dict[Key, Seen]) -> int:
    return next(reversed(seen.values()))[1]


def _in_order(seen: dict[Key, Seen]) -> dict[Key, Seen]:
    return dict(sorted(seen.items(), key=_time))  # stable: equal times as they arrived


def _time(item: tuple[Key, Seen]) -> int:
    return item[1][1]


_MERGE = merged(_fold)
