"""What every aggregate family offers, and the laws that it keeps.

A state is plain data (int, float, str, bytes, lists and maps of these): what msgpack holds, so that
a profile is encoded and decoded without knowing its families. None is the empty state. States are
never changed in place; every function returns a new one.

Laws, for values in their order (event time, then arrival):
 1. merge([]) and merge of empty states are empty
 2. adding one by one, gathering a slice, and merging the gathered parts give the same result
 3. merge(a, merge(b, c)) has the result of merge(merge(a, b), c)
 4. a state that was made compact, or went through msgpack, has the same result
 5. adding in any order of arrival gives the result of adding in the order of time

Adding drops values where a lifetime would hold too many (`frequencies`): laws 2 and 5 hold below
that bound, and above it the order of arrival decides.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# What an event contributes.
Value = bool | int | float | str | None
# What an attribute has: a value, a list of values, or the counts of values by their text.
Result = Value | Sequence[Value] | Mapping[str, int]
State = Any  # plain data; only its own family looks into it


def unchanged(state: State) -> Result:
    """Return the state: it is the result."""
    result: Result = state
    return result


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One aggregation.

    `add(state, time_ms, value)` adds a value that arrived after all others in the state.
    `merge(states)` joins parts; where event times are equal, a later part arrived later.
    `gather(times, values, start, stop)` is the state of the entries from `start` to before `stop`
    of parallel lists in order of time, then arrival; there is at least one.
    `result(state)` and `result_float(state)` (for attributes of type double and float) are the
    result of a state that is not empty, None where no finite number holds it. Either is `unchanged`
    where the state is the result.
    `compact(state)` is a state of the same result for keeping: that of `gather` and `merge` may be
    as long as their input. `add` keeps a compact state compact.
    `end` is 0 or -1 where the result is that of the first or last entry alone, else None.
    `size(state)` is about how many bytes a state takes, where that is not always a few; None where
    it is. `family` is the name of the state: aggregations of one family share theirs.
    """

    name: str
    add: Callable[[State, int, Value], State]
    merge: Callable[[Sequence[State]], State]
    gather: Callable[[Sequence[int], Sequence[Value], int, int], State]
    result: Callable[[State], Result]
    result_float: Callable[[State], Result]
    compact: Callable[[State], State] = unchanged
    end: int | None = None
    size: Callable[[State], int] | None = None
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
