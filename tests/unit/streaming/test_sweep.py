"""The sweep of a partition, on a real store."""

import json
from pathlib import Path
from typing import Any

from definitions.catalog import Catalog
from definitions.records import from_record
from processor.engine import Contribution, Plan, Source, compile_plan, expire, step
from processor.state import RocksDBStore
from processor.streaming.frames import Section
from processor.streaming.gates import Gate, GatePair
from processor.streaming.ownership import Ownership
from processor.streaming.positions import Positions
from processor.streaming.profile_stage import sweep
from processor.streaming.profile_table import ProfileTable, record_prefix

DAY_MS = 86_400_000


class Definitions:
    """What a sweep reads of the definitions."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan


def plan_of(*names: str, **fields: str) -> Plan:
    group: dict[str, Any] = {
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
    key = f"attribute_group/g/{len(names)}"
    made = from_record(key, json.dumps(group).encode())
    return compile_plan(Catalog.empty().with_objects([made]))


def owned(path: Path) -> Ownership:
    table = ProfileTable(RocksDBStore(path), Positions("c"))
    gates = GatePair(Gate("contributions", 0, 1, "member"), Gate("rules", 0, 1, "member"))
    producer: Any = None  # a sweep sends nothing
    return Ownership(gates, table, producer)


def count(own: Ownership, plan: Plan, identifier: str, name: str, time_ms: int) -> None:
    """Apply an event named `name`, and write it to the store as a flush does."""
    (series,) = of(plan, name)
    prefix = record_prefix("domain_userid", identifier)
    profile = own.table.profile(prefix) or own.table.new_profile(prefix)
    event = f"{identifier}-{name}-{time_ms}"
    given = Contribution(0, "domain_userid", identifier, time_ms, event, name, "", [(series, None)])
    step(profile, given, plan, Source("enriched", 0))
    own.table.changed(prefix, profile)
    flush(own)


def of(plan: Plan, name: str) -> list[int]:
    return [a.series_id for a in plan.group_attributes("g") if a.name == name and a.series_id]


def flush(own: Ownership) -> None:
    for _ in own.table.begin_flush():
        pass
    own.table.write("t", 1, 0)
    own.table.end_flush()


def reached(own: Ownership, partition: int, time_ms: int) -> None:
    position = own.table.positions.admit(Section("t", partition, 0, 1, 0, []))
    assert position is not None
    position.time_ms = time_ms


def exists(own: Ownership, identifier: str) -> bool:
    with own.table.committed_profile("domain_userid", identifier) as profile:
        return profile is not None


async def test_an_expired_profile_leaves_the_store(tmp_path: Path) -> None:
    own, plan = owned(tmp_path / "s"), plan_of("a")
    count(own, plan, "old", "a", 10 * DAY_MS)
    count(own, plan, "young", "a", 12 * DAY_MS)
    reached(own, 0, 12 * DAY_MS)
    assert await sweep(own, Definitions(plan)) == 1  # type: ignore[arg-type]
    flush(own)
    assert not exists(own, "old")
    assert exists(own, "young")


async def test_an_idle_source_does_not_hold_up_the_sweep(tmp_path: Path) -> None:
    own, plan = owned(tmp_path / "s"), plan_of("a")
    count(own, plan, "old", "a", 10 * DAY_MS)
    reached(own, 0, 10 * DAY_MS)
    reached(own, 1, 100 * DAY_MS)
    assert await sweep(own, Definitions(plan)) == 1  # type: ignore[arg-type]


async def test_a_sweep_keeps_what_a_newer_plan_counts(tmp_path: Path) -> None:
    own, new = owned(tmp_path / "s"), plan_of("a", "b")
    definitions = Definitions(plan_of("a"))
    count(own, new, "one", "b", 12 * DAY_MS)
    count(own, new, "two", "b", 12 * DAY_MS)
    reached(own, 0, 12 * DAY_MS)
    definitions.plan = new
    assert await sweep(own, definitions) == 0  # type: ignore[arg-type]
    assert exists(own, "one")


async def test_a_dead_gate_ends_the_sweep(tmp_path: Path) -> None:
    own, plan = owned(tmp_path / "s"), plan_of("a")
    count(own, plan, "old", "a", DAY_MS)
    reached(own, 0, 12 * DAY_MS)
    own.gates.close()
    assert await sweep(own, Definitions(plan)) == 0  # type: ignore[arg-type]


class FlushedMeanwhile:
    """Definitions at whose first reading a flush has just dropped what the sweep would drop."""

    def __init__(self, own: Ownership, plan: Plan, now_ms: int) -> None:
        self._own, self._plan, self._now_ms = own, plan, now_ms
        self._flushed = False

    @property
    def plan(self) -> Plan:
        if not self._flushed:
            self._flushed = True
            prefix = record_prefix("domain_userid", "one")
            profile = self._own.table.profile(prefix)
            assert profile is not None
            assert expire(profile, self._plan, self._now_ms).empty
            self._own.table.changed(prefix, profile)
            self._own.table.forget(prefix)
            flush(self._own)
        return self._plan


async def test_a_flush_that_drops_chunks_during_a_sweep_does_not_stop_it(tmp_path: Path) -> None:
    own, plan = owned(tmp_path / "s"), plan_of("a", period="PT1H")
    prefix = record_prefix("domain_userid", "one")
    profile = own.table.new_profile(prefix)
    (series,) = of(plan, "a")
    for number in range(12_000):
        given = Contribution(
            number, "domain_userid", "one", number, f"e{number}", "a", "", [(series, None)]
        )
        step(profile, given, plan, Source("enriched", 0))
    own.table.changed(prefix, profile)
    flush(own)
    assert profile.head.windows[series].level > 0
    reached(own, 0, 10 * DAY_MS)
    definitions: Any = FlushedMeanwhile(own, plan, 10 * DAY_MS)
    assert await sweep(own, definitions) == 0
    assert not exists(own, "one")
