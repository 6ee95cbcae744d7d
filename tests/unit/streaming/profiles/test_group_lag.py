"""The offsets of a partition reach the group, also when nothing more is flushed."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from processor.profile_inputs import ProfileInput
from processor.state import RocksDBStore
from processor.streaming.fetch.gates import Gate
from processor.streaming.profiles.group_lag import GroupLag
from processor.streaming.profiles.ownership import Ownership
from processor.streaming.profiles.positions import Offsets, Positions
from processor.streaming.profiles.profile_table import ProfileTable
from tests.unit.streaming.fakes import FakeConsumer, offsets, owned

PATIENCE_S = 60.0


class Group(FakeConsumer):
    """What a group has; it refuses so many commits first."""

    def __init__(self, refuses: int = 0) -> None:
        super().__init__()
        self.refuses = refuses
        self.offsets: dict[str, int] = {}

    async def commit_offset(self, gate: Gate, offset: int, metadata: str = "") -> bool:
        await asyncio.sleep(0)
        if self.refuses:
            self.refuses -= 1
            return False
        self.offsets[gate.topic] = offset
        return True

    async def has(self, wanted: Offsets) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while self.offsets != {one.title: offset for one, offset in wanted.items()}:
                await asyncio.sleep(0.001)


def at(number: int) -> Offsets:
    """Offsets that differ in each input."""
    return offsets(*(number * one for one in range(1, len(ProfileInput) + 1)))


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    with patch("processor.streaming.profiles.group_lag.RETRY_S", 0.001):
        yield


def partition(path: Path) -> Ownership:
    return owned(ProfileTable(RocksDBStore(path), Positions()))


async def test_the_group_has_the_newest_offsets(tmp_path: Path) -> None:
    group = Group()
    one = GroupLag(partition(tmp_path), group)
    for number in range(1, 9):
        one.stands_at(at(number))
    await group.has(at(8))


@pytest.mark.parametrize("refuses", [1, 2, 5])
async def test_a_commit_that_the_group_refuses_is_sent_again(tmp_path: Path, refuses: int) -> None:
    group = Group(refuses)
    GroupLag(partition(tmp_path), group).stands_at(at(3))
    await group.has(at(3))


async def test_nothing_is_sent_again_when_the_partition_is_not_owned(tmp_path: Path) -> None:
    own, group = partition(tmp_path), Group(1_000_000)
    one = GroupLag(own, group)
    one.stands_at(at(3))
    await asyncio.sleep(0.01)
    own.end()
    committing = one._committing
    assert committing is not None
    async with asyncio.timeout(PATIENCE_S):
        await committing
    assert not group.offsets
