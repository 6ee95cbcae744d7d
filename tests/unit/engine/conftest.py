"""Short ways to write definitions, events and contributions for the tests of the engine."""

from datetime import UTC, datetime, timedelta

import pytest

from definitions import (
    AtomicProperty,
    Attribute,
    InterventionCriterion,
    RuleIntervention,
    StreamAttributeGroup,
    domain_userid,
)
from definitions.catalog import Catalog
from processor.engine import (
    Profile,
    Source,
    changed_records,
    compile_plan,
    decode_part,
    decode_profile,
    encode_part,
    join,
    read_attributes,
    step,
)
from processor.engine.counted_events import CountedEvents
from processor.events import ATOMIC_COLUMNS, parse_event
from processor.formats import NEWEST_LEVEL
from processor.limits import DEDUPLICATION_BYTES, DEDUPLICATION_HORIZON_MS
from tests.by_hand import contribution_of

OWNER = "a@example.com"
VALUE = AtomicProperty(name="se_value")
TYPES = {
    "counter": "int64",
    "unique_list": "double_list",
    "category_count": "dict",
    "approx_count_distinct": "int64",
}


class Write:
    """Definitions with their dull parts filled in. Durations are in ms."""

    @staticmethod
    def attribute(name="a", aggregation="counter", *, period=None, ttl=None, **fields):
        fields.setdefault("type", TYPES.get(aggregation, "double"))
        fields.setdefault("events", [])
        if aggregation.startswith("time_since"):
            fields.setdefault("time_unit", "s")
        elif aggregation != "counter":
            fields.setdefault("property", VALUE)
        if period is not None:
            fields["period"] = timedelta(milliseconds=period)
        if ttl is not None:
            fields["ttl"] = timedelta(milliseconds=ttl)
        return Attribute(name=name, aggregation=aggregation, **fields)

    @staticmethod
    def group(*attributes, name="g", ttl=None, **fields):
        fields.setdefault("attribute_key", domain_userid)
        fields.setdefault("is_published", True)
        if ttl is not None:
            fields["ttl"] = timedelta(milliseconds=ttl)
        return StreamAttributeGroup(name=name, attributes=attributes, owner=OWNER, **fields)

    @staticmethod
    def rule(criteria, name="r", **fields):
        fields.setdefault("is_published", True)
        return RuleIntervention(name=name, criteria=criteria, owner=OWNER, **fields)

    @staticmethod
    def criterion(attribute, operator, value=None):
        return InterventionCriterion(attribute=attribute, operator=operator, value=value)

    @staticmethod
    def plan(*objects, **settings):
        return compile_plan(Catalog.empty().with_objects(objects), **settings)

    @staticmethod
    def event(**columns):
        values = {
            "event_id": "0b6b5c6a-9a4f-4c0e-8f4f-6f6f3a1c2d3e",
            "collector_tstamp": "2026-11-22 10:00:00.123",
            "domain_userid": "u1",
            "event_vendor": "com.acme",
            "event_name": "click",
            "event_version": "1-0-0",
            **columns,
        }
        return parse_event("\t".join(values.get(name, "") for name in ATOMIC_COLUMNS).encode())


class Bench:
    """One profile under a plan, with all its records in a dictionary.

    `remember_ids`: as a worker that has workers of format level 1 beside it.
    """

    def __init__(self, plan, *, remember_ids=False):
        self.plan = plan
        self.remember_ids = remember_ids
        self.store = {}
        self.profile = Profile()
        self.events = 0

    def series(self, reference):
        group, _, name = reference.partition(":")
        found = self.plan.group_attributes(group)
        return next(one.series_id for one in found if one.name == name)

    def step(self, time_ms, event_id=None, *, arrival_ms=None, **values):
        """Apply an event that arrives when it happens; `values` are by attribute of group g."""
        self.events += 1
        contribution = contribution_of(
            self.events,
            "domain_userid",
            "u1",
            time_ms,
            event_id or f"e{self.events}",
            "click",
            "",
            [(self.series(f"g:{name}"), value) for name, value in values.items()],
            None,
            time_ms if arrival_ms is None else arrival_ms,
            Source("enriched", 3),
        )
        stepped = step(self.profile, contribution, self.plan, remember_ids=self.remember_ids)
        return None if stepped is None else stepped.fired

    def read(self, now_ms, group="g"):
        return read_attributes(self.profile, self.plan.group_attributes(group), now_ms)

    def reload(self):
        """Write what changed, and decode the profile anew."""
        for suffix, record in changed_records(self.profile, NEWEST_LEVEL):
            if record is None:
                self.store.pop(suffix, None)
            else:
                self.store[suffix] = record
        head = self.store.get(b"")
        self.profile = Profile() if head is None else decode_profile(head, self.store)


class Several:
    """Profiles of several keys under a plan; what they say is given out, to be joined at will."""

    def __init__(self, plan):
        self.plan = plan
        self.profiles = {}
        self.counted = CountedEvents(DEDUPLICATION_HORIZON_MS, bytes_max=DEDUPLICATION_BYTES)

    def profile(self, key, identifier):
        return self.profiles.setdefault((key, identifier), Profile())

    def tell(self, time_ms, event_id, *, name="click", offset=0, **columns):
        """Apply an event to all its profiles; return the parts, by the key that says them."""
        moment = datetime.fromtimestamp(time_ms / 1000, UTC)
        tstamp = moment.isoformat(" ", "milliseconds").removesuffix("+00:00")
        event = Write.event(
            collector_tstamp=tstamp, event_id=event_id, event_name=name,
            **{"domain_userid": "", **columns},
        )  # fmt: skip
        parts = {}
        contributions = self.plan.contributions(event, Source("enriched", 3), offset)
        duplicates = self.counted.count(contributions, self.plan.series)
        for one, duplicate in zip(contributions, duplicates, strict=True):
            if duplicate:
                continue
            profile = self.profile(one.key, one.id)
            stepped = step(profile, one, self.plan)
            for part in () if stepped is None else stepped.parts:
                parts.setdefault(one.key, []).append(part)
        return parts

    def join(self, *parts):
        """Join parts at their targets, over the wire; return what fired."""
        decoded = [decode_part(encode_part(part, NEWEST_LEVEL)) for part in parts]
        fired = [
            join(self.profile(part.target_key, part.target_id), part, self.plan) for part in decoded
        ]
        return [one for one in fired if one is not None]

    def take(self, *event, **columns):
        """Apply an event, and join what the profiles say in the order of their keys."""
        parts = self.tell(*event, **columns)
        return self.join(*(part for key in sorted(parts) for part in parts[key]))


@pytest.fixture
def several():
    return Several


@pytest.fixture
def write():
    return Write


@pytest.fixture
def bench():
    return Bench
