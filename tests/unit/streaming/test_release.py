"""A partition is let go while something works on it: the work ends, and then the store closes."""

import asyncio
import json
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from definitions.catalog import Catalog
from definitions.records import from_record
from processor.engine import Plan, compile_plan, encode_part
from processor.errors import StateError
from processor.formats import NEWEST_LEVEL
from processor.kafka.partitioner import Partitioner
from processor.limits import MEMORY_BYTES_MIN
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.state import RocksDBStore
from processor.streaming.fetch.gates import Run
from processor.streaming.messages.frames import Section, encode_frame, encode_section
from processor.streaming.profiles.flush import Flushing
from processor.streaming.profiles.joint_stage import JointStage
from processor.streaming.profiles.positions import Positions
from processor.streaming.profiles.profile_partition import ProfilePartition
from processor.streaming.profiles.profile_stage import ProfileStage
from processor.streaming.profiles.profile_table import ProfileTable
from processor.streaming.profiles.sweep import sweep
from processor.streaming.profiles.takeover import TakeoverPlace
from processor.streaming.profiles.worker_memory import WorkerMemory
from processor.streaming.slices import Slices
from tests.by_hand import contribution_of, part_of
from tests.unit.streaming.fakes import FakeDefinitions, flush, owned, record

KEY = "domain_userid"
USERS = 200
GROUP: dict[str, Any] = {
    "name": "g",
    "version": 1,
    "attribute_key": {"name": KEY},
    "owner": "a@example.com",
    "is_published": True,
    "ttl": "PT1M",
    "attributes": [
        {"name": "views", "type": "int32", "aggregation": "counter", "events": []},
    ],
}
PLAN: Plan = compile_plan(
    Catalog.empty().with_objects([from_record("attribute_group/g/1", json.dumps(GROUP).encode())])
)
(SERIES,) = PLAN.series


class Often(Slices):
    """Slices that are over at each look, so that the event loop goes around at every step."""

    @property
    def over(self) -> bool:
        return True


class Partition:
    """A partition that a worker owns, and what works on it."""

    def __init__(self, path: Path) -> None:
        definitions = FakeDefinitions(PLAN)
        slices = Often()
        self.memory = memory = WorkerMemory(MEMORY_BYTES_MIN)
        positions = Positions()
        table = ProfileTable(RocksDBStore(path), positions, memory.begin(0))
        self.own = owned(table)
        self.own.slices = slices
        self.place = TakeoverPlace(Settings(), 0, "changelog", {})
        self.partition = ProfilePartition(
            self.place, definitions, ThreadPoolExecutor(2), slices, memory, Flushing()
        )
        self.partition._store, self.partition.ownership = table.store, self.own
        self._profiles = ProfileStage(Settings(), definitions, Partitioner(1))
        self._joints = JointStage(definitions)
        self._definitions = definitions

    def frames(self) -> Coroutine[Any, Any, Any]:
        return self._profiles.apply(self.own, self._frame())

    def parts(self) -> Coroutine[Any, Any, Any]:
        part = part_of(
            1, KEY, "u", KEY, {KEY: "u"}, [], [], [], 0, "e", "view", "", "enriched", 0, 0, -1
        )
        records = [record(offset, encode_part(part, NEWEST_LEVEL)) for offset in range(2_000)]
        return self._joints.apply(self.own, self.own.gates[ProfileInput.RULES].run(records, 2_000))

    def sweep(self) -> Coroutine[Any, Any, Any]:
        return sweep(self.own, self._definitions)

    async def flush(self) -> None:
        """Apply a frame, and encode what it has changed."""
        await self.frames()
        async with self.own.flushing, self.own.work:
            for _ in self.own.table.begin_flush(NEWEST_LEVEL) if self.own.alive else ():
                await asyncio.sleep(0)

    async def fill(self) -> None:
        """Apply a frame and write it, as a flush does."""
        await self.frames()
        flush(self.own)
        self.own.watermark.all_ms = 10**13  # everything is over
        self.own.table.positions._sources.pop(("source", 0))

    def _frame(self) -> Run:
        contributions = [
            contribution_of(n, KEY, f"u{n}", 1_000 + n, f"e{n}", "view", "", [(SERIES, None)])
            for n in range(USERS)
        ]
        section = encode_section(Section("source", 0, -1, 1, 0, contributions), NEWEST_LEVEL)
        return self.own.gates[ProfileInput.CONTRIBUTIONS].run(
            [record(0, encode_frame([section], NEWEST_LEVEL))], 1
        )


@pytest.mark.parametrize("work", ["frames", "parts", "sweep"])
@pytest.mark.parametrize("rounds", [1, 7, 40])
async def test_a_release_waits_for_the_work_under_way(
    tmp_path: Path, work: str, rounds: int
) -> None:
    partition = Partition(tmp_path / "s")
    if work == "sweep":
        await partition.fill()
    task = asyncio.create_task(getattr(partition, work)())
    for _ in range(rounds):
        await asyncio.sleep(0)
    assert not task.done()
    store = partition.own.table.store
    await asyncio.wait_for(partition.partition.release(), 10)
    with pytest.raises(StateError):
        store.get(b"k")
    await asyncio.wait_for(task, 10)


@pytest.mark.parametrize("work", ["frames", "parts", "sweep", "flush"])
@pytest.mark.parametrize("rounds", [1, 7, 40, 150, 700, 1000])
async def test_what_works_on_it_meanwhile_leaves_no_bytes_counted(
    tmp_path: Path, work: str, rounds: int
) -> None:
    partition = Partition(tmp_path / "s")
    if work == "sweep":
        await partition.fill()
    task = asyncio.create_task(getattr(partition, work)())
    for _ in range(rounds):
        await asyncio.sleep(0)
    await asyncio.wait_for(partition.partition.release(), 10)
    await asyncio.wait_for(task, 10)
    budget = partition.memory.budget
    assert (budget.held, budget.changes, budget.holders) == (0, 0, [])


async def test_what_waits_for_room_is_let_go_too(tmp_path: Path) -> None:
    partition = Partition(tmp_path / "s")
    own = partition.own
    await partition.partition.release()
    own.applied_some(10**9)  # by a frame that was under way: more than a flush may hold
    await asyncio.wait_for(partition.frames(), 10)
