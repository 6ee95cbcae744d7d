"""Workers that die between the steps of a flush, and local state that is not what it should be."""

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest

from processor.state.rocksdb_store import RocksDBStore
from processor.streaming.profiles.profile_table import record_prefix
from processor.streaming.profiles.restore_mark import Restored, restored_record, stored_restored
from tests.broker.cluster import Cluster, WorkerProcess
from tests.broker.visits import (
    KEY,
    Visits,
    application,
    expected,
    feed_until_it_ends,
    partition_of,
    start_missing,
    worker_command,
)

pytestmark = pytest.mark.broker

STEPS = (1, 2, 3, 4)
PARTITIONS = 4
GHOSTS = [f"ghost-{number}" for number in range(50)]
FATAL = 70
DAY_MS = 86_400_000


# --- killed behind each step ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def crashed(
    bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Visits]]:
    """Two applications beside each other; their workers are killed behind one step after the other.

    The one is always started again on its directory, the other on an empty one.
    """
    with ExitStack() as stack:
        found = {
            name: Visits(
                stack.enter_context(
                    application(bootstrap_servers, tmp_path_factory.mktemp(f"crash-{name}"))
                )
            )
            for name in ("kept", "emptied")
        }
        for step in STEPS:
            for name, visits in found.items():
                visits.cluster.worker("one").start(wipe=name == "emptied", CRASH_AFTER=f"{step}:2")
            for visits in found.values():
                feed_until_it_ends(visits.send, visits.cluster.worker("one"), step, 3)
        for name, visits in found.items():
            visits.cluster.worker("one").start(wipe=name == "emptied")
        for visits in found.values():
            visits.cluster.worker("one").wait_ready()
        yield found


@pytest.mark.parametrize("directory", ["kept", "emptied"])
def test_a_worker_killed_behind_any_step_changes_nothing(
    crashed: dict[str, Visits], directory: str
) -> None:
    crashed[directory].check_exact()


# --- local state ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def started(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visits]:
    with application(
        bootstrap_servers, tmp_path_factory.mktemp("flush"), partitions=PARTITIONS
    ) as cluster:
        yield Visits(cluster)


@pytest.fixture
def visits(started: Visits) -> Visits:
    """The worker runs."""
    start_missing([started.cluster.worker("one")])
    return started


def test_readers_see_every_view_that_was_committed_and_never_fewer_than_before(
    visits: Visits,
) -> None:
    worker = visits.cluster.worker("one")
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
    for _ in range(8):
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
    second = worker_command(
        "--http", "127.0.0.1:0", "--data-dir", str(worker.data_dir),
        environment=visits.cluster.environment,
    )  # fmt: skip
    assert second.returncode == 1
    assert second.stderr.startswith("error: ")
    assert second.stderr.count("\n") == 1, second.stderr
    assert str(worker.data_dir) in second.stderr
    assert "in use by another worker" in second.stderr
    assert "PROCESSOR_DATA_DIR" in second.stderr
    worker.wait_ready()


def test_local_state_that_cannot_be_trusted_is_read_anew_from_the_changelog(
    visits: Visits,
) -> None:
    """Each store has a profile that the changelog does not have, and a mark that is wrong."""
    cluster, worker = visits.cluster, visits.cluster.worker("one")
    visits.send([f"state-{number}" for number in range(40)], 3)
    visits.check_exact()
    assert worker.stop() == 0
    wrong: list[Callable[[Restored], Restored]] = [
        lambda mark: Restored(mark.topic_id, mark.next_offset, mark.wall_ms - 2 * DAY_MS),
        lambda mark: Restored("another topic", mark.next_offset, mark.wall_ms),
        lambda mark: Restored(mark.topic_id, mark.next_offset + 1_000_000, mark.wall_ms),
    ]
    for partition, spoil in enumerate(wrong):
        with closing(RocksDBStore(directory_of(worker, partition))) as store:
            mark = stored_restored(store)
            assert mark is not None
            ghost = store.get(record_prefix(KEY, user_in(cluster, partition, visits.views)))
            extra = (record_prefix(KEY, user_in(cluster, partition, GHOSTS)), ghost)
            store.write([extra, restored_record(spoil(mark))])
    worker.start().wait_ready()
    ghosts = [user_in(cluster, partition, GHOSTS) for partition in range(len(wrong))]
    found = cluster.read_profiles(KEY, ghosts)["profiles"]
    assert found == dict.fromkeys(ghosts, dict.fromkeys(expected(0)))
    restored = re.findall(r"partition=(\d) restored=(\d+)", worker.log())[-PARTITIONS:]
    assert {int(number): count != "0" for number, count in restored} == {
        0: True, 1: True, 2: True, 3: False,
    }, "the last one is used as it is"  # fmt: skip
    visits.check_exact()


def directory_of(worker: WorkerProcess, partition: int) -> Path:
    return worker.data_dir / "profiles" / worker.cluster.settings.app_id / str(partition)


def user_in(cluster: Cluster, partition: int, users: Iterable[str]) -> str:
    return next(user for user in users if partition_of(cluster, user) == partition)
