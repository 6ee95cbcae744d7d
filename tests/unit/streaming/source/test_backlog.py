"""When the source stage waits for the profile stage, and for what it does not wait."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from processor.errors import BrokerError
from processor.limits import BACKLOG_STUCK_S
from processor.settings import Settings
from processor.streaming.fetch.gated_consumer import CommittedOffset
from processor.streaming.source import backlog
from processor.streaming.source.backlog import Ages, Backlog, Behind

SETTINGS = Settings(_env_file=None, partitions=2, backlog_bytes_max=1_000, backlog_seconds_max=5.0)


def test_the_age_is_that_of_the_oldest_frame_that_waits() -> None:
    ages = Ages()
    assert ages.note(0.0, {}, {0: 0, 1: 0}) == Behind()
    assert ages.note(1.0, {0: 0}, {0: 10, 1: 0}) == Behind(10, 0.0)
    assert ages.note(2.0, {0: 5}, {0: 20, 1: 0}) == Behind(15, 1.0)
    # What was there at 1 s is applied; what came between 1 s and 2 s waits since 2 s at most.
    assert ages.note(3.0, {0: 10}, {0: 20, 1: 0}) == Behind(10, 1.0)
    assert ages.note(4.0, {0: 20}, {0: 20, 1: 0}) == Behind()


def test_a_partition_without_commits_is_behind_from_its_begin() -> None:
    assert Ages().note(0.0, {}, {0: 7, 1: 1}) == Behind(8, 0.0)


def test_a_stuck_partition_does_not_count_while_another_one_is_well() -> None:
    ages = Ages()
    ages.note(0.0, {0: 0, 1: 0}, {0: 10, 1: 10})
    later = BACKLOG_STUCK_S
    assert ages.note(later, {0: 0, 1: 8}, {0: 10, 1: 10}) == Behind(2, later)
    assert ages.note(later + 1, {0: 0, 1: 10}, {0: 10, 1: 10}) == Behind()


def test_all_count_if_the_stage_has_no_process() -> None:
    """One without traffic is not behind, which says nothing of the others then."""
    ages = Ages()
    ages.note(0.0, {0: 0, 1: 0}, {0: 10, 1: 10, 2: 0}, alive=False)
    found = ages.note(BACKLOG_STUCK_S, {0: 0, 1: 0}, {0: 10, 1: 10, 2: 0}, alive=False)
    assert found == Behind(20, BACKLOG_STUCK_S)
    assert ages.note(BACKLOG_STUCK_S, {0: 0, 1: 0}, {0: 10, 1: 10, 2: 0}) == Behind()


def test_a_stage_that_is_away_for_days_costs_no_memory() -> None:
    ages = Ages()
    for second in range(10_000):
        found = ages.note(float(second), {0: 0}, {0: min(second, 5_000) + 1}, alive=False)
        assert found.seconds == second
    assert len(ages._ends) <= 1_000


def test_all_count_if_none_is_well() -> None:
    ages = Ages()
    ages.note(0.0, {0: 0, 1: 0}, {0: 10, 1: 10})
    found = ages.note(BACKLOG_STUCK_S, {0: 0, 1: 0}, {0: 10, 1: 10})
    assert found == Behind(20, BACKLOG_STUCK_S)


class World:
    """A backlog over ends and commits that the test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 100.0
        self.applied = {0: 0, 1: 0}
        self.ends = {0: 0, 1: 0}
        self.away = False
        monkeypatch.setattr(backlog, "BACKLOG_LOOK_S", 0.001)
        monkeypatch.setattr(backlog, "monotonic_s", lambda: self.now_s)
        look: Any = self
        self.backlog = Backlog(SETTINGS, look)
        cluster: Any = SimpleNamespace(ends=lambda _asked: self.ends_of())
        self.backlog._cluster = cluster
        self.looks = 0

    async def members(self, _group: str) -> list[object]:
        return []

    async def committed(self, _group: str, _topic: str, _some: range) -> Any:
        self.looks += 1
        if self.away:
            message = "Kafka is away"
            raise BrokerError(message)
        return {number: CommittedOffset(offset, "") for number, offset in self.applied.items()}

    def ends_of(self) -> dict[tuple[str, int], int]:
        return {("topic", number): end for number, end in self.ends.items()}

    async def waits(self) -> bool:
        """Whether a run would wait now, after some looks."""
        await asyncio.sleep(0.05)
        try:
            await asyncio.wait_for(self.backlog.room(), 0.1)
        except TimeoutError:
            return True
        return False


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    made = World(monkeypatch)
    following = asyncio.create_task(made.backlog.follow_forever())
    yield made
    assert not following.done()
    following.cancel()


async def test_it_waits_for_bytes_and_goes_on_when_they_are_applied(world: World) -> None:
    for _ in range(10):
        world.backlog.wrote(200)
    world.ends = {0: 5, 1: 0}
    assert not await world.waits()
    world.backlog.wrote(200)
    world.ends = {0: 6, 1: 0}
    assert await world.waits()
    world.applied = {0: 6, 1: 0}
    assert not await world.waits()


async def test_it_waits_for_what_has_been_waiting_for_long(world: World) -> None:
    world.backlog.wrote(1)
    world.ends = {0: 1, 1: 0}
    assert not await world.waits()
    world.now_s += 6.0
    assert await world.waits()


async def test_a_stop_waits_for_nothing(world: World) -> None:
    world.backlog.wrote(2_000)
    world.ends = {0: 1, 1: 0}
    assert await world.waits()
    world.backlog.ignore()
    assert not await world.waits()


async def test_an_unreachable_kafka_changes_nothing(world: World) -> None:
    world.backlog.wrote(2_000)
    world.ends = {0: 1, 1: 0}
    assert await world.waits()
    world.away = True
    world.applied = {0: 1, 1: 0}
    assert await world.waits()
    world.away = False
    assert not await world.waits()


async def test_nothing_is_asked_while_nothing_is_written(world: World) -> None:
    world.backlog.wrote(1)
    await asyncio.sleep(0.05)
    before = world.looks
    assert before >= 1
    await asyncio.sleep(0.05)
    assert world.looks == before
