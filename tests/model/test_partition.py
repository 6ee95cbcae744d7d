"""A partition of profiles on a real RocksDB, whatever happens to it, is what the naive model is.

Events arrive, are applied and flushed; owners crash behind any step, lose their directory, hand the
partition over to a store that lies behind; definitions are published, changed, unpublished and come
back; times to live pass. After each of these the attributes are those of the model, and so are
interventions when they are committed. What says that it is complete is what it would be had it
been there from the beginning.

Where they differ, hypothesis tells the shortest list of steps that it finds, as a program.
MODEL_SCALE multiplies the number of histories.
"""

import asyncio
import os
import shutil
import tempfile
from collections import Counter
from itertools import zip_longest
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from processor.engine import CompiledAttribute, Plan, read_values
from processor.errors import DefinitionError
from processor.events import parse_event
from processor.streaming.profiles.profile_table import record_prefix
from tests.by_hand import SOURCE
from tests.model.core import canonical, plan_of
from tests.model.generated import START_MS, line_of, unstruct_event
from tests.model.generated_cases import group_of, over_amount
from tests.model.generated_definitions import TYPES
from tests.model.living import KEY, Arrival, Living
from tests.model.naive import Model
from tests.model.partition import HORIZON_MS, PARTITION, TOPIC, Log, Owner
from tests.model.published import Json, leaves, read_definitions
from tests.model.values import agrees

SCALE = int(os.environ.get("MODEL_SCALE", "1"))
USERS = ["u1", "u2"]
# No event is later, so that messages see all of the windows that their rule does not read.
LATE_MS = 60_000
GROUPS_MAX, RULES_MAX = 5, 3
# How far sources are behind each other, at most.
BEHIND_MS = 5_000

SPANS = {"life": {}, "ttl": {"ttl": "PT1M"}, "w": {"period": "PT1M"}, "long": {"period": "PT10M"}}
POOLS: dict[str, list[Json]] = {
    span: [
        {**over_amount(f"{aggregation}_{span}{which}", aggregation, given), "events": events}
        for aggregation in TYPES
        for which, events in (("", []), ("_action", [{"name": "action"}]))
    ]
    for span, given in SPANS.items()
}
# Entries of the long windows may be gone where shorter ones were there alone: no rule reads them.
CHOICES = {
    "g": POOLS["life"] + POOLS["ttl"] + POOLS["w"],
    "h": POOLS["w"] + POOLS["life"],
    "ends": POOLS["life"],
    "long": POOLS["long"],
}
READ_BY_RULES = ("g", "h", "ends")
chosen = st.sampled_from(sorted(CHOICES)).flatmap(
    lambda name: st.tuples(
        st.just(name),
        st.lists(st.sampled_from(CHOICES[name]), min_size=1, max_size=4, unique_by=str),
    )
)
# Behind which step of a flush the owner crashes; 0: it does not.
steps = st.sampled_from([0, 0, 0, 1, 2, 3, 4])


def leaf(reference: str, definition: Json, number: int) -> Json:
    """A criterion that is met now and then."""
    if definition["aggregation"] in {"unique_list", "category_count"}:
        return {"attribute": reference, "operator": "changed"}
    operator = [">", "!=", "<="][number % 3]
    return {"attribute": reference, "operator": operator, "value": number % 4}


def place_of(message: Json) -> tuple[int, str, int]:
    """Where an intervention stands: those of an event in the order of name and version."""
    data = message["data"]
    return data["trigger"]["offset"], data["name"], data["version"]


class PartitionMachine(RuleBasedStateMachine):
    """The partition and its model."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.log, self.model = Log(), Living(HORIZON_MS)
        self.arrivals: list[Arrival] = []
        # Every event and when it arrived, with the number of frames that were there before it.
        self.events: list[tuple[bytes, int, int, int]] = []
        self.clock_ms = self.newest_ms = self.floor_ms = START_MS
        self.published: dict[tuple[str, int], Json] = {}
        self.withdrawn: dict[tuple[str, int], Json] = {}
        self.versions: Counter[str] = Counter()
        self.definitions_offset = 0
        self.place = 0
        self.due: list[Json] = []
        self.committed = self.model.saved()
        self.committed_frames = 0

    # --- definitions ----------------------------------------------------------------------------

    @initialize(first=chosen)
    def begin(self, first: tuple[str, list[Json]]) -> None:
        self._add_group(*first)
        self.plan = self._plan()
        self.model.take(self._in_force())
        self.committed = self.model.saved()
        self._open(torn=False)

    @rule(new=chosen, crash=steps)
    def publish_a_group(self, new: tuple[str, list[Json]], crash: int) -> None:
        if sum("attributes" in one for one in self.published.values()) < GROUPS_MAX:
            self._add_group(*new)
            self._move(crash)

    @rule(
        number=st.integers(0, 99),
        limit=st.sampled_from([{}, {"max_fires": 2}, {"cooldown": "PT1M"}]),
        crash=steps,
    )
    def publish_a_rule(self, number: int, limit: Json, crash: int) -> None:
        references = sorted(
            {
                (f"{group['name']}:{one['name']}", str(one["aggregation"]))
                for group in self.published.values()
                for one in group.get("attributes", [])
                if group["name"] in READ_BY_RULES
            }
        )
        rules = sum("criteria" in one for one in self.published.values())
        if not references or rules >= RULES_MAX:
            return
        some = {references[number % len(references)], references[number * 7 % len(references)]}
        criteria = [leaf(one, {"aggregation": kind}, number) for one, kind in sorted(some)]
        name = f"r{number % 2}"
        self.versions[name] += 1
        self.published[name, self.versions[name]] = {
            "name": name,
            "version": self.versions[name],
            "owner": "a@example.com",
            "is_published": True,
            "criteria": {"all": criteria},
            **limit,
        }
        self._move(crash)

    @precondition(lambda self: self.published)
    @rule(number=st.integers(0, 99), crash=steps)
    def unpublish(self, number: int, crash: int) -> None:
        name = sorted(self.published)[number % len(self.published)]
        self.withdrawn[name] = self.published.pop(name)
        self._move(crash)

    @precondition(lambda self: self.published)
    @rule(number=st.integers(0, 99), crash=steps)
    def unpublish_for_a_moment(self, number: int, crash: int) -> None:
        name = sorted(self.published)[number % len(self.published)]
        definition = self.published.pop(name)
        self._move(crash)
        self.published[name] = definition
        self._move(crash)

    @precondition(lambda self: self.withdrawn)
    @rule(number=st.integers(0, 99), crash=steps)
    def publish_again(self, number: int, crash: int) -> None:
        name = sorted(self.withdrawn)[number % len(self.withdrawn)]
        self.published[name] = self.withdrawn.pop(name)
        self._move(crash)

    def _add_group(self, name: str, attributes: list[Json]) -> None:
        self.versions[name] += 1
        version = self.versions[name]
        more = {"ttl": "PT1M"} if name == "ends" else {}
        group = {**group_of(name, attributes), "version": version, **more}
        self.published[name, version] = group

    def _in_force(self) -> list[Json]:
        """The groups, and the rules whose attributes are all there."""
        groups = [one for one in self.published.values() if "attributes" in one]
        known = {
            f"{group['name']}:{one['name']}" for group in groups for one in group["attributes"]
        }
        rules = [one for one in self.published.values() if "criteria" in one]
        return groups + [
            one for one in rules if {each["attribute"] for each in leaves(one["criteria"])} <= known
        ]

    def _plan(self) -> Plan:
        self.definitions_offset += 1
        return plan_of(self._in_force(), definitions_offset=self.definitions_offset)

    def _move(self, crash: int) -> None:
        """Put the definitions in force; the owner writes down at once what that means."""
        self.plan = self._plan()
        self.owner.note(self.plan, self.clock_ms)
        self.model.take(self._in_force())
        self._flush(crash)
        if crash:
            self._flush(0)

    # --- events ---------------------------------------------------------------------------------

    @rule(
        user=st.sampled_from([*USERS, "u1", ""]),
        amount=st.sampled_from([None, 0, 1, 2, 3, 0.5, 2.0]),
        late_ms=st.sampled_from([0, 0, 0, 1, 999, 30_000, 59_999]),
        apply=st.booleans(),
    )
    def an_event_arrives(self, user: str, amount: float | None, late_ms: int, apply: bool) -> None:
        time_ms = max(self.clock_ms - late_ms, self.newest_ms - LATE_MS, self.floor_ms)
        columns: Json = {"domain_userid": user, "event_vendor": "com.shop"}
        if amount is None:
            columns |= {"event_name": "page_view", "event_version": "1-0-0"}
        else:
            columns |= {"event_name": "action", "event_version": "1-0-0"}
            columns["unstruct_event"] = unstruct_event({"amount": amount})
        self._arrives(line_of(time_ms, len(self.events), columns), time_ms, behind_ms=0)
        if apply:
            self._apply()

    @precondition(lambda self: self.events)
    @rule(back=st.integers(1, 8), behind_ms=st.sampled_from([0, 0, BEHIND_MS]))
    def an_event_arrives_again(self, back: int, behind_ms: int) -> None:
        line, time_ms, _, _ = self.events[-min(back, len(self.events))]
        if time_ms >= max(self.newest_ms - LATE_MS, self.floor_ms):
            self._arrives(line, time_ms, behind_ms)

    @rule(behind_ms=st.sampled_from([0, 1_000]))
    def what_nothing_can_meet_is_forgotten(self, behind_ms: int) -> None:
        """The watermark: no event that is not applied yet arrived before it."""
        waiting = [one.arrival_ms for one in self.arrivals[self.owner.applied :]]
        watermark_ms = min([self.clock_ms - BEHIND_MS, *waiting]) - behind_ms
        self.owner.table.counted.forget_before(watermark_ms)

    @rule(count=st.integers(1, 10))
    def apply(self, count: int) -> None:
        for _ in range(count):
            self._apply()

    @rule(
        step_ms=st.sampled_from(
            [1, 999, 30_000, 59_999, 60_000, 120_000, 121_000, 600_000, 3_600_000]
        )
    )
    def time_passes(self, step_ms: int) -> None:
        self.clock_ms += step_ms

    def _arrives(self, line: bytes, time_ms: int, behind_ms: int) -> None:
        """The event arrives now, in a source that is behind, but not before it happened."""
        offset = len(self.events)
        arrival_ms = max(self.clock_ms - behind_ms, time_ms)
        self.newest_ms = max(self.newest_ms, time_ms)
        self.events.append((line, time_ms, arrival_ms, len(self.arrivals)))
        found = self.plan.contributions(parse_event(line, arrival_ms), SOURCE, offset)
        arrival = self.model.arrives(line, offset, arrival_ms)
        assert len(found) == (arrival is not None)
        if arrival is not None:
            self.log.frames.append((self.plan.definitions_offset, found[0]))
            self.arrivals.append(arrival)

    def _apply(self) -> None:
        if self.owner.applied < len(self.arrivals):
            arrival = self.arrivals[self.owner.applied]
            self.owner.apply(self.clock_ms)
            self.due += self.model.count(arrival, TOPIC, PARTITION)

    # --- flushes, crashes, sweeps ---------------------------------------------------------------

    @rule(crash=steps, between=st.integers(0, 2))
    def flush(self, crash: int, between: int) -> None:
        self._flush(crash, between)

    @rule(wipe=st.booleans(), elsewhere=st.booleans(), torn=st.booleans())
    def crash(self, wipe: bool, elsewhere: bool, torn: bool) -> None:
        self._crash(wipe=wipe, elsewhere=elsewhere, torn=torn)

    @rule(elsewhere=st.booleans(), torn=st.booleans())
    def hand_over(self, elsewhere: bool, torn: bool) -> None:
        self._flush(0)
        self._crash(wipe=False, elsewhere=elsewhere, torn=torn)

    @rule()
    def the_changelog_is_compacted(self) -> None:
        self.log.compact()

    @rule(flush=st.booleans())
    def sweep(self, flush: bool) -> None:
        """All that was sent is applied: a sweep goes by the time that all sources have reached."""
        while self.owner.applied < len(self.arrivals):
            self._apply()
        if flush:
            self._flush(0)
        asyncio.run(self.owner.sweep())
        self.floor_ms = self.newest_ms

    def _flush(self, crash: int, between: int = 0) -> None:
        self.owner.encode()
        state, frames = self.model.saved(), self.owner.applied
        due, self.due = self.due, []
        if crash == 1:
            return self._crash()
        for _ in range(between):
            self._apply()
        if crash == 2:
            return self._crash()
        committed = len(self.log.interventions)
        self.owner.commit()
        self.committed, self.committed_frames = state, frames
        fired = self.log.interventions[committed:]
        for found, expected in zip_longest(fired, sorted(due, key=place_of)):
            assert canonical(found) == canonical(expected), f"{found}\ndue: {expected}"
        if crash == 3:
            return self._crash()
        self.owner.write()
        if crash == 4:
            return self._crash()
        self.owner.table.end_flush()
        return None

    def _crash(self, *, wipe: bool = False, elsewhere: bool = False, torn: bool = False) -> None:
        self.owner.close(wipe=wipe)
        self.place ^= elsewhere
        self.due = []
        self.model.back_to(self.committed)
        self._open(torn=torn)
        assert self.owner.applied == self.committed_frames

    def _open(self, *, torn: bool) -> None:
        path = self.directory / str(self.place)
        self.owner = Owner(path, self.log, self.plan, self.clock_ms, torn=torn)

    # --- what must be so ------------------------------------------------------------------------

    @invariant()
    def attributes_are_those_of_the_model(self) -> None:
        attributes = self._attributes()
        for user in USERS if attributes else []:
            profile = self.owner.table.profile(record_prefix(KEY, user))
            values = read_values(profile, attributes, self.clock_ms)
            expected = self.model.read((KEY, user), self.clock_ms)
            truth: Json | None = None
            for attribute, value in zip(attributes, values, strict=True):
                name = attribute.full_name
                since_ms = self.owner.table.coverage.since_ms(attribute, self.clock_ms)
                if attribute.group != "long":
                    self._same(attribute, user, value, expected[name])
                if since_ms is None:
                    truth = truth or self._had_it_always_been(user)
                    self._same(attribute, user, value, truth[name])

    def _attributes(self) -> list[CompiledAttribute]:
        try:
            return self.plan.key_attributes(KEY)
        except DefinitionError:
            return []

    def _had_it_always_been(self, user: str) -> Json:
        """The attributes of a profile over all events that were applied, by full name."""
        model = Model(self._in_force(), deduplication_horizon_ms=HORIZON_MS)
        for offset, (line, _, arrival_ms, frames) in enumerate(self.events):
            if frames < self.owner.applied:
                model.apply(line, TOPIC, offset, offset, [(KEY, user)], arrival_ms)
        return model.all_attributes(KEY, user, self.clock_ms)

    def _same(self, attribute: CompiledAttribute, user: str, value: Any, due: Any) -> None:
        known = read_definitions(self._in_force())[1][KEY]
        mine = next(
            one for one in known if one.id == (attribute.group, attribute.version, attribute.name)
        )
        right = agrees(mine, value, due) or canonical(value) == canonical(due)
        assert right, f"{attribute.full_name} of {user}: {value}, due {due}"

    def teardown(self) -> None:
        if hasattr(self, "owner"):
            self.owner.close(wipe=False)
        shutil.rmtree(self.directory)


def test_the_first_owner_dies_before_it_has_noted_what_is_in_force() -> None:
    state = PartitionMachine()
    named = {one["name"]: one for pool in POOLS.values() for one in pool}
    try:
        state.begin(first=("ends", [named["counter_life"]]))
        state.an_event_arrives(amount=2.0, apply=False, late_ms=0, user="u2")
        state.publish_a_group(new=("h", [named["min_w"]]), crash=1)
        state.apply(count=1)
        state.attributes_are_those_of_the_model()
    finally:
        state.teardown()


TestPartition = PartitionMachine.TestCase
TestPartition.settings = settings(
    max_examples=60 * SCALE,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
