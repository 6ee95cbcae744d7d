"""Workers that die between the steps of a flush, and local state that is not what it should be."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from processor.state.rocksdb_store import RocksDBStore
from processor.streaming.profile_table import (
    Restored,
    record_prefix,
    restored_record,
    stored_restored,
)
from tests.broker.cluster import Cluster, WorkerProcess
from tests.broker.visits import (
    KEY,
    Visits,
    application,
    expected,
    partition_of,
)

pytestmark = pytest.mark.broker

STEPS = (1, 2, 3, 4)
FATAL = 70
DAY_MS = 86_400_000


# --- killed behind each step ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def crashed(
    bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[int, Visits]]:
    """One application for each step, beside each other.

    The worker of each is killed behind that step of its second flush, started again on the same
    directory, killed behind that step once more, and started on an empty directory.
    """
    with ExitStack() as stack:
        found = {}
        for step in STEPS:
            directory = tmp_path_factory.mktemp(f"step-{step}")
            cluster = stack.enter_context(application(bootstrap_servers, directory))
            found[step] = Visits(cluster)
        for wipe in (False, True):
            for step, visits in found.items():
                visits.cluster.worker("one").start(CRASH_AFTER=f"{step}:3")
            for visits in found.values():
                visits.cluster.worker("one").wait_ready()
            for burst in range(4):
                for visits in found.values():
                    visits.send([f"{wipe}-{burst}-{number}" for number in range(20)], 4)
            for visits in found.values():
                worker = visits.cluster.worker("one")
                feed_until_it_ends(visits, worker)
            for visits in found.values():
                visits.cluster.worker("one").start(wipe=wipe)
            for visits in found.values():
                visits.cluster.worker("one").wait_ready()
            if not wipe:
                for visits in found.values():
                    visits.cluster.wait_applied(60)
                    visits.cluster.worker("one").kill()
        yield found


def feed_until_it_ends(visits: Visits, worker: WorkerProcess) -> None:
    """Give a worker something to flush until it has killed itself."""
    number = 0
    while worker.running:
        number += 1
        visits.send([f"feed-{number}"], 3)
        try:
            worker.wait_ended(0.3)
        except subprocess.TimeoutExpired:
            assert number < 100, worker.log()
    assert worker.wait_ended() == -9, worker.log()


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_killed_behind_a_step_changes_nothing(
    crashed: dict[int, Visits], step: int
) -> None:
    crashed[step].check_exact()


# --- local state, one application in the order of the tests ---------------------------------------


@pytest.fixture(scope="module")
def visits(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visits]:
    with application(bootstrap_servers, tmp_path_factory.mktemp("flush")) as cluster:
        yield Visits(cluster)


def test_readers_see_every_view_that_was_committed_and_never_fewer_than_before(
    visits: Visits,
) -> None:
    worker = visits.cluster.worker("one").start().wait_ready()
    visits.send(["read"], 3)
    visits.check_exact()
    answers: list[tuple[int, int]] = []
    failures: list[str] = []
    done = threading.Event()

    def read() -> None:
        with httpx.Client(base_url=worker.url, timeout=10.0) as client:
            while not done.is_set():
                answer = client.post("/api/v1/profiles", json={"key": KEY, "ids": ["read"]})
                if answer.status_code != 200:
                    failures.append(answer.text)
                    continue
                values = answer.json()["profiles"]["read"]
                answers.append((values["visits_v1:views"], values["visits_v1:recent"]))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(15):
        visits.send(["read"], 100)
    visits.cluster.wait_applied(60)
    done.set()
    reader.join()
    visits.check_exact()
    assert not failures, failures[:3]
    assert answers == sorted(answers)
    assert all(views == recent for views, recent in answers), "one commit shows at once"
    assert len({views for views, _ in answers}) > 3, "read while it moved"


def test_a_data_directory_in_use_is_refused_in_one_line(visits: Visits) -> None:
    worker = visits.cluster.worker("one")
    second = command(visits.cluster, "worker", "--http", "127.0.0.1:0", data_dir=worker.data_dir)
    assert second.returncode == 1
    assert second.stderr.startswith("error: ")
    assert second.stderr.count("\n") == 1, second.stderr
    assert str(worker.data_dir) in second.stderr
    assert "in use by another worker" in second.stderr
    assert "PROCESSOR_DATA_DIR" in second.stderr
    assert worker.ready()


def test_local_state_of_half_the_tombstones_life_is_not_used(visits: Visits) -> None:
    check_that_local_state_is_thrown_away(visits, age_ms=2 * DAY_MS)


def test_local_state_of_another_changelog_is_not_used(visits: Visits) -> None:
    check_that_local_state_is_thrown_away(visits, topic_id="another")


def test_local_state_beyond_the_end_of_the_changelog_is_not_used(visits: Visits) -> None:
    check_that_local_state_is_thrown_away(visits, ahead=1_000_000)


def check_that_local_state_is_thrown_away(
    visits: Visits, *, age_ms: int = 0, topic_id: str = "", ahead: int = 0
) -> None:
    """A profile that only the local state has, under a wrong mark, is gone behind the start."""
    worker = visits.cluster.worker("one")
    assert worker.stop() == 0
    with_mark = visits.cluster.settings.app_id
    partition = partition_of(visits.cluster, "read")
    store = RocksDBStore(worker.data_dir / "profiles" / with_mark / str(partition))
    head = store.get(record_prefix(KEY, "read"))
    mark = stored_restored(store)
    assert mark is not None
    ghost = "ghost"
    while partition_of(visits.cluster, ghost) != partition:
        ghost += "+"
    wrong = Restored(topic_id or mark.topic_id, mark.next_offset + ahead, mark.wall_ms - age_ms)
    store.write([(record_prefix(KEY, ghost), head), restored_record(wrong)])
    store.close()
    worker.start().wait_ready()
    visits.check_exact()
    found = visits.cluster.read_profiles(KEY, [ghost])["profiles"]
    assert found == {ghost: dict.fromkeys(expected(0))}


def test_local_state_that_is_up_to_date_is_used_as_it_is(visits: Visits) -> None:
    worker = visits.cluster.worker("one")
    assert worker.stop() == 0
    worker.start().wait_ready()
    assert worker.metric("processor_restored_records_total") == 0
    visits.check_exact()


@pytest.mark.parametrize("kind", ["CURRENT", "MANIFEST-*", "*.sst"])
def test_a_damaged_database_is_named_with_what_to_do(visits: Visits, kind: str) -> None:
    worker = visits.cluster.worker("one")
    assert worker.stop() == 0
    partition = partition_of(visits.cluster, "read")
    directory = worker.data_dir / "profiles" / visits.cluster.settings.app_id / str(partition)
    damaged = max(directory.glob(kind), key=lambda path: path.stat().st_size)
    data = damaged.read_bytes()
    damaged.write_bytes(b"".join(bytes((one ^ 0x5A,)) for one in data))
    worker.start()
    visits.send([f"damaged-{number}" for number in range(10)] + ["read"], 3)
    assert worker.wait_ended() == FATAL, worker.log()[-2000:]
    last = worker.log().rpartition("worker_stops")[2]
    assert str(directory) in last
    assert "restored from the changelog" in last
    assert "Traceback" not in last
    worker.start(wipe=True).wait_ready()
    visits.check_exact()


def command(
    cluster: Cluster, *arguments: str, data_dir: Path
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "processor.cli.main", *arguments],
        env={**os.environ, **cluster.environment, "PROCESSOR_DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
