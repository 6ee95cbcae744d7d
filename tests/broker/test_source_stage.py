"""The source stage on a real Kafka: its offset moves behind what is acknowledged, only there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import NewTopic

from tests.broker.cluster import WorkerProcess
from tests.broker.visits import (
    Visits,
    application,
    dead_letters,
    delete_before,
    eventually,
    group_offsets,
    records,
    set_topic,
    start_missing,
    visit,
)

pytestmark = pytest.mark.broker

FATAL = 70
TOO_SMALL, LARGE_ENOUGH = {"max_message_bytes": "100"}, {"max_message_bytes": str(8 * 1024 * 1024)}


@pytest.fixture(scope="module")
def started(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visits]:
    with application(bootstrap_servers, tmp_path_factory.mktemp("source")) as cluster:
        found = Visits(cluster)
        cluster.produce([(visit("first", number), number) for number in range(2)])
        found.views["first"] = 2
        yield found


@pytest.fixture
def visits(started: Visits) -> Visits:
    """The worker runs, and has committed an offset of each partition of the source."""
    cluster = started.cluster
    start_missing([cluster.worker("one")])
    topic = cluster.settings.enriched_topic
    eventually(lambda: all(one.offset >= 0 for one in group_offsets(cluster, topic).values()))
    return started


# --- one application ------------------------------------------------------------------------------


def test_a_worker_killed_while_it_reads_loses_nothing_and_its_successor_has_a_greater_epoch(
    visits: Visits,
) -> None:
    cluster, topic = visits.cluster, visits.cluster.settings.enriched_topic
    worker = cluster.worker("one")
    seen = worker.metric("processor_events_total")
    visits.send([f"killed-{number}" for number in range(200)], 30)
    eventually(lambda: worker.metric("processor_events_total") > seen)
    worker.kill()
    assert cluster.lag(topic) > 0
    before = epochs_of(worker)
    worker.start().wait_ready()
    visits.check_exact()
    after = epochs_of(worker)
    assert all(earlier < later for earlier, later in zip(before, after, strict=True))


def test_a_dead_letter_that_kafka_refuses_ends_the_worker_and_commits_nothing(
    visits: Visits,
) -> None:
    cluster, settings = visits.cluster, visits.cluster.settings
    worker = cluster.worker("one")
    before = group_offsets(cluster, settings.enriched_topic)
    set_topic(cluster, settings.dead_letter_topic, **TOO_SMALL)
    cluster.produce([(b"no event", 0)])
    visits.send(["beside"], 3)
    assert worker.wait_ended() == FATAL
    assert f"a message to {settings.dead_letter_topic} failed" in worker.log()
    after = group_offsets(cluster, settings.enriched_topic)
    assert after[0].offset == before[0].offset
    set_topic(cluster, settings.dead_letter_topic, **LARGE_ENOUGH)
    worker.start().wait_ready()
    visits.check_exact()
    assert [one["reason"] for one in dead_letters(cluster)] == ["column_count"]


def test_a_frame_that_kafka_refuses_ends_the_worker_and_commits_nothing(visits: Visits) -> None:
    cluster, settings = visits.cluster, visits.cluster.settings
    before = group_offsets(cluster, settings.enriched_topic)
    set_topic(cluster, settings.contributions_topic, **TOO_SMALL)
    visits.send([f"refused-{number}" for number in range(10)], 3)
    worker = cluster.worker("one")
    assert worker.wait_ended() == FATAL
    assert f"a message to {settings.contributions_topic} failed" in worker.log()
    assert offsets(before) == offsets(group_offsets(cluster, settings.enriched_topic))
    worker.start()
    assert worker.wait_ended() == 1, "the topic's setting is checked at the start"
    assert "max.message.bytes" in worker.log().splitlines()[-1]
    set_topic(cluster, settings.contributions_topic, **LARGE_ENOUGH)
    worker.start().wait_ready()
    visits.check_exact()


def test_a_source_topic_made_anew_is_not_taken_for_the_old_one(visits: Visits) -> None:
    cluster, topic = visits.cluster, visits.cluster.settings.enriched_topic
    visits.check_exact()
    worker = cluster.worker("one")
    assert worker.stop() == 0
    cluster.admin.delete_topics([topic])[topic].result(30)
    eventually(lambda: topic not in cluster.admin.list_topics(timeout=10).topics)
    cluster.admin.create_topics([NewTopic(topic, 2, 1)])[topic].result(30)
    visits.send([f"anew-{number}" for number in range(10)], 3)
    worker.start().wait_ready()
    visits.check_exact()


# --- an application that is left behind with closed partitions ------------------------------------


def test_frames_removed_before_they_were_applied_close_their_partitions(
    bootstrap_servers: str, tmp_path: Path
) -> None:
    with application(bootstrap_servers, tmp_path) as cluster:
        visits = Visits(cluster)
        cluster.worker("one").start().wait_ready()
        visits.send([f"applied-{number}" for number in range(10)], 3)
        visits.check_exact()
        check_removed_frames(visits)


def check_removed_frames(visits: Visits) -> None:
    cluster, settings = visits.cluster, visits.cluster.settings
    worker = cluster.worker("one")
    worker.kill()
    visits.send(["removed"], 3)
    worker.start(CRASH_AFTER="1:1")
    assert worker.wait_ended() == -9
    ends = group_offsets(cluster, settings.contributions_topic)
    delete_before(cluster, settings.contributions_topic, dict.fromkeys(ends, -1))
    worker.start()
    told = eventually(worker.degraded, 60, what=worker.log)
    for name, fault in told.items():
        assert name.startswith(settings.contributions_topic)
        partition, first = name.rpartition("-")[2], ends[int(name.rpartition("-")[2])].offset
        assert str(first) in fault["reason"]
        command = f"processor partitions move {settings.contributions_topic} {partition} --to "
        assert command in fault["remedy"]
    assert not any(
        b"removed" in (one.key or b"") for one in records(cluster, settings.changelog_topic)
    )


def offsets(found) -> dict[int, int]:
    return {number: one.offset for number, one in found.items()}


def epochs_of(worker: WorkerProcess) -> list[int]:
    """The epoch of each source partition at the worker's last start."""
    found = re.findall(r"source_started .*epoch=(\d+).*partition=(\d+)", worker.log())
    return [int(epoch) for _, epoch in sorted({part: epoch for epoch, part in found}.items())]
