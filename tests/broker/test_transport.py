"""The transport on a real Kafka: where a worker reads, what it commits, and what makes it stop."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import NewPartitions

from tests.broker.cluster import Cluster, WorkerProcess
from tests.broker.frames_by_hand import contribution, frame, section, write_frames
from tests.broker.visits import (
    KEY,
    Visits,
    application,
    delete_before,
    eventually,
    expected,
    group_offsets,
    only_these,
    records,
    start_all,
    visit,
)

pytestmark = pytest.mark.broker

SOURCE_PARTITIONS = 3
# No restart takes that long, not on a machine that is busy with other things.
SESSION_MS = 60_000


@pytest.fixture(scope="module")
def visits(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visits]:
    """Two workers whose source has more partitions than the profiles.

    When they started, its first records were removed already, and others waited.
    """
    with application(
        bootstrap_servers, tmp_path_factory.mktemp("transport"), session_timeout_ms=SESSION_MS
    ) as cluster:
        source = cluster.settings.enriched_topic
        grown = cluster.admin.create_partitions([NewPartitions(source, SOURCE_PARTITIONS)])
        grown[source].result(30)
        eventually(
            lambda: (
                len(cluster.admin.list_topics(source).topics[source].partitions)
                == SOURCE_PARTITIONS
            )
        )
        cluster.produce([(visit("removed", number), number % 2) for number in range(10)])
        delete_before(cluster, source, {0: 5, 1: 5})
        found = Visits(cluster)
        found.send([f"before-{number}" for number in range(20)], 3)
        start_all(cluster.worker(name) for name in ("one", "two"))
        yield found


# --- one application of two workers ---------------------------------------------------------------


def test_a_first_start_reads_every_partition_from_its_first_offset(visits: Visits) -> None:
    cluster, source = visits.cluster, visits.cluster.settings.enriched_topic
    visits.check_exact()
    assert all(one.offset >= 0 for one in group_offsets(cluster, source).values())


def test_kafka_sees_no_lag_of_source_and_contributions(visits: Visits) -> None:
    cluster = visits.cluster
    visits.send(["lag"], 5)
    eventually(lambda: cluster.lag(cluster.settings.enriched_topic) == 0, 10)
    eventually(lambda: cluster.lag(cluster.settings.contributions_topic) == 0, 10)


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_a_restart_within_the_session_moves_no_partition_of_the_other_worker(
    visits: Visits, how: str
) -> None:
    stays, restarts = only_these(visits.cluster, "one", "two")
    before = openings(stays)
    assert before
    if how == "killed":
        restarts.kill()
    else:
        assert restarts.stop() == 0
    visits.send([f"{how}-{number}" for number in range(10)], 3)
    restarts.start().wait_ready()
    visits.check_exact()
    assert openings(stays) == before


def openings(worker: WorkerProcess) -> list[str]:
    """The log lines that say which partitions a worker opened."""
    return re.findall(r"(?:source_started|partition_taken_over).*", worker.log())


# --- a source that is written in transactions -----------------------------------------------------


@pytest.fixture(scope="module")
def transactional(
    bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """The source holds committed, aborted and again committed events, and ends in a marker."""
    with application(bootstrap_servers, tmp_path_factory.mktemp("transactions")) as cluster:
        producer = Producer(
            {
                "bootstrap.servers": cluster.bootstrap_servers,
                "transactional.id": f"{cluster.settings.app_id}-source",
            }
        )
        producer.init_transactions()
        worker = cluster.worker("one")
        for number, (user, commit) in enumerate(
            [("kept", True), ("aborted", False), ("kept", True), ("aborted", False)]
        ):
            producer.begin_transaction()
            for event in range(5):
                producer.produce(
                    cluster.settings.enriched_topic,
                    visit(user, number * 10 + event),
                    partition=event % 2,
                )
            producer.flush(30)
            if commit:
                producer.commit_transaction()
            else:
                producer.abort_transaction()
            if number == 1:
                worker.start().wait_ready()
        yield cluster


def test_a_source_written_in_transactions_is_read_to_its_end(transactional: Cluster) -> None:
    worker = transactional.worker("one")
    eventually(lambda: transactional.lag(transactional.settings.enriched_topic) == 0, 10)
    assert worker.running, worker.log()[-1000:]


def test_events_of_aborted_transactions_count_nowhere(transactional: Cluster) -> None:
    worker = transactional.worker("one")
    if not worker.running:
        worker.start().wait_ready()
    transactional.wait_applied(10)
    found = transactional.read_profiles(KEY, ["kept", "aborted"])["profiles"]
    assert found == {"kept": expected(10), "aborted": dict.fromkeys(expected(0))}


# --- frames that cannot be applied ----------------------------------------------------------------

BROKEN = {
    "damaged": (lambda good: frame(good, damage=1), "checksum"),
    "of-a-newer-format": (lambda good: frame(good, number=9), "0xf7/9"),
    "without-a-value": (lambda good: None, "frame"),
}


@pytest.fixture(scope="module")
def stopped(
    bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, WorkerProcess]]:
    """Workers that met a good frame, one that cannot be applied, and another good one."""
    found = {}
    with ExitStack() as stack:
        for name, (broken, _) in BROKEN.items():
            cluster = stack.enter_context(
                application(bootstrap_servers, tmp_path_factory.mktemp(name), {})
            )
            good = section(cluster, [contribution(0, "first")])
            last = section(cluster, [contribution(2, "last")], sequence=1)
            write_frames(cluster, 1, frame(good), broken(good), frame(last))
            found[name] = cluster.worker("one").start()
        yield found


@pytest.mark.parametrize("kind", BROKEN)
def test_a_frame_that_cannot_be_read_closes_its_partition_and_nothing_behind_it_is_applied(
    stopped: dict[str, WorkerProcess], kind: str
) -> None:
    worker = stopped[kind]
    settings = worker.cluster.settings
    reason = worker.wait_degraded(f"{settings.contributions_topic}-1")["reason"]
    assert BROKEN[kind][1] in reason
    assert f"{settings.contributions_topic}-1" in reason, "the partition is named"
    assert "offset 1" in reason, "the record is named"
    applied = [one.key or b"" for one in records(worker.cluster, settings.changelog_topic)]
    assert not any(b"last" in key for key in applied)
    assert group_offsets(worker.cluster, settings.contributions_topic)[1].offset <= 1


# --- frames out of order --------------------------------------------------------------------------


@pytest.fixture
def written(bootstrap_servers: str, tmp_path: Path) -> Iterator[Cluster]:
    """An application whose only frames are made by hand."""
    with application(bootstrap_servers, tmp_path, {}) as cluster:
        yield cluster


def test_frames_of_an_older_epoch_are_dropped_and_a_gap_in_a_sequence_closes_the_partition(
    written: Cluster,
) -> None:
    worker = written.worker("one").start()
    write_frames(
        written,
        0,
        frame(section(written, [contribution(10, "a")], epoch=5)),
        frame(section(written, [contribution(11, "b"), contribution(12, "c")], epoch=4)),
        frame(section(written, [contribution(10, "a")], epoch=5)),
        frame(section(written, [contribution(9, "d"), contribution(10, "a")], epoch=6)),
    )
    worker.wait_ready()
    written.wait_applied(30)
    assert worker.metric("processor_contributions_replayed_total") == 5
    write_frames(written, 0, frame(section(written, [contribution(20, "e")], epoch=6, sequence=2)))
    name = f"{written.settings.contributions_topic}-0"
    reason = worker.wait_degraded(name)["reason"]
    assert "section 2 of epoch 6 arrived, expected 1" in reason
    assert name in reason, "the partition is named"
    assert group_offsets(written, written.settings.contributions_topic)[0].offset == 4
    changelog = records(written, written.settings.changelog_topic)
    assert not any((one.key or b"").endswith((b"b", b"c", b"d", b"e")) for one in changelog)
