"""Local stores that cannot be read: set aside, and restored from the changelog."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from processor.state.rocksdb_store import RocksDBStore, damaged_path
from processor.streaming.profiles.restore_mark import Restored, restored_record
from tests.broker.cluster import Cluster, WorkerProcess
from tests.broker.visits import Visits, application, eventually

pytestmark = pytest.mark.broker

USERS = [f"user-{number}" for number in range(400)]


@pytest.fixture
def cluster(bootstrap_servers: str, tmp_path: Path) -> Iterator[Cluster]:
    with application(bootstrap_servers, tmp_path) as made:
        yield made


def stores(worker: WorkerProcess) -> list[Path]:
    """The directories of both partitions."""
    root = worker.data_dir / "profiles" / worker.cluster.settings.app_id
    return [root / "0", root / "1"]


def change(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for place in range(len(content) // 8, len(content), max(len(content) // 8, 1)):
        content[place] ^= 0x55
    path.write_bytes(content)


def test_a_store_whose_files_are_damaged_or_gone_is_restored(cluster: Cluster) -> None:
    worker = cluster.worker("one").start().wait_ready()
    visits = Visits(cluster)
    visits.send(USERS, 2)
    cluster.wait_applied(60)
    assert worker.stop() == 0
    first, second = stores(worker)
    change(next(first.glob("MANIFEST-*")))
    next(second.glob("*.sst")).unlink()
    worker.start().wait_ready()
    visits.send(USERS)
    visits.check_exact()
    assert worker.log().count("store_set_aside") == 2
    assert all(damaged_path(one).is_dir() for one in (first, second))
    assert str(damaged_path(first)) in worker.log()


def test_a_store_whose_mark_is_damaged_is_restored(cluster: Cluster) -> None:
    """The mark is in no changelog: to wait for an operator would not mend it, nor a restart."""
    worker = cluster.worker("one").start().wait_ready()
    visits = Visits(cluster)
    visits.send(USERS, 2)
    cluster.wait_applied(60)
    assert worker.stop() == 0
    key, _ = restored_record(Restored("", 0, 0))
    for path in stores(worker):
        store = RocksDBStore(path)
        store.write([(key, b"\xc1")])
        store.close()
    worker.start().wait_ready()
    visits.send(USERS)
    visits.check_exact()
    assert worker.log().count("store_set_aside") == 2


def test_a_store_that_turns_out_to_be_damaged_while_it_is_read_is_restored(
    cluster: Cluster,
) -> None:
    worker = cluster.worker("one").start().wait_ready()
    visits = Visits(cluster)
    visits.send(USERS, 2)
    cluster.wait_applied(60)
    assert worker.stop() == 0
    for store in stores(worker):
        change(max(store.glob("*.sst"), key=lambda one: one.stat().st_size))
    worker.start()
    visits.send(USERS)
    eventually(lambda: worker.log().count("store_set_aside") == 2, 40, what=worker.log)
    worker.wait_ready()
    visits.check_exact()
    assert worker.running
