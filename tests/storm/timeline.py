"""The definitions as their topic had them, offset by offset, and what was in force at each."""

import json
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from tests.model.living import name_of, series_of
from tests.model.naive import Model
from tests.model.published import Attribute, AttributeId, Json, Rule, leaves
from tests.model.topic_reader import Record

# What the state of a profile is kept by: an accumulator, the entries of a window, a series.
Name = tuple[object, ...]


@dataclass(frozen=True)
class Life:
    """States from `start` up to `end`, that excluded, in which something was in force."""

    start: int
    end: int


class Timeline:
    """States of the definitions, by number. State 0 is before the first record."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._offsets: list[int] = []
        self._states: list[dict[str, Json]] = [{}]
        for record in records:
            state = dict(self._states[-1])
            key = (record.key or b"").decode()
            if record.value is None:
                state.pop(key, None)
            else:
                state[key] = json.loads(record.value)
            self._offsets.append(record.offset)
            self._states.append(state)
        self._models: dict[int, Model] = {}
        self._rules: dict[tuple[int, int], list[tuple[Rule, bool]]] = {}

    @property
    def last(self) -> int:
        """The number of the last state."""
        return len(self._states) - 1

    def state(self, offset: int) -> int:
        """The state of who has read the topic up to an offset, that included."""
        return bisect_right(self._offsets, offset)

    def in_force(self, state: int) -> list[Json]:
        """Published groups, and the published rules whose attributes are all there."""
        live = [one for one in self._states[state].values() if one.get("is_published")]
        groups = [one for one in live if "attribute_key" in one]
        known = {
            f"{group['name']}:{one['name']}" for group in groups for one in group["attributes"]
        }
        rules = [one for one in live if "criteria" in one]
        return groups + [
            one for one in rules if {each["attribute"] for each in leaves(one["criteria"])} <= known
        ]

    def model(self, state: int) -> Model:
        """A model that says what events contribute under a state."""
        if state not in self._models:
            self._models[state] = Model(self.in_force(state))
        return self._models[state]

    @cached_property
    def ever(self) -> list[Json]:
        """Every group and rule that was in force at some time."""
        found = {
            (one["name"], one["version"], "criteria" in one): one
            for state in range(len(self._states))
            for one in self.in_force(state)
        }
        return list(found.values())

    def attributes(self, state: int) -> list[Attribute]:
        """The attributes in force."""
        return [one for several in self.model(state)._attributes.values() for one in several]

    def rules(self, least: int, greatest: int) -> list[tuple[Rule, bool]]:
        """The local rules in force in some of these states, each with whether it is in all.

        A rule that reads attributes of another group version is another rule.
        """
        if (least, greatest) not in self._rules:
            found: dict[tuple[object, ...], tuple[Rule, int]] = {}
            for state in range(least, greatest + 1):
                for rule in self.model(state).rules:
                    name = (rule.id, *sorted(one.id for one in rule.reads.values()))
                    first, times = found.get(name, (rule, 0))
                    found[name] = (first, times + 1)
            every = greatest - least + 1
            self._rules[least, greatest] = [
                (rule, times == every) for rule, times in found.values() if rule.is_local
            ]
        return self._rules[least, greatest]

    @cached_property
    def lives(self) -> dict[Name, list[Life]]:
        """When each accumulator, window and series was kept."""
        found: dict[Name, list[Life]] = {}
        for state in range(1, self.last + 1):
            for name in names_of(self.attributes(state)):
                lives = found.setdefault(name, [])
                if lives and lives[-1].end == state:
                    lives[-1] = Life(lives[-1].start, state + 1)
                else:
                    lives.append(Life(state, state + 1))
        return found

    def life(self, name: Name, state: int) -> Life | None:
        """The life of what is kept by a name that includes a state, if there is one."""
        return next((one for one in self.lives[name] if one.start <= state < one.end), None)

    @cached_property
    def kept_by(self) -> dict[AttributeId, tuple[Name, Name]]:
        """What keeps the values of each attribute, and its series."""
        return {
            one.id: ((one.key, *name_of(one)), (one.key, "series", series_of(one)))
            for state in range(self.last + 1)
            for one in self.attributes(state)
        }

    @cached_property
    def sharers(self) -> dict[AttributeId, list[AttributeId]]:
        """For each attribute that is not there always, the others of the same series."""
        every = {one.id: one for state in range(self.last + 1) for one in self.attributes(state)}
        by_series: dict[tuple[str, str], list[AttributeId]] = {}
        for one in every.values():
            by_series.setdefault((one.key, series_of(one)), []).append(one.id)
        found = {}
        for one in every.values():
            others = [it for it in by_series[one.key, series_of(one)] if it != one.id]
            if others:
                found[one.id] = others
        return found


def names_of(attributes: Iterable[Attribute]) -> set[Name]:
    """What is kept for attributes."""
    found: set[Name] = set()
    for one in attributes:
        found |= {(one.key, *name_of(one)), (one.key, "series", series_of(one))}
    return found
