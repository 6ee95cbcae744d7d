"""The sweep of a partition, on a real store."""

import json
from pathlib import Path
from typing import Any

from definitions.catalog import Catalog
from definitions.records import from_record
from processor.clock import wall_ms
from processor.engine import Plan, compile_plan, expire, step
from processor.engine.expire import Reached
from processor.formats import FIRST_LEVEL, NEWEST_LEVEL
from processor.limits import SWEEP_LATE_MS
from processor.state import RocksDBStore
from processor.streaming.profiles.ownership import Ownership
from processor.streaming.profiles.positions import Positions
from processor.streaming.profiles.profile_table import ProfileTable, record_prefix
from processor.streaming.profiles.sweep import sweep
from tests.by_hand import contribution_of
from tests.unit.streaming.fakes import FakeDefinitions, flush, owned, profile_gates

MINUTE_MS = 60_000
DAY_MS = 86_400_000


def plan_of(*names: str, **fields: str) -> Plan:
    group = group_of(*names, **fields)
    key = f"attribute_group/g/{len(names)}"
    made = from_record(key, json.dumps(group).encode())
    return compile_plan(Catalog.empty().with_objects([made]))


def group_of(*names: str, **fields: str) -> dict[str, Any]:
    return {
        "name": "g",
        "version": len(names),
        "attribute_key": {"name": "domain_userid"},
        "owner": "a@example.com",
        "is_published": True,
        "ttl": "P1D",
        "attributes": [
            {
                "name": name,
                "type": "int32",
                "aggregation": "counter",
                "events": [{"name": name}],
                **fields,
            }
            for name in names
        ],
    }


def partition(path: Path, level: int = NEWEST_LEVEL) -> Ownership:
    return owned(ProfileTable(RocksDBStore(path), Positions()), profile_gates(level=level))


def count(own: Ownership, plan: Plan, identifier: str, name: str, time_ms: int) -> None:
    """Apply an event named `name`, and write it to the store as a flush does."""
    (series,) = of(plan, name)
    prefix = record_prefix("domain_userid", identifier)
    profile = own.table.profile(prefix) or own.table.new_profile(prefix)
    event = f"{identifier}-{name}-{time_ms}"
    values: Any = [(series, None)]
    given = contribution_of(
        0, "domain_userid", identifier, time_ms, event, name, "", values, None, time_ms
    )
    step(profile, given, plan)
    own.table.changed(prefix, profile)
    flush(own)


def of(plan: Plan, name: str) -> list[int]:
    return [a.series_id for a in plan.group_attributes("g") if a.name == name and a.series_id]


def reached(own: Ownership, time_ms: int) -> None:
    """Everything that arrived before, less the hour for late events, is applied."""
    own.watermark.all_ms = own.watermark.joint_ms = time_ms + SWEEP_LATE_MS


def exists(own: Ownership, identifier: str) -> bool:
    with own.table.committed_profile("domain_userid", identifier) as profile:
        return profile is not None


async def test_an_expired_profile_leaves_the_store(tmp_path: Path) -> None:
    own, plan = partition(tmp_path / "s"), plan_of("a")
    count(own, plan, "old", "a", 10 * DAY_MS)
    count(own, plan, "young", "a", 12 * DAY_MS)
    reached(own, 12 * DAY_MS)
    assert await sweep(own, FakeDefinitions(plan)) == 1
    flush(own)
    assert not exists(own, "old")
    assert exists(own, "young")


async def test_without_a_watermark_nothing_is_dropped_that_is_read(tmp_path: Path) -> None:
    own, plan = partition(tmp_path / "s"), plan_of("a")
    count(own, plan, "old", "a", DAY_MS)
    assert await sweep(own, FakeDefinitions(plan)) == 0
    assert slots(own) == 1
    await sweep(own, FakeDefinitions(plan_of("b")))
    assert slots(own) == 0


def slots(own: Ownership) -> int:
    profile = own.table.profile(record_prefix("domain_userid", "old"))
    return len(profile.head.slots) if profile else 0


async def test_an_event_in_the_future_ages_nothing(tmp_path: Path) -> None:
    own, plan = partition(tmp_path / "s"), plan_of("a")
    count(own, plan, "fresh", "a", 10 * DAY_MS)
    count(own, plan, "ahead", "a", 1_000 * DAY_MS)
    reached(own, 10 * DAY_MS)
    assert await sweep(own, FakeDefinitions(plan)) == 0


async def test_a_clock_that_has_gone_back_holds_the_sweep(tmp_path: Path) -> None:
    own, plan = partition(tmp_path / "s"), plan_of("a")
    now_ms = wall_ms()
    count(own, plan, "fresh", "a", now_ms)
    reached(own, now_ms + 10 * DAY_MS)  # found while the clock was ahead
    assert await sweep(own, FakeDefinitions(plan)) == 0


async def test_nothing_is_dropped_while_a_version_without_arrivals_writes_as_well(
    tmp_path: Path,
) -> None:
    own, plan = partition(tmp_path / "s", FIRST_LEVEL), plan_of("a")
    count(own, plan, "old", "a", 10 * DAY_MS)
    reached(own, 100 * DAY_MS)
    assert await sweep(own, FakeDefinitions(plan)) == 0


async def test_a_late_event_in_a_cooldown_finds_it_after_a_sweep(tmp_path: Path) -> None:
    """It happened a minute after the firing, and arrives a minute after the cooldown."""
    for swept in (False, True):
        own, plan = partition(tmp_path / str(swept)), cooling_plan()
        assert fires(own, plan, 10 * DAY_MS, arrival_ms=10 * DAY_MS) == 1
        own.watermark.all_ms = own.watermark.joint_ms = 10 * DAY_MS + 11 * MINUTE_MS
        if swept:
            assert await sweep(own, FakeDefinitions(plan)) == 0
            flush(own)
        late_ms = 10 * DAY_MS + MINUTE_MS
        assert fires(own, plan, late_ms, arrival_ms=late_ms + 11 * MINUTE_MS) == 0


def cooling_plan() -> Plan:
    rule = {
        "name": "r",
        "version": 1,
        "owner": "a@example.com",
        "is_published": True,
        "criteria": {"attribute": "g:a", "operator": "changed"},
        "cooldown": "PT10M",
    }
    group = from_record("attribute_group/g/1", json.dumps(group_of("a")).encode())
    made = [group, from_record("intervention/r/1", json.dumps(rule).encode())]
    return compile_plan(Catalog.empty().with_objects(made))


def fires(own: Ownership, plan: Plan, time_ms: int, *, arrival_ms: int) -> int:
    (series,) = of(plan, "a")
    prefix = record_prefix("domain_userid", "u")
    profile = own.table.profile(prefix) or own.table.new_profile(prefix)
    event = f"e{time_ms}"
    given = contribution_of(
        0, "domain_userid", "u", time_ms, event, "a", "", [(series, None)], None, arrival_ms
    )
    stepped = step(profile, given, plan)
    assert stepped is not None
    own.table.changed(prefix, profile)
    flush(own)
    return len(stepped.fired)


async def test_a_sweep_keeps_what_a_newer_plan_counts(tmp_path: Path) -> None:
    own, new = partition(tmp_path / "s"), plan_of("a", "b")
    definitions = FakeDefinitions(plan_of("a"))
    count(own, new, "one", "b", 12 * DAY_MS)
    count(own, new, "two", "b", 12 * DAY_MS)
    reached(own, 12 * DAY_MS)
    definitions.plan = new
    assert await sweep(own, definitions) == 0
    assert exists(own, "one")


async def test_a_dead_gate_ends_the_sweep(tmp_path: Path) -> None:
    own, plan = partition(tmp_path / "s"), plan_of("a")
    count(own, plan, "old", "a", DAY_MS)
    reached(own, 12 * DAY_MS)
    own.gates.close()
    assert await sweep(own, FakeDefinitions(plan)) == 0


class FlushedMeanwhile(FakeDefinitions):
    """Definitions at whose first reading a flush has just dropped what the sweep would drop."""

    def __init__(self, own: Ownership, plan: Plan, now_ms: int) -> None:
        super().__init__(plan)
        self._own, self._now_ms = own, now_ms
        self._flushed = False

    @property
    def plan(self) -> Plan:
        if not self._flushed:
            self._flushed = True
            prefix = record_prefix("domain_userid", "one")
            profile = self._own.table.profile(prefix)
            assert profile is not None
            assert expire(profile, self._plan, Reached(self._now_ms, self._now_ms)).empty
            self._own.table.changed(prefix, profile)
            self._own.table.forget(prefix)
            flush(self._own)
        return self._plan


async def test_a_flush_that_drops_chunks_during_a_sweep_does_not_stop_it(tmp_path: Path) -> None:
    own, plan = partition(tmp_path / "s"), plan_of("a", period="PT1H")
    prefix = record_prefix("domain_userid", "one")
    profile = own.table.new_profile(prefix)
    (series,) = of(plan, "a")
    for number in range(12_000):
        given = contribution_of(
            number,
            "domain_userid",
            "one",
            number,
            f"e{number}",
            "a",
            "",
            [(series, None)],
            None,
            number,
        )
        step(profile, given, plan)
    own.table.changed(prefix, profile)
    flush(own)
    assert profile.head.windows[series].level > 0
    reached(own, 10 * DAY_MS)
    definitions = FlushedMeanwhile(own, plan, 10 * DAY_MS)
    assert await sweep(own, definitions) == 0
    assert not exists(own, "one")
