"""The naive model while definitions come and go.

It keeps every event with what it gave to the series of its time, and since when everything counts:

- An attribute counts what was applied since its state is there: the entries of its series for a
  window, its accumulator for a lifetime attribute. It shares both with every attribute that looks
  at the same events for the same value, for a lifetime with the same aggregation and time to live.
- The time at which a rule looks is that of the series that it reads, from before it, too.
- What nobody keeps any more is forgotten at once: if it comes back, it starts anew. So do the
  firings of a rule.
"""

import copy
import json
from dataclasses import dataclass, field, replace
from typing import Any

from tests.model.comparing import Scalar, Value
from tests.model.enriched import parse
from tests.model.messages import Entry, Firings, ProfileId
from tests.model.naive import Model
from tests.model.published import Attribute, Json, Rule
from tests.model.values import category, contribution, id_text

KEY = "domain_userid"
# Aggregations that go over the same counts of values.
FREQUENCIES = {"most_frequent", "least_frequent", "category_count"}
Series = str
Name = tuple[Any, ...]


@dataclass(frozen=True)
class Arrival:
    """An event on its way to a profile, with what it gives to the series that were live."""

    line: bytes
    arrival_ms: int
    offset: int
    owner: ProfileId
    values: dict[Series, Scalar | None]


@dataclass(frozen=True)
class Counted:
    """An event that a profile has counted, and its number among all that were."""

    number: int
    line: bytes
    arrival_ms: int
    values: dict[Series, Scalar | None]


@dataclass(frozen=True)
class Numbered(Entry):
    """An event as the model wants it, with its number."""

    number: int = 0


class Since(Model):
    """The model in which each attribute counts the events from a number on."""

    begun: dict[Name, int]

    def _counted(
        self, attribute: Attribute, history: list[Entry], now_ms: int
    ) -> list[tuple[int, Scalar | None]]:
        begun = self.begun[name_of(attribute)]
        mine = [one for one in history if isinstance(one, Numbered) and one.number >= begun]
        return super()._counted(attribute, mine, now_ms)


class ForgetfulFirings(Firings):
    """Firings that are forgotten with their rule."""

    def forget(self, rule: Name) -> None:
        self._fired_ms = {one: some for one, some in self._fired_ms.items() if one[1] != rule}


@dataclass
class State:
    """What the model remembers."""

    counted: dict[ProfileId, list[Counted]] = field(default_factory=dict)
    begun: dict[Name, int] = field(default_factory=dict)
    firings: ForgetfulFirings = field(default_factory=ForgetfulFirings)
    number: int = 0


class Living:
    """All events of the profiles of one key, and what follows from them under definitions."""

    def __init__(self, horizon_ms: int) -> None:
        self.horizon_ms = horizon_ms
        self.state = State()
        self.take([])

    def take(self, definitions: list[Json]) -> None:
        """Definitions are in force from now on."""
        self.definitions = definitions
        self._model = Since(definitions, deduplication_horizon_ms=self.horizon_ms)
        self.attributes: list[Attribute] = self._model._attributes.get(KEY, [])
        live = {name_of(one) for one in self.attributes}
        live |= {("series", series_of(one)) for one in self.attributes}
        live |= {("rule", *rule.id) for rule in self._model.rules}
        begun = self.state.begun
        for name in begun.keys() - live:
            del begun[name]
            if name[0] == "rule":
                self.state.firings.forget(name[1:])
        for name in live - begun.keys():
            begun[name] = self.state.number
        self._model.begun = begun
        self._model._firings = self.state.firings
        self._model.profiles = {
            owner: [self._entry(one) for one in some] for owner, some in self.state.counted.items()
        }

    @property
    def rules(self) -> list[Rule]:
        """The rules in force."""
        return self._model.rules

    def saved(self) -> State:
        """What the model remembers now."""
        return copy.deepcopy(self.state)

    def back_to(self, state: State) -> None:
        """Everything since then is as if it had never been; the definitions are those of now."""
        self.state = copy.deepcopy(state)
        self.take(self.definitions)

    def arrives(self, line: bytes, offset: int, arrival_ms: int) -> Arrival | None:
        """What the event gives to the series that are live; None where that is nothing."""
        event = parse(line, arrival_ms)
        prop = {"type": "atomic", "name": "domain_userid"}
        profile_id = id_text(event["domain_userid"] or None, prop)
        values = {}
        for attribute in self.attributes if profile_id else []:
            counts, value = contribution(over_any(attribute), event)
            if counts:
                values[series_of(attribute)] = value
        owner = (KEY, profile_id)
        return Arrival(line, arrival_ms, offset, owner, values) if values else None

    def count(self, arrival: Arrival, topic: str, partition: int) -> list[Json]:
        """Count an event; what fires."""
        live = {series_of(one) for one in self.attributes}
        values = {name: value for name, value in arrival.values.items() if name in live}
        if not values:
            return []
        counted = Counted(self.state.number, arrival.line, arrival.arrival_ms, values)
        before = self._model.duplicates
        source = {"topic": topic, "partition": partition, "offset": arrival.offset}
        fired = self._model._count(arrival.owner, self._entry(counted), source)
        if self._model.duplicates == before:
            self.state.number += 1
            self.state.counted.setdefault(arrival.owner, []).append(counted)
        return fired

    def read(self, owner: ProfileId, now_ms: int) -> dict[str, Value]:
        """All attributes of a profile at a time, by their full names."""
        found = self._model.all_attributes(*owner, now_ms)
        return {name: value for name, value in found.items() if ":" in name}

    def _entry(self, counted: Counted) -> Entry:
        """The event as the model wants it: what it gives to attributes whose series was live."""
        event, begun = parse(counted.line, counted.arrival_ms), self.state.begun
        values = {
            one.id: given(one, counted.values[series_of(one)])
            for one in self.attributes
            if series_of(one) in counted.values
            and counted.number >= begun["series", series_of(one)]
        }
        facts = (event.time_ms, event["event_id"], event["event_name"], event.derived_tstamp)
        return Numbered(*facts, values, arrival_ms=counted.arrival_ms, number=counted.number)


def over_any(attribute: Attribute) -> Attribute:
    """The attribute, or one that takes the same values and gives them as they are."""
    if attribute.definition["aggregation"] != "category_count":
        return attribute
    as_they_are = {"aggregation": "approx_count_distinct", "type": "int64"}
    return replace(attribute, definition={**attribute.definition, **as_they_are})


def given(attribute: Attribute, value: Scalar | None) -> Scalar | None:
    """A value as the attribute takes it."""
    if attribute.definition["aggregation"] != "category_count" or value is None:
        return value
    return category(value)


def series_of(attribute: Attribute) -> Series:
    """What tells the events of an attribute, and their values, from those of others."""
    one = attribute.definition
    kind = one["type"].removesuffix("_list") if "property" in one else None
    if one["aggregation"] in {"category_count", "approx_count_distinct"}:
        kind = "any"
    if kind in {"double", "float", "unix_timestamp"}:
        kind = "number"
    if kind in {"int32", "int64"}:
        kind = "integer"
    parts = [one.get(name) for name in ("events", "criteria", "property")]
    return json.dumps([*parts, kind], sort_keys=True)


def name_of(attribute: Attribute) -> Name:
    """What an attribute shares with others: the entries of its series, or an accumulator."""
    series = series_of(attribute)
    if attribute.period_ms is not None:
        return "window", series
    aggregation = attribute.definition["aggregation"]
    family = "frequencies" if aggregation in FREQUENCIES else aggregation
    if attribute.own_ttl_ms is not None:
        return "life", series, family, attribute.own_ttl_ms
    if attribute.group_ttl_ms is not None:
        return "life", series, family, *attribute.id[:2]
    return "life", series, family
