"""How often each distinct value was seen, and when last: the state of three aggregations.

The state maps each value to [count, event time in ms at which it was last seen], in the order of
that time, then of arrival. Adding keeps at most FREQUENCY_VALUES_MAX values, and among them at most
FREQUENCY_LONG_TEXTS_MAX texts of more than LONG_TEXT_CHARS. Beyond that, the least recently seen
value is dropped together with its count. Gathering and merging keep all values. In a window with
many values they are read from ranks (processor/windows/ranking.py).
"""

from collections import Counter
from collections.abc import Callable, Sequence

from processor.aggregates.aggregate import Aggregate, Ranked, Result, State, Value, merged
from processor.aggregates.distinct import Key, key_of, keys_of, size_of
from processor.limits import FREQUENCY_LONG_TEXTS_MAX, FREQUENCY_VALUES_MAX, LONG_TEXT_CHARS

# The count, and the time at which the value was last seen.
Seen = list[int]


def frequencies(name: str, result: Callable[[State], Result], ranked: Ranked) -> Aggregate:
    """Return the aggregation of this name, which reads `result` from the frequencies."""
    return Aggregate(
        name, _add, _MERGE, _gather, result, result,
        size=size_of, cut=_cut, ranked=ranked, family="frequencies",
    )  # fmt: skip


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
    if _is_long(key):
        _drop_long(seen)
    if len(seen) > FREQUENCY_VALUES_MAX:
        del seen[next(iter(seen))]
    return seen


def _is_long(key: Key) -> bool:
    return type(key) is str and len(key) > LONG_TEXT_CHARS


def _drop_long(seen: dict[Key, Seen]) -> None:
    long = [key for key in seen if _is_long(key)]
    if len(long) > FREQUENCY_LONG_TEXTS_MAX:
        del seen[long[0]]


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


def _cut(state: State, limit_ms: int) -> State:
    return {key: [count, min(last_ms, limit_ms)] for key, (count, last_ms) in state.items()}


def _newest_ms(seen: dict[Key, Seen]) -> int:
    return next(reversed(seen.values()))[1]


def _in_order(seen: dict[Key, Seen]) -> dict[Key, Seen]:
    return dict(sorted(seen.items(), key=_time))  # stable: equal times in order of arrival


def _time(item: tuple[Key, Seen]) -> int:
    return item[1][1]


_MERGE = merged(_fold)
