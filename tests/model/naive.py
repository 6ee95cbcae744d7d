"""The naive model of attributes and interventions: keep every event, recompute from scratch.

It is what the processor is compared with, so it imports nothing of it. Every rule stands here in
the plainest form that can be read against the documentation:

- An event is a duplicate for a profile if its id is among the last N events that the profile
  counted and that event is younger than the horizon, measured back from the greatest event time.
- A period counts the contributions in (now - period, now]. Without one all of them count, until
  nothing contributed for the time to live.
- A rule is looked at after an event that contributed to an attribute which it reads, at the
  greatest event time of what it reads; it fires when it was not met without the event and is with.
  What must have changed was not met without the event.
- A rule does not fire before its cooldown has passed since its last firing for the profile, nor
  more often than it may.
"""

import hashlib
import math
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.model.comparing import Scalar, Value, deciding, is_met
from tests.model.enriched import Line, NotAnEventError, iso_or_none, parse, to_iso
from tests.model.properties import value_of
from tests.model.published import Attribute, AttributeId, Json, Rule, read_definitions
from tests.model.values import aggregate, contribution, id_text

ProfileId = tuple[str, str]
SCHEMA = "iglu:io.processor/intervention/jsonschema/1-0-0"


@dataclass(frozen=True)
class Entry:
    """An event that a profile counted, and what it gives to each of its attributes."""

    time_ms: int
    event_id: str
    event_name: str
    derived_tstamp: str
    values: dict[AttributeId, Scalar | None]


@dataclass
class Model:
    """All events of all profiles, and what follows from them."""

    definitions: list[Json]
    app_ids: tuple[str, ...] = ()
    deduplication_ids: int = 64
    deduplication_horizon_ms: int = 3_600_000
    profiles: dict[ProfileId, list[Entry]] = field(default_factory=dict)
    duplicates: int = 0
    # How often a rule was looked at because an attribute got something: for tests to count.
    looked_at: Counter[tuple[str, int, AttributeId]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._keys, self._attributes, self.rules = read_definitions(self.definitions)
        self._parsed: dict[bytes, dict[ProfileId, Entry]] = {}
        self._fired_ms: dict[tuple[ProfileId, str, int], list[int]] = {}

    def apply(
        self,
        line: bytes,
        topic: str,
        partition: int,
        offset: int,
        keys: Iterable[ProfileId] | None = None,
    ) -> list[Json] | str:
        """Count the event for its profiles (or only those of `keys`); what fired, or a reason."""
        try:
            entries = self.contributions(line)
        except NotAnEventError as error:
            return str(error)
        source = {"topic": topic, "partition": partition, "offset": offset}
        fired: list[Json] = []
        for profile in entries if keys is None else [one for one in keys if one in entries]:
            history = self.profiles.setdefault(profile, [])
            if self._is_duplicate(entries[profile], history):
                self.duplicates += 1
                continue
            history.append(entries[profile])
            fired += self._fire(profile, history, source)
        return fired

    def attributes(
        self, key: str, profile_id: str, group: str, version: int, now_ms: int
    ) -> dict[str, Value]:
        """The attributes of a group for one profile at a time."""
        history = self.profiles.get((key, profile_id), [])
        mine = [one for one in self._attributes.get(key, []) if one.id[:2] == (group, version)]
        return {one.id[2]: self._value(one, history, now_ms) for one in mine}

    def attributes_of(self, group: str, version: int) -> list[Attribute]:
        """The attributes of a group."""
        every = (one for several in self._attributes.values() for one in several)
        return [one for one in every if one.id[:2] == (group, version)]

    def all_attributes(self, key: str, profile_id: str, now_ms: int) -> dict[str, Value]:
        """All attributes of a profile by the names of `named`."""
        history = self.profiles.get((key, profile_id), [])
        return {name: self._value(one, history, now_ms) for name, one in self.named(key).items()}

    def named(self, key: str) -> dict[str, Attribute]:
        """Attributes of a key as `group_v1:name`, and as `name` where only one has it."""
        mine = self._attributes.get(key, [])
        names = Counter(one.id[2] for one in mine)
        alone = {one.id[2]: one for one in mine if names[one.id[2]] == 1}
        return {f"{one.id[0]}_v{one.id[1]}:{one.id[2]}": one for one in mine} | alone

    def contributions(self, line: bytes) -> dict[ProfileId, Entry]:
        """What the event of a line gives to each profile; raises NotAnEventError."""
        if line not in self._parsed:
            self._parsed[line] = self._contributions(parse(line))
        return self._parsed[line]

    def change_times(self, profile: ProfileId, start_ms: int, end_ms: int) -> list[int]:
        """The start, and every time up to the end at which time alone changes an attribute."""
        mine = self._attributes.get(profile[0], [])
        spans = {0} | {one.period_ms or one.own_ttl_ms or one.group_ttl_ms or 0 for one in mine}
        times = {entry.time_ms for entry in self.profiles.get(profile, [])}
        changes = {time + span for time in times for span in spans}
        return [start_ms, *sorted(one for one in changes if start_ms < one <= end_ms)]

    def _contributions(self, event: Line) -> dict[ProfileId, Entry]:
        entries: dict[ProfileId, Entry] = {}
        if self.app_ids and event["app_id"] not in self.app_ids:
            return entries
        facts = (event.time_ms, event["event_id"], event["event_name"], event["derived_tstamp"])
        for key, attributes in self._attributes.items():
            values = {}
            profile_id = id_text(value_of(event, self._keys[key]))
            for attribute in attributes if profile_id else []:
                counts, value = contribution(attribute, event)
                if counts:
                    values[attribute.id] = value
            if values:
                entries[key, profile_id] = Entry(*facts, values)
        return entries

    def _is_duplicate(self, event: Entry, history: list[Entry]) -> bool:
        if not self.deduplication_ids or not self.deduplication_horizon_ms:
            return False
        greatest = max([event.time_ms, *(one.time_ms for one in history)])
        return any(
            one.event_id == event.event_id
            and one.time_ms > greatest - self.deduplication_horizon_ms
            for one in history[-self.deduplication_ids :]
        )

    def _value(self, attribute: Attribute, history: list[Entry], now_ms: int) -> Value:
        result = aggregate(attribute, self._counted(attribute, history, now_ms), now_ms)
        return attribute.definition.get("default_value") if result is None else result

    def _counted(
        self, attribute: Attribute, history: list[Entry], now_ms: int
    ) -> list[tuple[int, Scalar | None]]:
        """The (time, value) that count at `now_ms`, in the order of arrival."""
        name, period_ms = attribute.id, attribute.period_ms
        if period_ms is not None:
            return [
                (one.time_ms, one.values[name])
                for one in history
                if name in one.values and now_ms - period_ms < one.time_ms <= now_ms
            ]
        if attribute.own_ttl_ms is not None:
            ttl_ms, timers = attribute.own_ttl_ms, {name}
        elif attribute.group_ttl_ms is not None:
            ttl_ms = attribute.group_ttl_ms
            mates = self._attributes[attribute.key]
            timers = {one.id for one in mates if one.id[:2] == name[:2]}
        else:
            return [(one.time_ms, one.values[name]) for one in history if name in one.values]
        counted: list[tuple[int, Scalar | None]] = []
        timer_ms = -math.inf
        for one in history:
            if not timers.isdisjoint(one.values):
                if timer_ms <= one.time_ms - ttl_ms:
                    counted = []
                timer_ms = max(timer_ms, one.time_ms)
                if name in one.values:
                    counted.append((one.time_ms, one.values[name]))
        return counted if timer_ms > now_ms - ttl_ms else []

    def _fire(self, profile: ProfileId, history: list[Entry], source: Json) -> list[Json]:
        messages = []
        newest, earlier = history[-1], history[:-1]
        for rule in self.rules:
            read = {one.id for one in rule.reads.values() if one.key == profile[0]}
            if read.isdisjoint(newest.values):
                continue
            self.looked_at.update((*rule.id, one) for one in read & newest.values.keys())
            now_ms = max(one.time_ms for one in history if not read.isdisjoint(one.values))
            criteria = rule.definition["criteria"]
            after = self._values(rule, history, now_ms)
            before = self._values(rule, earlier, now_ms)
            if is_met(criteria, before, None) or not is_met(criteria, after, before):
                continue
            if not self._may_fire(rule, profile, newest.time_ms):
                continue
            payload = {one.name: self._value(one, history, now_ms) for one in rule.payload}
            decided = deciding(criteria, after, before)
            because = [reason(leaf, rule, before, after) for leaf in decided]
            messages.append(message(rule, profile, newest, source, payload, because))
        return messages

    def _may_fire(self, rule: Rule, profile: ProfileId, time_ms: int) -> bool:
        fired_ms = self._fired_ms.setdefault((profile, *rule.id), [])
        if rule.cooldown_ms and fired_ms and time_ms < fired_ms[-1] + rule.cooldown_ms:
            return False
        if rule.fires_max and len(fired_ms) >= rule.fires_max:
            return False
        fired_ms.append(time_ms)
        return True

    def _values(self, rule: Rule, history: list[Entry], now_ms: int) -> dict[str, Value]:
        return {name: self._value(one, history, now_ms) for name, one in rule.reads.items()}


def reason(leaf: Json, rule: Rule, before: dict[str, Value], after: dict[str, Value]) -> Json:
    """A criterion that decided, with the values around the event."""
    name = leaf["attribute"]
    return {
        "attribute": name,
        "group_version": rule.reads[name].id[1],
        "operator": leaf["operator"],
        "value": leaf.get("value"),
        "before": before[name],
        "after": after[name],
    }


def message(
    rule: Rule, profile: ProfileId, event: Entry, source: Json, payload: Json, because: list[Json]
) -> Json:
    """The intervention message, without the offset of the definitions."""
    name, version = rule.definition["name"], rule.definition.get("version", 1)
    digest = hashlib.sha256(f"{name}\n{version}\n{event.event_id}".encode()).digest()
    return {
        "schema": SCHEMA,
        "data": {
            "intervention_id": str(uuid.UUID(bytes=digest[:16], version=5)),
            "name": name,
            "version": version,
            "origin": "rule",
            "target_attribute_key": {"name": profile[0], "id": profile[1]},
            "attributes": payload,
            "fired_at": to_iso(event.time_ms),
            "trigger": {
                "event_id": event.event_id,
                "event_name": event.event_name,
                "derived_tstamp": iso_or_none(event.derived_tstamp),
                **source,
            },
            "because": because,
        },
    }
