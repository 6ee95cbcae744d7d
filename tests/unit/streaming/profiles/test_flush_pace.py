"""How long partitions wait between two flushes."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import patch

import pytest

from processor.limits import (
    FLUSH_CPU_S,
    FLUSH_INTERVAL_S_MAX,
    FLUSH_SENDS_INTERVAL_S_MAX,
    FLUSH_SHARE,
)
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.state import RocksDBStore
from processor.streaming.profiles.flush import Flusher, Flushing
from processor.streaming.profiles.flush_pace import FlushPace, Lag
from processor.streaming.profiles.ownership import Ownership
from processor.streaming.profiles.positions import Positions
from processor.streaming.profiles.profile_table import ProfileTable
from processor.streaming.profiles.takeover import TakeoverPlace
from tests.unit.streaming.fakes import FakeConsumer, FakeProducer, profile_gates

PATIENCE_S = 60.0


def pace(busy: int) -> FlushPace:
    found = FlushPace()
    found.busy = busy
    return found


def test_few_partitions_flush_at_the_commit_interval():
    for busy in range(4):
        assert pace(busy).interval_s(0.1) == 0.1
    assert pace(12).sends_interval_s(0.1) == 0.1


def test_many_partitions_flush_for_a_share_of_a_core():
    for busy in (8, 32, 128):
        assert busy / pace(busy).interval_s(0.1) * FLUSH_CPU_S == pytest.approx(FLUSH_SHARE)
    assert pace(10_000).interval_s(0.1) == FLUSH_INTERVAL_S_MAX


def test_what_is_to_be_sent_is_never_late_by_more_than_its_bound():
    for busy in (1, 20, 128, 10_000):
        assert 0.1 <= pace(busy).sends_interval_s(0.1) <= FLUSH_SENDS_INTERVAL_S_MAX


def test_a_longer_setting_is_kept():
    assert pace(1_000).interval_s(7.0) == pace(1_000).sends_interval_s(7.0) == 7.0


def test_a_partition_that_keeps_up_has_no_lag():
    lag = Lag()
    for number in range(1, 50):  # what was there at the last flush is applied; more has come
        assert lag.waited_s(position=number * 10, end=number * 10 + 10, now_s=number * 0.1) == 0.0


def test_a_lag_grows_until_what_was_there_is_applied():
    lag = Lag()
    assert lag.waited_s(position=0, end=1_000, now_s=10.0) == 0.0
    assert lag.waited_s(position=10, end=2_000, now_s=10.1) == pytest.approx(0.1)
    assert lag.waited_s(position=999, end=3_000, now_s=12.0) == pytest.approx(2.0)
    assert lag.waited_s(position=1_000, end=3_000, now_s=12.5) == 0.0
    assert lag.waited_s(position=1_001, end=3_000, now_s=12.6) == pytest.approx(0.1)


def test_a_lag_without_a_known_end_is_none():
    lag = Lag()
    assert [lag.waited_s(position=5, end=0, now_s=float(one)) for one in range(3)] == [0.0] * 3


class Partition:
    """A partition that flushes beside many others."""

    def __init__(self, path: Path, busy: int, **settings: int) -> None:
        self.consumer = FakeConsumer()
        table = ProfileTable(RocksDBStore(path), Positions())
        self.producer = FakeProducer()
        self.own = Ownership(profile_gates(), table, self.producer)
        place = TakeoverPlace(Settings(**settings), 0, "changelog", {})
        self.flusher = Flusher(
            place, self.own, self.consumer, ThreadPoolExecutor(1), Flushing(pace=pace(busy))
        )

    def change(self, *, sends: bool = False) -> None:
        self.own.table.positions.next_offsets[ProfileInput.CONTRIBUTIONS] += 1
        if sends:
            self.own.outgoing.interventions.append((b"key", b"value", []))
        self.own.applied_some(1)

    async def flushed(self, commits: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while self.producer.commits < commits or self.own.flushing.locked():
                await asyncio.sleep(0.001)


@pytest.fixture
def patient():
    """Changes alone wait for longer than any test."""
    with (
        patch("processor.streaming.profiles.flush_pace.FLUSH_INTERVAL_S_MAX", 3_600.0),
        patch("processor.streaming.profiles.flush_pace.FLUSH_SHARE", 1e-9),
    ):
        yield


@pytest.mark.asyncio
async def test_the_first_change_is_flushed_at_once_and_the_next_waits(tmp_path, patient):
    one = Partition(tmp_path, 100)
    running = asyncio.create_task(one.flusher.run())
    one.change()
    await one.flushed(1)
    one.change()
    for _ in range(50):
        await asyncio.sleep(0.001)
    assert one.producer.commits == 1
    running.cancel()


@pytest.mark.asyncio
async def test_what_is_to_be_sent_ends_the_wait(tmp_path, patient):
    one = Partition(tmp_path, 100)
    running = asyncio.create_task(one.flusher.run())
    one.change()
    await one.flushed(1)
    one.change(sends=True)
    await one.flushed(2)
    running.cancel()


@pytest.mark.asyncio
async def test_too_many_changes_end_the_wait(tmp_path, patient):
    one = Partition(tmp_path, 100)
    running = asyncio.create_task(one.flusher.run())
    one.change()
    await one.flushed(1)
    with patch("processor.streaming.profiles.ownership.APPLIED_MAX", 2):
        one.change()
        await one.flushed(2)
    running.cancel()


@pytest.mark.asyncio
async def test_a_partition_that_is_let_go_does_not_wait(tmp_path, patient):
    one = Partition(tmp_path, 100)
    running = asyncio.create_task(one.flusher.run())
    one.change()
    await one.flushed(1)
    one.own.gates.close()
    one.own.hurry.set()
    async with asyncio.timeout(PATIENCE_S):
        await running


@pytest.mark.parametrize(("behind", "commits"), [(True, 2), (False, 3)])
@pytest.mark.asyncio
async def test_a_partition_that_is_behind_flushes_less_often(tmp_path, behind, commits):
    one = Partition(tmp_path, 1, commit_interval_ms=1, commit_interval_max_ms=5_000)
    gate = one.own.gates[ProfileInput.CONTRIBUTIONS]
    one.consumer.ends[gate.topic, gate.partition] = (0, 1_000 if behind else 0)
    running = asyncio.create_task(one.flusher.run())
    one.change()
    await one.flushed(1)  # the end is known from now on
    await asyncio.sleep(1.5)
    one.change()
    await one.flushed(2)  # by then contributions have waited for 1.5 s
    one.change()
    await asyncio.sleep(0.3)
    assert one.producer.commits == commits
    one.change(sends=True)
    await one.flushed(commits + 1)
    running.cancel()
