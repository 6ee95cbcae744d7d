"""The naive model of attributes and interventions: keep every event, recompute from scratch.

It is what the processor is compared with, so it imports nothing of it. Every rule stands here in
the plainest form that can be read against the documentation:

- An event is a duplicate for a profile if the profile has counted one of its id that arrived at
  most the horizon earlier, or at any later time. Arrivals are compared in 128ths of the horizon.
- A period counts the contributions in (now - period, now]. Without one all of them count, until
  nothing contributed for the time to live.
- A rule is looked at after an event that contributed to an attribute which it reads, at the
  greatest event time of what it reads; it fires when it was not met without the event and is with.
  What must have changed was not met without the event.
- A rule does not fire before its cooldown has passed since its last firing for the profile, nor
  more often than it may.
- A rule across attribute keys, or for another key than that of its attributes, asks for parts when
  an event contributes to an attribute of its criteria: from every profile that it reads and that
  the event has an id for, for every target that the event has an id for. See joint.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.model.comparing import Scalar, Value, deciding, is_met
from tests.model.enriched import Line, NotAnEventError, parse
from tests.model.joint import Around, Part, Targets
from tests.model.messages import Entry, Firings, ProfileId, message, reason
from tests.model.properties import value_of
from tests.model.published import Attribute, AttributeId, Json, Rule, read_definitions
from tests.model.values import aggregate, contribution, id_text


@dataclass
class Model:
    """All events of all profiles, and what follows from them."""

    definitions: list[Json]
    app_ids: tuple[str, ...] = ()
    nobody_ids: tuple[str, ...] = ()
    deduplication_horizon_ms: int = 86_400_000
    profiles: dict[ProfileId, list[Entry]] = field(default_factory=dict)
    duplicates: int = 0
    # Parts on their way, where only some profiles were asked to count an event.
    sent: list[Part] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._keys, self._attributes, self.rules = read_definitions(self.definitions)
        self._parsed: dict[tuple[bytes, int | None], dict[ProfileId, Entry]] = {}
        self._firings = Firings()
        self.targets = Targets(self._firings)
        self._looked_at: Counter[tuple[str, int, AttributeId]] = Counter()

    @property
    def looked_at(self) -> Counter[tuple[str, int, AttributeId]]:
        """How often a rule was looked at because an attribute got something: for tests to count."""
        return self._looked_at + self.targets.looked_at

    def apply(
        self,
        line: bytes,
        topic: str,
        partition: int,
        offset: int,
        keys: Iterable[ProfileId] | None = None,
        arrival_ms: int | None = None,
    ) -> list[Json] | str:
        """Count the event for its profiles (or only those of `keys`); what fired, or a reason.

        It arrives as it says, or when it was collected.

        Where all of them count it, the parts of it join at once, in the order of the names of their
        keys. Else they are added to `sent`.
        """
        try:
            entries = self.contributions(line, arrival_ms)
        except NotAnEventError as error:
            return str(error)
        source = {"topic": topic, "partition": partition, "offset": offset}
        fired: list[Json] = []
        for owner in entries if keys is None else [one for one in keys if one in entries]:
            fired += self._count(owner, entries[owner], source)
        if keys is None:
            messages = [self.targets.join(part) for part in self.sent]
            fired += [one for one in messages if one is not None]
            self.sent.clear()
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

    def contributions(self, line: bytes, arrival_ms: int | None = None) -> dict[ProfileId, Entry]:
        """What the event of a line gives to each profile; raises NotAnEventError."""
        given = (line, arrival_ms)
        if given not in self._parsed:
            self._parsed[given] = self._contributions(parse(line, arrival_ms))
        return self._parsed[given]

    def change_times(self, profile: ProfileId, start_ms: int, end_ms: int) -> list[int]:
        """The start, and every time up to the end at which time alone changes an attribute."""
        mine = self._attributes.get(profile[0], [])
        spans = {0} | {one.period_ms or one.own_ttl_ms or one.group_ttl_ms or 0 for one in mine}
        times = {entry.time_ms for entry in self.profiles.get(profile, [])}
        changes = {time + span for time in times for span in spans}
        return [start_ms, *sorted(one for one in changes if start_ms < one <= end_ms)]

    def _contributions(self, event: Line) -> dict[ProfileId, Entry]:
        if self.app_ids and event["app_id"] not in self.app_ids:
            return {}
        given: dict[ProfileId, dict[AttributeId, Scalar | None]] = {}
        for key, attributes in self._attributes.items():
            profile_id = self._id(event, key)
            for attribute in attributes if profile_id else []:
                counts, value = contribution(attribute, event)
                if counts:
                    given.setdefault((key, profile_id), {})[attribute.id] = value
        asked = self._asked(event, {name for values in given.values() for name in values})
        owners = given.keys() | {
            (key, ids[key]) for rule, ids in asked.items() for key in rule.read_keys if key in ids
        }
        facts = (event.time_ms, event["event_id"], event["event_name"], event.derived_tstamp)
        entries = {}
        for owner in sorted(owners):
            mine = {rule: ids for rule, ids in asked.items() if owner[0] in rule.read_keys}
            names = tuple(rule.id for rule in mine)
            ids = {key: one for wanted in mine.values() for key, one in wanted.items()}
            entries[owner] = Entry(*facts, given.get(owner, {}), names, ids, event.arrived_ms)
        return entries

    def _id(self, event: Line, key: str) -> str:
        """The id of the event for a key; empty where it has none."""
        prop = self._keys[key]
        return id_text(value_of(event, prop), prop, self.nobody_ids)

    def _asked(self, event: Line, given: set[AttributeId]) -> dict[Rule, dict[str, str]]:
        """The rules across keys that the event asks parts for, each with its ids of the event."""
        asked = {}
        for rule in self.rules:
            if not rule.is_local and not given.isdisjoint(one.id for one in rule.reads.values()):
                keys = {*rule.read_keys, *rule.targets}
                ids = {key: self._id(event, key) for key in keys}
                if any(ids[key] for key in rule.targets):
                    asked[rule] = {key: one for key, one in ids.items() if one}
        return asked

    def _count(self, owner: ProfileId, entry: Entry, source: Json) -> list[Json]:
        """Count an event for a profile; what fired. What only asks is not counted."""
        history = self.profiles.get(owner, [])
        earlier = history
        if entry.values:
            if self._is_duplicate(entry, history):
                self.duplicates += 1
                return []
            earlier, history = history, [*history, entry]
            self.profiles[owner] = history
        for rule in self.rules:
            if rule.id in entry.asked:
                self._send(rule, owner, (entry, source), earlier, history)
        return self._fire(owner, history, source) if entry.values else []

    def _send(
        self,
        rule: Rule,
        owner: ProfileId,
        of: tuple[Entry, Json],
        earlier: list[Entry],
        history: list[Entry],
    ) -> None:
        """Send the attributes around an event to every target that the event has an id for."""
        entry = of[0]
        mine = [one for one in rule.reads.values() if one.key == owner[0]]
        read = {one.id for one in mine}
        seen_ms = [one.time_ms for one in history if not read.isdisjoint(one.values)]
        now_ms = max([entry.time_ms, *seen_ms])
        before = {one.name: self._value(one, earlier, now_ms) for one in mine}
        after = {one.name: self._value(one, history, now_ms) for one in mine}
        if not rule.needs_memory and not Around(before, after, before, (before,)).fires(rule):
            return
        payload = [one for one in rule.payload if one.key == owner[0]]
        told = {one.id: self._value(one, history, now_ms) for one in payload}
        ids = {key: one for key, one in entry.ids.items() if key in rule.read_keys}
        for key in sorted(rule.targets):
            if key in entry.ids:
                target = (key, entry.ids[key])
                self.sent.append(Part(rule, target, owner[0], ids, *of, before, after, told))

    def _is_duplicate(self, event: Entry, history: list[Entry]) -> bool:
        return self.deduplication_horizon_ms > 0 and any(
            one.event_id == event.event_id
            and self._part(event.arrival_ms) - self._part(one.arrival_ms) <= 128
            for one in history
        )

    def _part(self, arrival_ms: int) -> int:
        return arrival_ms * 128 // self.deduplication_horizon_ms

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
            read = {one.id for one in rule.reads.values()}
            if not rule.is_local or read.isdisjoint(newest.values):
                continue
            self._looked_at.update((*rule.id, one) for one in read & newest.values.keys())
            now_ms = max(one.time_ms for one in history if not read.isdisjoint(one.values))
            criteria = rule.definition["criteria"]
            after = self._values(rule, history, now_ms)
            before = self._values(rule, earlier, now_ms)
            if is_met(criteria, before, None) or not is_met(criteria, after, before):
                continue
            if not self._firings.may_fire(rule, profile, newest.time_ms):
                continue
            payload = {one.name: self._value(one, history, now_ms) for one in rule.payload}
            decided = deciding(criteria, after, before)
            because = [reason(leaf, rule, before, after) for leaf in decided]
            messages.append(message(rule, profile, newest, source, payload, because))
        return messages

    def _values(self, rule: Rule, history: list[Entry], now_ms: int) -> dict[str, Value]:
        return {name: self._value(one, history, now_ms) for name, one in rule.reads.items()}
