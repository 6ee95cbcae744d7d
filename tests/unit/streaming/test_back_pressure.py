"""What waits for a flush is bounded in bytes, over all partitions of a worker."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from processor.clock import monotonic_s
from processor.engine.counted_events import CountedEvents
from processor.events import Trigger
from processor.interventions import Fired
from processor.limits import OUTGOING_BYTES_MAX
from processor.metrics import REGISTRY
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.state import RocksDBStore
from processor.streaming.profiles.flush import Flusher, Flushing
from processor.streaming.profiles.memory_budget import MemoryBudget
from processor.streaming.profiles.ownership import Ownership
from processor.streaming.profiles.partition_memory import begin_memory
from processor.streaming.profiles.positions import Positions
from processor.streaming.profiles.profile_table import ProfileTable, record_prefix
from processor.streaming.profiles.sweep import sweep
from processor.streaming.profiles.takeover import TakeoverPlace
from tests.by_hand import SOURCE
from tests.unit.streaming.fakes import FakeConsumer, FakeDefinitions, owned

MIB = 2**20


def partition(path: Path, budget: MemoryBudget) -> Ownership:
    memory = begin_memory(budget, CountedEvents(0, bytes_max=0))
    return owned(ProfileTable(RocksDBStore(path), Positions(), memory))


def change(own: Ownership, number: int, size: int = 1000) -> None:
    """Apply something that changes a profile of so many bytes."""
    prefix = record_prefix("k", str(number))
    profile = own.table.profile(prefix) or own.table.new_profile(prefix)
    profile.head.slots[1] = "x" * size
    profile.changed = True
    own.table.changed(prefix, profile)
    own.table.positions.next_offsets[ProfileInput.CONTRIBUTIONS] += 1
    own.applied_some(1)


def flusher(own: Ownership, interval_ms: int) -> Flusher:
    settings = Settings(commit_interval_ms=interval_ms)
    place = TakeoverPlace(settings, 0, "l", {})
    return Flusher(place, own, FakeConsumer(), ThreadPoolExecutor(1), Flushing())


def waits() -> float:
    return REGISTRY.get_sample_value("processor_memory_waits_total") or 0.0


async def test_a_partition_waits_when_the_changes_of_all_take_too_much(tmp_path: Path) -> None:
    budget = MemoryBudget(MIB)
    first, second, idle = (partition(tmp_path / name, budget) for name in "abc")
    before = waits()
    number = 0
    while second.room.is_set():
        assert number < 200, "it never waited"
        change((first, second)[number % 2], number, size=10_000)
        number += 1
    assert budget.changes < MIB
    assert idle.room.is_set(), "it has nothing to flush, so nothing would end its wait"
    assert waits() > before
    for own in (first, second):
        await flusher(own, 5000).flush()
        assert own.room.is_set()
    assert budget.changes == 0


async def test_the_pause_before_a_flush_ends_when_there_is_no_room(tmp_path: Path) -> None:
    own = partition(tmp_path / "s", MemoryBudget(MIB))
    slow = flusher(own, 5_000)
    pausing = asyncio.create_task(slow._pause(monotonic_s()))
    await asyncio.sleep(0.05)
    change(own, 0)
    await asyncio.sleep(0.05)
    assert not pausing.done()
    change(own, 1, size=MIB)
    await pausing
    await slow.flush()
    assert not own.hurry.is_set()


async def test_a_sweep_waits_for_flushes_too(tmp_path: Path) -> None:
    budget = MemoryBudget(100 * MIB)
    own = partition(tmp_path / "s", budget)
    own.begin(FakeDefinitions().plan)
    for number in range(100):
        change(own, number, size=10_000)
    await flusher(own, 5000).flush()
    definitions = FakeDefinitions()
    budget.bytes_max = MIB // 4
    sweeping = asyncio.create_task(sweep(own, definitions))
    while own.room.is_set():
        assert not sweeping.done(), "nothing made it wait"
        await asyncio.sleep(0)
    assert 0 < own.table.changes < 100
    while not sweeping.done():
        await flusher(own, 5000).flush()
        await asyncio.sleep(0)
    assert await sweeping == 100


def test_interventions_that_are_not_sent_fill_a_flush_as_parts_do(tmp_path: Path) -> None:
    own = partition(tmp_path / "s", MemoryBudget(100 * MIB))
    trigger = Trigger("e", "view", "", SOURCE, 0, 0)
    fired = Fired(
        name="n", version=1, intervention_id="i", target_key="k", target_id="u",
        attributes={"a": "x" * (OUTGOING_BYTES_MAX // 20)}, trigger=trigger,
        because=[], definitions_offset=0,
    )  # fmt: skip
    sent = 0
    while not own.outgoing.full:
        own.outgoing.add([fired], [])
        sent += 1
    assert sent == pytest.approx(20, abs=1)
