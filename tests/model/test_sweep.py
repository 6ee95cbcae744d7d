"""A sweep cannot be observed: two worlds, one swept at any moment and one never, stay the same.

Every value and every firing is compared, over sources with wrong clocks, outages and loads of old
events (tests/model/hostile_world.py). What sweeps drop is counted by kind, so that equality says
something. MODEL_SCALE multiplies the number of histories.
"""

import os
from collections import Counter
from typing import Any

import pytest

from processor.engine import Part, Plan, Profile, expire, join, read_values, step
from processor.engine.expire import Reached
from processor.interventions.message import Fired
from processor.limits import WATERMARK_MARGIN_MS
from processor.streaming.profiles.watermark import NEVER_MS
from tests.model.core import plan_of
from tests.model.hostile_world import PARTITIONS, World

SCALE = int(os.environ.get("MODEL_SCALE", "1"))
BATCHES, HISTORIES, STEPS = 6, 5, 500
VALUE = {"type": "atomic", "name": "se_value"}
USER, SESSION = "domain_userid", "domain_sessionid"
Json = dict[str, Any]


def attribute(name: str, aggregation: str, kind: str = "int32", **more: Any) -> Json:
    return {"name": name, "aggregation": aggregation, "type": kind, "events": [], **more}


def group(name: str, key: str, attributes: list[Json], **more: Any) -> Json:
    return {
        "name": name, "version": 1, "attribute_key": {"name": key}, "owner": "a@example.com",
        "is_published": True, "attributes": attributes, **more,
    }  # fmt: skip


def rule(name: str, criteria: list[Json], **more: Any) -> Json:
    return {
        "name": name, "version": 1, "owner": "a@example.com", "is_published": True,
        "criteria": {"all": criteria}, **more,
    }  # fmt: skip


def leaf(attribute: str, operator: str, value: Any = None) -> Json:
    return {"attribute": attribute, "operator": operator, "value": value}


def changed(attribute: str) -> Json:
    return {"attribute": attribute, "operator": "changed"}


BUY = [{"name": "buy"}]
DEFINITIONS = [
    group(
        "w",
        USER,
        [
            attribute("m", "counter", period="PT1M"),
            attribute("q", "sum", "double", property=VALUE, period="PT15M"),
            attribute("h", "unique_list", "double_list", property=VALUE, events=BUY, period="PT1H"),
        ],
    ),
    group(
        "t",
        USER,
        [
            attribute("brief", "counter", ttl="PT2M"),
            attribute("half", "sum", "double", property=VALUE, ttl="PT30M"),
            attribute("last", "last", "double", property=VALUE, events=BUY, ttl="PT10M"),
            attribute("since", "time_since_last", "double", time_unit="s", ttl="PT3H"),
        ],
    ),
    group("g", USER, [attribute("bought", "counter", events=BUY)], ttl="PT20M"),
    group("s", SESSION, [attribute("n", "counter", period="PT10M")]),
    rule("often", [leaf("w:m", ">=", 2)], cooldown="PT10M"),
    rule("short", [changed("t:brief")], cooldown="PT1M"),
    rule("twice", [leaf("g:bought", ">=", 2)], max_fires=2),
    rule(
        "both",
        [leaf("s:n", ">=", 2), leaf("t:half", ">=", 3)],
        target_attribute_keys=[{"name": USER}],
        cooldown="PT5M",
    ),
    rule("each", [changed("s:n"), changed("g:bought")], target_attribute_keys=[{"name": USER}]),
]


class Profiles:
    """All profiles of a world."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.known: dict[tuple[str, str], Profile] = {}
        self.dropped: Counter[str] = Counter()

    def of(self, key: str, identifier: str) -> Profile:
        return self.known.setdefault((key, identifier), Profile())

    def sweep(self, partition: int, world: World) -> None:
        reached = Reached(*world.reached_ms(partition))
        for (key, identifier), profile in list(self.known.items()):
            if world._partitioner.partition(key, identifier) != partition:
                continue
            before = sizes(profile)
            empty = expire(profile, self.plan, reached).empty
            self.dropped += before - sizes(profile)
            if empty:
                del self.known[key, identifier]
                self.dropped["profiles"] += 1


def sizes(profile: Profile) -> Counter[str]:
    head = profile.head
    joints = sum(map(len, head.joints.values()))
    return Counter(
        windows=len(head.windows), slots=len(head.slots), firings=len(head.firings), joints=joints
    )


class Twins:
    """The swept profiles and the others, to which the same happens."""

    def __init__(self, seed: int) -> None:
        self.plan = plan_of(DEFINITIONS, deduplication_horizon_ms=0)
        self.world = World(self.plan, seed)
        self.swept, self.others = Profiles(self.plan), Profiles(self.plan)
        self.fired: Counter[str] = Counter()

    def happens(self) -> None:
        world, chance = self.world, self.world.chance
        kind = chance.randrange(12)
        if kind < 2:
            world.passes()
        elif kind < 5:
            world.comes()
        elif kind < 7:
            world.reads()
        elif kind < 9:
            self._apply(chance.randrange(PARTITIONS), chance.choice([1, 3, 100]))
        elif kind < 10:
            world.looks(chance.randrange(PARTITIONS))
        elif kind < 11:
            for partition in world.partitions():
                self.swept.sweep(partition, world)
        else:
            self.read()

    def _arrived_ms(self, partition: int) -> int:
        known_ms = self.world.watermarks[partition].all_ms
        return self.world.now_ms - WATERMARK_MARGIN_MS if known_ms == NEVER_MS else known_ms

    def _apply(self, partition: int, count: int) -> None:
        world = self.world
        waiting, parts = world.contributions[partition], world.parts[partition]
        arrived_ms = self._arrived_ms(partition)
        for _ in range(count):
            if waiting and (not parts or world.chance.random() < 0.5):
                one = waiting.popleft()
                world.applied[partition] += 1
                found = [
                    step(profiles.of(one.key, one.id), one, self.plan, arrived_ms)
                    for profiles in (self.swept, self.others)
                ]
                assert found[0] is not None
                assert found[1] is not None
                self._same(list(found[0].fired), list(found[1].fired))
                self._same_parts(list(found[0].parts), list(found[1].parts))
            elif parts:
                self._join(partition, parts.popleft(), arrived_ms)

    def _same_parts(self, swept: list[Part], others: list[Part]) -> None:
        assert swept == others
        for part in swept:
            self.world.send(part)

    def _join(self, partition: int, part: Part, arrived_ms: int) -> None:
        self.world.parts_applied[partition] += 1
        found = [
            join(profiles.of(part.target_key, part.target_id), part, self.plan, arrived_ms)
            for profiles in (self.swept, self.others)
        ]
        self._same(*([] if one is None else [one] for one in found))

    def _same(self, swept: list[Fired], others: list[Fired]) -> None:
        assert swept == others
        self.fired.update(one.name for one in swept)

    def read(self) -> None:
        """Whoever reads has the time of a clock that may be wrong by seconds."""
        now_ms = self.world.now_ms + self.world.chance.randint(-20_000, 20_000)
        for owner in self.swept.known.keys() | self.others.known.keys():
            attributes = self.plan.key_attributes(owner[0])
            swept, others = (
                read_values(profiles.known.get(owner), attributes, now_ms)
                for profiles in (self.swept, self.others)
            )
            names = [one.full_name for one in attributes]
            assert dict(zip(names, swept, strict=True)) == dict(zip(names, others, strict=True)), (
                owner
            )


@pytest.mark.parametrize("batch", range(BATCHES * SCALE))
def test_a_sweep_at_any_moment_changes_nothing(batch: int) -> None:
    dropped: Counter[str] = Counter()
    fired: Counter[str] = Counter()
    for number in range(HISTORIES):
        seed = batch * HISTORIES + number
        twins = Twins(seed)
        try:
            for _ in range(STEPS):
                twins.happens()
        except AssertionError as error:
            error.add_note(f"seed {seed}")
            raise
        dropped += twins.swept.dropped
        fired += twins.fired
    assert {"profiles", "windows", "slots", "firings", "joints"} <= dropped.keys(), dropped
    assert {"often", "short", "twice", "both", "each"} <= fired.keys(), fired
