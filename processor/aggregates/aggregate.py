"""The interface of every aggregate family, and the laws that it obeys.

A state is plain data (int, float, str, bytes, lists and maps of these) that msgpack can encode, so
the profile codec need not know the families. In memory a state may contain an object to which
adding is faster (`DecimalTotal` of total.py is the only one). The encoder calls `plain_state` to
make it plain, and every function accepts both forms. None is the empty state. States are never
changed in place; every function returns a new one.

Laws, for values in their order (event time, then arrival):
 1. merge([]) and merge of empty states are empty
 2. adding one by one, gathering a slice, and merging the gathered parts give the same result
 3. merge(a, merge(b, c)) has the result of merge(merge(a, b), c)
 4. a state that was made compact, or went through msgpack, has the same result, and takes further
    values and parts with the same result. A compact state is plain
 5. adding in any order of arrival gives the result of adding in the order of time

Adding drops values if a lifetime would have too many (`frequencies`): laws 2 and 5 hold below that
bound; above it the order of arrival decides.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from processor.aggregates.ranks import Label, Ranks

# What an event contributes.
Value = bool | int | float | str | None
# The value of an attribute: a value, a list of values, or the counts of values by their text.
Result = Value | Sequence[Value] | Mapping[str, int]
State = Any  # plain data, or made plain by `plain_state`; only its own family reads it
# Maps a start and a stop (excluded) to the state of the entries between them.
Gather = Callable[[int, int], State]


def unchanged(state: State) -> Result:
    """Return the state, which is the result."""
    result: Result = state
    return result


@dataclass(frozen=True, slots=True)
class Ranked:
    """How an aggregation is read from ranks if a window has many distinct values.

    `labels` returns the labels of values, none of which is None, and may return its argument;
    `result` reads ranks that are not empty. Aggregations with the same `labels` share their ranks.
    """

    labels: Callable[[list[Value]], list[Label]]
    result: Callable[[Ranks], Result]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One aggregation.

    `add(state, time_ms, value)` adds a value that arrived after all others in the state.
    `merge(states)` joins parts; if event times are equal, a later part arrived later.
    `gather(times, values, start, stop)` returns the state of the entries from `start` to before
    `stop` of parallel lists in order of time, then arrival; there is at least one entry.
    `prepare(values)` returns a function that gathers parts (from a start to before a stop) of
    values that never change, without reading each of them again; None if `gather` is as good.
    `result(state)` and `result_float(state)` (for attributes of type double and float) return the
    result of a state that is not empty; None if no finite number represents it. Either is
    `unchanged` if the state is the result.
    `compact(state)` returns a plain state with the same result, for storage: the states of `gather`
    and `merge` may be as long as their input. `add` to a compact state keeps it about as short.
    `cut(state, limit_ms)` returns the state with every event time later than the limit set to the
    limit; None if no state contains a time.
    `end` is 0 or -1 if the result depends on the first or last entry alone, else None.
    `ranked` reads the result without the states of all parts; None if these are small.
    `size(state)` returns the approximate bytes of a state; None if that is always a few. `family`
    is the name of the state: aggregations of one family share theirs.
    """

    name: str
    add: Callable[[State, int, Value], State]
    merge: Callable[[Sequence[State]], State]
    gather: Callable[[Sequence[int], Sequence[Value], int, int], State]
    result: Callable[[State], Result]
    result_float: Callable[[State], Result]
    compact: Callable[[State], State] = unchanged
    prepare: Callable[[Sequence[Value]], Gather] | None = None
    end: int | None = None
    size: Callable[[State], int] | None = None
    cut: Callable[[State, int], State] | None = None
    ranked: Ranked | None = None
    family: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "family", self.family or self.name)


def merged(fold: Callable[[list[State]], State]) -> Callable[[Sequence[State]], State]:
    """Return a merge that leaves out empty states and folds two or more."""

    def merge(states: Sequence[State]) -> State:
        parts = [state for state in states if state is not None]
        if len(parts) > 1:
            return fold(parts)
        return parts[0] if parts else None

    return merge
