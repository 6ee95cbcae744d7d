"""Epochs of source partitions: none regresses, and a gap that a later one covers stops nobody."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition

from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.streaming.messages.frames import Section
from processor.streaming.profiles import epochs
from processor.streaming.profiles.epochs import last_positions, newer_epoch, newest_epochs
from processor.streaming.profiles.positions import Positions
from tests.broker.cluster import Cluster
from tests.broker.frames_by_hand import contribution, frame, section, write_frames
from tests.broker.visits import (
    Visits,
    application,
    commit_metadata,
    eventually,
    group_offsets,
    partition_of,
    records,
)
from tests.model.topic_reader import topic_id

pytestmark = pytest.mark.broker

# Of a worker whose clock was far ahead.
AHEAD = 9_999_999_999_999


@pytest.fixture
def cluster(bootstrap_servers: str, tmp_path: Path) -> Iterator[Cluster]:
    with application(bootstrap_servers, tmp_path) as made:
        yield made


def reset_metadata(cluster: Cluster) -> None:
    """Commit the source's offsets as Kafka's own tools do: without what stood beside them."""
    source, group = cluster.settings.enriched_topic, cluster.settings.app_id
    wanted = [
        TopicPartition(source, one.partition, one.offset, "")
        for one in group_offsets(cluster, source).values()
        if one.offset >= 0
    ]

    def done() -> bool:
        asked = ConsumerGroupTopicPartitions(group, wanted)
        try:
            cluster.admin.alter_consumer_group_offsets([asked])[group].result(30)
        except KafkaException:
            return False  # the group still has a member, for a session
        return not any("epoch" in text for text in commit_metadata(cluster).values())

    eventually(done, 60)


def test_an_epoch_never_regresses_although_no_commit_tells_the_last_one(cluster: Cluster) -> None:
    """Once it waits in the contributions topic, once it is applied there."""
    for partition in range(cluster.settings.partitions):
        ahead = section(cluster, [contribution(-1, "x")], epoch=AHEAD)
        write_frames(cluster, partition, frame(ahead))
    visits = Visits(cluster)
    users = [f"u{number}" for number in range(20)]
    visits.send(users, 2)
    worker = cluster.worker("one").start().wait_ready()
    visits.check_exact()
    worker.stop()
    reset_metadata(cluster)
    visits.send(users, 3)
    worker.start().wait_ready()
    visits.check_exact()
    epochs_told = [one.partition("epoch=")[2] for one in commit_metadata(cluster).values()]
    assert any(int(one.split(" ")[0]) > AHEAD for one in epochs_told)


def test_a_gap_that_a_later_epoch_covers_stops_nobody(cluster: Cluster) -> None:
    topic = cluster.settings.contributions_topic
    user = next(name for name in map(str, range(99)) if partition_of(cluster, name) == 0)

    def made(epoch: int, sequence: int, *offsets: int) -> bytes:
        some = [contribution(offset, user) for offset in offsets]
        return frame(section(cluster, some, epoch=epoch, sequence=sequence))

    write_frames(
        cluster, 0,
        made(5, 0, 10), made(5, 2, 12), made(5, 3, 13),
        made(6, 0, 11, 12), made(6, 1, 13), made(6, 2, 14),
    )  # fmt: skip
    worker = cluster.worker("one").start().wait_ready()
    eventually(lambda: cluster.lag(topic) == 0, what=worker.log)
    assert worker.degraded() == {}
    assert worker.log().count("gap_passed_over") == 1
    assert worker.metric("processor_contributions_outdated_total") == 2
    assert worker.metric("processor_contributions_total") == 5
    write_frames(cluster, 0, made(6, 4, 16))
    fault = worker.wait_degraded(f"{topic}-0")
    assert "section 4 of epoch 6 arrived, expected 3" in fault["reason"]


def test_the_last_positions_are_found_without_reading_the_changelog(cluster: Cluster) -> None:
    settings = cluster.settings
    assert newest_epochs(settings) == {}
    assert last_positions(settings, 0) is None
    visits = Visits(cluster)
    worker = cluster.worker("one").start().wait_ready()
    for _ in range(3):
        visits.send([f"u{number}" for number in range(200)])
        cluster.wait_applied(60)
    worker.stop()
    assert len(records(cluster, settings.changelog_topic)) > 3 * 64
    told = {
        partition: int(text.partition("epoch=")[2].split(" ")[0])
        for partition, text in commit_metadata(cluster).items()
    }
    source = topic_id(cluster.bootstrap_servers, settings.enriched_topic)
    assert newest_epochs(settings) == {(source, number): told[number] for number in told}
    record = last_positions(settings, 1)
    assert record is not None
    end = group_offsets(cluster, settings.contributions_topic)[1].offset
    assert Positions.decode(record).next_offsets[ProfileInput.CONTRIBUTIONS] == end


def test_older_epochs_that_keep_arriving_raise_an_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, Any]] = []
    now = [1_000.0]
    monkeypatch.setattr(epochs, "monotonic_s", lambda: now[0])
    monkeypatch.setattr(epochs.log, "error", lambda _event, **values: told.append(values))
    seen = epochs.OlderEpochs()
    older = Section("t", 3, 0, 5, 0, [])
    for seconds in range(0, 200, 10):
        now[0] = 1_000.0 + seconds
        seen.note(older, 7)
        if seconds < 60:
            assert told == [], "for a moment after a takeover that is as it must be"
    assert len(told) == 3
    assert (told[0]["source_partition"], told[0]["epoch"], told[0]["newest"]) == (3, 5, 7)


def test_a_later_epoch_is_looked_for_behind_the_gap_alone(cluster: Cluster) -> None:
    settings: Settings = cluster.settings
    write_frames(
        cluster, 1,
        frame(section(cluster, [], epoch=6)),
        frame(section(cluster, [], epoch=5)),
        frame(section(cluster, [], epoch=4)),
    )  # fmt: skip
    source = topic_id(cluster.bootstrap_servers, settings.enriched_topic)
    assert newer_epoch(settings, 1, Section(source, 0, -1, 5, 1, []), 0) == 6
    assert newer_epoch(settings, 1, Section(source, 0, -1, 5, 1, []), 1) is None
    assert newer_epoch(settings, 1, Section("another", 0, -1, 5, 1, []), 0) is None
    assert newer_epoch(settings, 1, Section(source, 1, -1, 5, 1, []), 0) is None
