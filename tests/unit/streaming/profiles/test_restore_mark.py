"""A damaged mark is a damaged store: it is set aside, and restored from the changelog.

No wrong mark is believed: tests/unit/test_formats.py, tests/broker/test_flush.py. With a Kafka:
tests/broker/test_stores.py.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from processor.errors import DamagedStoreError, SequenceError
from processor.kafka.record import FetchedRecord
from processor.state import RocksDBStore
from processor.state.rocksdb_store import damaged_path
from processor.streaming.fetch.faults import Backoff
from processor.streaming.profiles import takeover
from processor.streaming.profiles.restore_mark import Restored, restored_record, stored_restored
from tests.unit.streaming.fakes import FakeConsumer, profile_gates
from tests.unit.streaming.test_release import Partition

KEY, _ = restored_record(Restored("", 0, 0))
RECORDS = 5


class Log:
    """A changelog of five records."""

    def __init__(self, *_place: Any) -> None:
        pass

    def bounds(self) -> tuple[int, int]:
        return 0, RECORDS

    def read(self, start: int | None, _progress: Any) -> Iterator[list[FetchedRecord]]:
        offsets = range(start or 0, RECORDS)
        yield [FetchedRecord("changelog", 0, one, 0, 0, b"\x02%d" % one, b"v") for one in offsets]

    def close(self) -> None:
        pass


class Producer:
    def __init__(self, *_place: Any) -> None:
        pass

    def init(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def partition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Partition:
    """A partition whose store has a damaged mark."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(takeover, "PartitionReader", Log)
    monkeypatch.setattr(takeover, "TransactionalProducer", Producer)
    made = Partition(tmp_path / "s")
    assert made.partition._store is not None
    made.partition._store.write([(KEY, b"\xc1")])
    return made


def test_a_damaged_mark_is_a_damaged_store(partition: Partition) -> None:
    with pytest.raises(DamagedStoreError, match="a restore mark"):
        stored_restored(partition.own.table.store)
    with pytest.raises(DamagedStoreError, match="a restore mark"):
        partition.own.table.remark(0)


@pytest.mark.parametrize("opened", [True, False], ids=["still open", "after a restart"])
async def test_a_takeover_sets_the_store_aside_and_restores_it(
    partition: Partition, opened: bool
) -> None:
    taken_over, path = partition.partition, partition.place.path
    await taken_over._drop()
    taken_over._close_store()
    store = RocksDBStore(path)
    store.write([(KEY, b"\xc1"), (b"\x02old", b"v")])
    if opened:
        taken_over._store = store
    else:
        store.close()
        del store
    with capture_logs() as lines:
        taken = await taken_over._take(profile_gates())
    assert [one["event"] for one in lines] == ["store_set_aside"]
    assert damaged_path(path).is_dir()
    assert taken.restored_records == RECORDS
    assert taken.store.get(b"\x02old") is None
    restored = stored_restored(taken.store)
    assert restored is not None
    assert restored.next_offset == RECORDS


async def test_a_fault_of_something_else_is_reported_beside_a_damaged_mark(
    partition: Partition,
) -> None:
    """How far the store followed the changelog is then not known; nothing else is different."""
    gates = partition.own.gates
    fault = SequenceError("a gap")
    assert await partition.partition._after_fault(FakeConsumer(), gates, fault, Backoff()) is None
    assert partition.partition._followed is None
    assert partition.partition._store is None
