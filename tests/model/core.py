"""The core over a dict in place of a store, for the comparison with the naive model."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from definitions.catalog import Catalog
from definitions.records import from_record
from processor.engine import (
    Contribution,
    Part,
    Plan,
    Profile,
    Source,
    Stepped,
    changed_records,
    compile_plan,
    decode_part,
    decode_profile,
    encode_part,
    expire,
    join,
    new_profile,
    read_attributes,
    step,
)
from processor.engine.counted_events import CountedEvents
from processor.engine.counted_records import counted_records, decode_counted, encode_counted
from processor.engine.expire import Reached
from processor.errors import MalformedEventError
from processor.events import parse_event
from processor.formats import NEWEST_LEVEL
from processor.interventions.message import Fired, encode_message
from tests.model.comparing import kind_of
from tests.model.generated_values import Json
from tests.model.naive import ProfileId

TOPIC, PARTITION = "enriched", 3
_SOURCE = Source(TOPIC, PARTITION)
NOTHING = Stepped((), ())
NUMBER_BEGINS = re.compile(r"[-\d]")


def plan_of(definitions: list[Json], **options: Any) -> Plan:
    """The plan of definitions that have no problem."""
    objects = [from_record(record_key(one), json.dumps(one).encode()) for one in definitions]
    catalog = Catalog.empty().with_objects(objects)
    problems = [str(one) for one in catalog.problems()]
    if problems:
        raise ValueError(problems)
    return compile_plan(catalog, **options)


def record_key(one: Json) -> str:
    """The key of a definition on its topic."""
    kind = "attribute_group" if "attribute_key" in one else "intervention"
    return f"{kind}/{one['name']}/{one['version']}"


@dataclass
class Core:
    """The core over a dict in place of a store; profiles are encoded and decoded now and then."""

    plan: Plan
    profiles: dict[ProfileId, Profile] = field(default_factory=dict)
    records: dict[ProfileId, dict[bytes, bytes]] = field(default_factory=dict)
    counted_records: list[bytes] = field(default_factory=list)
    counted: CountedEvents = field(init=False)

    def __post_init__(self) -> None:
        self.counted = self._nothing_counted()

    def contributions(
        self, line: bytes, offset: int, arrival_ms: int | None = None
    ) -> list[Contribution] | str:
        """What the event gives and asks; or why it is no event."""
        try:
            event = parse_event(line, arrival_ms)
            return sorted(self.plan.contributions(event, _SOURCE, offset), key=lambda one: one.key)
        except MalformedEventError as error:
            return error.reason.value

    def count(self, one: Contribution) -> tuple[list[Json], list[Part]]:
        """What fired, as messages without the offset of the definitions, and the parts."""
        if self.counted.count([one], self.plan.series)[0]:
            return [], []
        owner = (one.key, one.id)
        profile = self.profile(owner)
        if profile is None:
            profile = self._new_profile(owner)
            if one.values:
                self.profiles[owner] = profile
        found = step(profile, one, self.plan) or NOTHING
        if not one.values and owner not in self.profiles:
            assert changed_records(profile, NEWEST_LEVEL) == [], "what only asks makes no profile"
        return [told(fired) for fired in found.fired], list(found.parts)

    def join(self, part: Part) -> list[Json]:
        """What fired for the target of a part that comes as bytes."""
        owner = (part.target_key, part.target_id)
        profile = self.profile(owner)
        if profile is None:
            profile = self.profiles[owner] = self._new_profile(owner)
        data = encode_part(part, NEWEST_LEVEL)
        sent = decode_part(data)
        assert encode_part(sent, NEWEST_LEVEL) == data
        fired = join(profile, sent, self.plan)
        return [] if fired is None else [told(fired)]

    def attributes(self, owner: ProfileId, group: Json, now_ms: int) -> Json:
        """The attributes of a group for one profile at a time."""
        attributes = self.plan.group_attributes(group["name"], group["version"], owner[0])
        values = read_attributes(self.profile(owner), attributes, now_ms)
        return {name.rpartition(":")[2]: value for name, value in values.items()}

    def store(self) -> None:
        """Write what changed and forget what is decoded."""
        for owner, profile in self.profiles.items():
            records = self.records.setdefault(owner, {})
            for suffix, value in changed_records(profile, NEWEST_LEVEL):
                if value is None:
                    records.pop(suffix, None)
                else:
                    records[suffix] = value
            assert changed_records(profile, NEWEST_LEVEL) == []
            assert b"" in records or not records
        self.profiles.clear()
        for record in counted_records(0, self.counted.take_new()):
            self.counted_records.append(encode_counted(record, NEWEST_LEVEL))
        self.counted = self._nothing_counted()
        for _ in self.counted.load(map(decode_counted, self.counted_records)):
            pass

    def _nothing_counted(self) -> CountedEvents:
        return CountedEvents(self.plan.deduplication.horizon_ms, bytes_max=2**30)

    def expire(self, now_ms: int) -> None:
        """Drop what is over where nothing arrives from now on that is earlier."""
        for owner in list(self.profiles.keys() | self.records.keys()):
            profile = self.profile(owner)
            if profile is not None:
                expire(profile, self.plan, Reached(now_ms, now_ms))
        self.counted.forget_before(now_ms)

    def _new_profile(self, owner: ProfileId) -> Profile:
        return new_profile(self.records.setdefault(owner, {}))

    def profile(self, owner: ProfileId) -> Profile | None:
        """The profile, decoded where it is not yet."""
        if owner not in self.profiles and self.records.get(owner):
            records = self.records[owner]
            self.profiles[owner] = decode_profile(records[b""], records)
        return self.profiles.get(owner)


def told(fired: Fired) -> Json:
    """The message without the offset of the definitions."""
    message: Json = json.loads(encode_message(fired))
    assert message["data"].pop("definitions_offset") == -1
    return message


def canonical(thing: Any) -> str:
    """Text that is equal for equal things: 1 is 1.0, but true is not 1; names have no order."""
    if isinstance(thing, dict):
        named = {name_of(key): canonical(value) for key, value in thing.items()}
        return "{" + ", ".join(f"{name}: {named[name]}" for name in sorted(named)) + "}"
    if isinstance(thing, list) and thing and "schema" in repr(thing[0])[:12]:
        return f"[{', '.join(sorted(map(canonical, thing)))}]"
    if isinstance(thing, list):
        return f"[{', '.join(map(canonical, thing))}]"
    if kind_of(thing) == "number" and thing == int(thing):
        return repr(int(thing))
    return repr(thing)


def name_of(key: str) -> str:
    """A category, where it is a number in the same form for every JSON text of it."""
    if not NUMBER_BEGINS.match(key):
        return repr(key)
    try:
        number = json.loads(key)
    except ValueError:
        return repr(key)
    return canonical(number) if kind_of(number) == "number" else repr(key)
