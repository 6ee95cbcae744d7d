"""The core and the naive model side by side, event by event, and what is left when they differ."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from definitions.catalog import Catalog
from definitions.records import from_record
from processor.engine import (
    Plan,
    Profile,
    Source,
    changed_records,
    compile_plan,
    decode_profile,
    expire,
    read_attributes,
    step,
)
from processor.errors import MalformedEventError
from processor.events import parse_event
from processor.interventions.message import encode_message
from tests.model.comparing import kind_of
from tests.model.enriched import NotAnEventError
from tests.model.generated import Happening
from tests.model.generated_definitions import Cell
from tests.model.generated_values import Json
from tests.model.naive import Model, ProfileId
from tests.model.published import leaves
from tests.model.values import agrees

TOPIC, PARTITION = "enriched", 3
# Results of these are numbers of the attribute's type; others are values as they came.
TYPED = {"counter", "sum", "mean", "min", "max", "time_since_last", "time_since_first"}


class DifferenceError(AssertionError):
    """Core and model do not agree."""


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

    def apply(self, line: bytes, offset: int) -> list[Json] | str:
        """What fired, as messages without the offset of the definitions; or why it is no event."""
        try:
            contributions = self.plan.contributions(parse_event(line), offset)
        except MalformedEventError as error:
            return error.reason.value
        found = []
        for one in contributions:
            profile = self.profile((one.key, one.id))
            if profile is None:
                profile = self.profiles[one.key, one.id] = Profile()
            for fired in step(profile, one, self.plan, Source(TOPIC, PARTITION)) or ():
                message = json.loads(encode_message(fired))
                assert message["data"].pop("definitions_offset") == -1
                found.append(message)
        return found

    def attributes(self, owner: ProfileId, group: Json, now_ms: int) -> Json:
        """The attributes of a group for one profile at a time."""
        attributes = self.plan.group_attributes(group["name"], group["version"], owner[0])
        values = read_attributes(self.profile(owner), attributes, now_ms)
        return {name.rpartition(":")[2]: value for name, value in values.items()}

    def store(self) -> None:
        """Write what changed and forget what is decoded."""
        for owner, profile in self.profiles.items():
            records = self.records.setdefault(owner, {})
            for suffix, value in changed_records(profile):
                if value is None:
                    records.pop(suffix, None)
                else:
                    records[suffix] = value
            assert changed_records(profile) == []
            assert b"" in records or not records
        self.profiles.clear()

    def expire(self, now_ms: int) -> None:
        """Drop what left every window or outlived its time to live."""
        for owner in list(self.profiles.keys() | self.records.keys()):
            profile = self.profile(owner)
            if profile is not None:
                expire(profile, self.plan, now_ms)

    def profile(self, owner: ProfileId) -> Profile | None:
        """The profile, decoded where it is not yet."""
        if owner not in self.profiles and self.records.get(owner):
            records = self.records[owner]
            self.profiles[owner] = decode_profile(records[b""], records.get)
        return self.profiles.get(owner)


@dataclass
class Comparison:
    """The core and the model side by side."""

    definitions: list[Json]
    options: Json
    fired: list[Json] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.core = Core(plan_of(self.definitions, **self.options))
        self.model = Model(self.definitions, **self.options)
        self.groups = [
            one for one in self.definitions if "attribute_key" in one and one["is_published"]
        ]

    def event(self, line: bytes, offset: int) -> None:
        """Both count the event and fire the same."""
        found = self.core.apply(line, offset)
        expected = self.model.apply(line, TOPIC, PARTITION, offset)
        self.fired += expected if isinstance(expected, list) else []
        self._same("fired", *map(canonical, (found, expected)))

    def read(self, now_ms: int, owners: Iterable[ProfileId]) -> None:
        """Both give the same attributes, as exact and of such a type as their aggregation gives."""
        for owner in owners:
            for group in self.groups:
                if group["attribute_key"]["name"] == owner[0]:
                    self._read_group(now_ms, owner, group)

    def _read_group(self, now_ms: int, owner: ProfileId, group: Json) -> None:
        name, version = group["name"], group["version"]
        found = self.core.attributes(owner, group, now_ms)
        expected = self.model.attributes(*owner, name, version, now_ms)
        what = f"{owner} {name} v{version} at {now_ms}"
        self._same(what, sorted(found), sorted(expected))
        for attribute in self.model.attributes_of(name, version):
            value, due = found[attribute.id[2]], expected[attribute.id[2]]
            what = f"{owner} {attribute.id} at {now_ms}"
            if not agrees(attribute, value, due):
                self._same(what, canonical(value), canonical(due))
            default = attribute.definition.get("default_value")
            if attribute.definition["aggregation"] in TYPED and due != default:
                self._same(f"type of {what}", type(value), type(due))
            if isinstance(due, dict):
                self._same(f"order of {what}", pairs(value), pairs(due))

    def _same(self, what: str, found: Any, expected: Any) -> None:
        if found != expected:
            raise DifferenceError(f"{what}:\n  core  {found}\n  model {expected}")


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
    try:
        number = json.loads(key)
    except ValueError:
        return repr(key)
    return canonical(number) if kind_of(number) == "number" else repr(key)


def pairs(categories: Json) -> list[tuple[str, int]]:
    """Categories and their counts in the order in which they are given."""
    return [(name_of(key), count) for key, count in categories.items()]


def compare(definitions: list[Json], history: list[Happening], options: Json) -> Comparison:
    """Run a history on both; an expiry reaches as far as nothing that follows looks back."""
    both = Comparison(definitions, options)
    least_ms = [min([one.time_ms, *one.reads_ms]) for one in history]
    for offset, one in enumerate(history):
        both.event(one.line, offset)
        owners = both.model.profiles if one.reads_all else touched(both.model, one.line)
        for now_ms in one.reads_ms:
            both.read(now_ms, owners)
        if one.store:
            both.core.store()
        if one.expire:
            both.core.expire(min(least_ms[offset + 1 :], default=one.time_ms))
    return both


def touched(model: Model, line: bytes) -> list[ProfileId]:
    """The profiles to which the event of the line contributes."""
    try:
        return [one for one in model.contributions(line) if one in model.profiles]
    except NotAnEventError:
        return []


def cells_met(both: Comparison) -> Counter[Cell]:
    """How often a rule was looked at because an attribute got something, by their combination."""
    found: Counter[Cell] = Counter()
    for rule in both.model.rules:
        for one in leaves(rule.definition["criteria"]):
            attribute = rule.reads[one["attribute"]]
            count = both.model.looked_at[(*rule.id, attribute.id)]
            lists = (attribute.definition.get("criteria") or {}).values()
            for operator in {each["operator"] for several in lists for each in several}:
                windowed = attribute.period_ms is not None
                kind = attribute.definition["aggregation"]
                found[Cell(kind, windowed, operator, one["operator"])] += count
    return found
