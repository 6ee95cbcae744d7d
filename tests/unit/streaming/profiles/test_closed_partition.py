"""How a partition that a data fault has closed hears that an operator has acted."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from processor.errors import BrokerError, SequenceError
from processor.kafka.record import FetchedRecord
from processor.settings import Settings
from processor.streaming.profiles import closed_partition
from processor.streaming.profiles.closed_partition import ClosedPartition, still_owned
from processor.streaming.profiles.takeover import TakeoverPlace
from tests.unit.streaming.fakes import FakeConsumer, FakeDefinitions, profile_gates

PATIENCE_S = 10.0


class Changelog:
    """The offsets of its records; behind each of them stands the marker of its transaction."""

    def __init__(self) -> None:
        self.offsets = [0, 2, 4]
        self.looks = 0
        self.answers = True

    def reader(self, *_where: Any) -> "Changelog":
        return self

    def bounds(self) -> tuple[int, int]:
        self.looks += 1
        if not self.answers:
            message = "Kafka is away"
            raise BrokerError(message)
        return 0, self.offsets[-1] + 2

    def read(self, start: int) -> Iterator[list[FetchedRecord]]:
        self.bounds()
        found = [
            FetchedRecord("l", 0, one, 0, 0, b"k", b"v") for one in self.offsets if one >= start
        ]
        if found:
            yield found

    def close(self) -> None:
        pass


@pytest.fixture
def changelog(monkeypatch: pytest.MonkeyPatch) -> Changelog:
    made = Changelog()
    monkeypatch.setattr(closed_partition, "PartitionReader", made.reader)
    monkeypatch.setattr(closed_partition, "CLOSED_LOOK_S", 0.0)
    return made


class Closed:
    """A partition that is closed, having followed its changelog up to an offset."""

    def __init__(self, followed: int | None) -> None:
        place = TakeoverPlace(Settings(), 0, "l", {})
        closed = ClosedPartition(place, FakeDefinitions(), ThreadPoolExecutor(1))
        self.gates = profile_gates()
        self.waiting = asyncio.create_task(
            closed.until_acted_on(self.gates, SequenceError("a gap"), followed)
        )

    async def waits(self, changelog: Changelog) -> bool:
        """Say whether it goes on to wait for some looks."""
        wanted = changelog.looks + 3
        while changelog.looks < wanted and not self.waiting.done():
            await asyncio.sleep(0.001)
        return not self.waiting.done()


@pytest.mark.parametrize("followed", [5, 6, None])
async def test_a_record_that_is_added_is_an_act(changelog: Changelog, followed: int | None) -> None:
    closed = Closed(followed)
    assert await closed.waits(changelog)
    changelog.offsets.append(6)
    await asyncio.wait_for(closed.waiting, PATIENCE_S)


async def test_who_has_acted_before_the_first_look_is_heard(changelog: Changelog) -> None:
    """The fault was met behind a takeover that had read the changelog before."""
    changelog.offsets.append(6)
    await asyncio.wait_for(Closed(5).waiting, PATIENCE_S)


async def test_it_looks_again_while_kafka_is_away(changelog: Changelog) -> None:
    changelog.answers = False
    closed = Closed(5)
    assert await closed.waits(changelog)
    changelog.offsets.append(6)
    changelog.answers = True
    await asyncio.wait_for(closed.waiting, PATIENCE_S)


async def test_nobody_waits_for_a_partition_that_is_gone(changelog: Changelog) -> None:
    closed = Closed(5)
    assert await closed.waits(changelog)
    closed.gates.close()
    await asyncio.wait_for(closed.waiting, PATIENCE_S)


async def test_a_partition_is_still_owned_once_a_later_heartbeat_is_acknowledged() -> None:
    consumer, gates = FakeConsumer(), profile_gates()
    consumer.heartbeat_at = 5.0
    waiting = asyncio.create_task(still_owned(consumer, lambda: gates.alive, 5.0))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    consumer.heartbeat_at = 5.1
    assert await asyncio.wait_for(waiting, PATIENCE_S)


async def test_a_partition_that_is_lost_meanwhile_is_not_owned_any_more() -> None:
    consumer, gates = FakeConsumer(), profile_gates()
    consumer.heartbeat_at = 5.0
    waiting = asyncio.create_task(still_owned(consumer, lambda: gates.alive, 5.0))
    await asyncio.sleep(0.1)
    gates.close()
    assert not await asyncio.wait_for(waiting, PATIENCE_S)
