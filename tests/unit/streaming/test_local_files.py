"""Files of stores that are not as a worker expects them: a fault of one partition, or none."""

import asyncio
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from processor.errors import DamagedStoreError, StateError
from processor.settings import Settings
from processor.state import RocksDBStore
from processor.state.rocksdb_store import damaged_path
from processor.streaming.fetch.faults import Backoff, FaultClass
from processor.streaming.profiles import profile_partition, unused_stores
from processor.streaming.profiles.takeover import stores_directory
from processor.streaming.profiles.unused_stores import remove_unused_stores_forever
from tests.unit.streaming.fakes import FakeConsumer
from tests.unit.streaming.test_release import Partition


async def after(partition: Partition, error: Exception) -> None:
    gates, consumer = partition.own.gates, FakeConsumer()
    consumer.heartbeat_at = float("inf")  # the group confirms everything at once
    consumer.held = {(gate.topic, gate.partition): gate for gate in gates.all}
    with patch.object(Backoff, "wait_s", return_value=0.0):
        assert await partition.partition._after_fault(consumer, gates, error, Backoff()) is not None
    assert partition.partition.fault is not None
    assert partition.partition.fault.kind is FaultClass.LOCAL


@pytest.fixture
def partition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Partition:
    monkeypatch.setenv("PROCESSOR_DATA_DIR", str(tmp_path / "data"))
    return Partition(tmp_path / "elsewhere")


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The stores with which a takeover was begun: each is a new one."""
    found: list[Any] = []

    def take(place: Any, store: Any, *_more: Any) -> str:
        found.append(store)
        RocksDBStore(place.path).close()
        return "taken"

    monkeypatch.setattr(profile_partition, "take", take)
    return found


async def test_a_damaged_store_whose_files_are_gone_ends_no_worker(
    partition: Partition, taken: list[Any]
) -> None:
    await after(partition, DamagedStoreError("No such file or directory"))
    assert await partition.partition._take(partition.own.gates) == "taken"
    assert taken == [None]


async def test_a_damaged_store_that_cannot_be_set_aside_is_a_fault_of_its_partition(
    partition: Partition, taken: list[Any]
) -> None:
    path = partition.place.path
    RocksDBStore(path).close()
    await after(partition, DamagedStoreError("Corruption"))
    with (
        patch.object(Path, "rename", side_effect=PermissionError(13, "Permission denied")),
        pytest.raises(StateError),
    ):
        await partition.partition._take(partition.own.gates)
    assert taken == [], "it is not used as it is"
    assert await partition.partition._take(partition.own.gates) == "taken"
    assert damaged_path(path).is_dir()
    assert path.is_dir()


@pytest.mark.parametrize("where", ["stored_partitions", "remove_unused"])
async def test_unused_stores_that_cannot_be_removed_end_no_worker(
    partition: Partition, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    looks = 0

    def refuse(*_of: Any) -> None:
        nonlocal looks
        looks += 1
        raise FileNotFoundError(2, "No such file or directory")

    (stores_directory(Settings()) / "7").mkdir(parents=True)
    module = unused_stores if where == "stored_partitions" else profile_partition
    monkeypatch.setattr(module, where, refuse)
    monkeypatch.setattr(unused_stores, "_LOOK_S", 0.0)
    partition.partition._store = None
    removing = asyncio.create_task(
        remove_unused_stores_forever(Settings(), lambda _number: partition.partition)
    )
    while looks < 2 and not removing.done():
        await asyncio.sleep(0)
    assert not removing.done()
    removing.cancel()
