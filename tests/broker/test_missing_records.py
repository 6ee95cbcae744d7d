"""PROCESSOR_ON_MISSING_RECORDS: where a source partition goes on whose next records are gone."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition

from tests.broker.cluster import Cluster, WorkerProcess
from tests.broker.visits import (
    KEY,
    application,
    delete_before,
    eventually,
    expected,
    group_offsets,
    visit,
)

pytestmark = pytest.mark.broker


@pytest.fixture
def cluster(bootstrap_servers: str, tmp_path: Path) -> Iterator[Cluster]:
    with application(bootstrap_servers, tmp_path) as made:
        yield made


def worker_on(cluster: Cluster, setting: str) -> WorkerProcess:
    worker = cluster.worker("one")
    return worker.start(PROCESSOR_ON_MISSING_RECORDS=setting)


def views(cluster: Cluster, first: int, end: int) -> None:
    """Write views number [first, end) of one user into each partition of the source."""
    for partition in (0, 1):
        cluster.produce([(visit(f"p{partition}", n), partition) for n in range(first, end)])


def counted(cluster: Cluster) -> tuple[int, int]:
    cluster.wait_applied(60)
    found = cluster.read_profiles(KEY, ["p0", "p1"])["profiles"]
    assert found == {user: expected(one["visits_v1:views"]) for user, one in found.items()}
    return found["p0"]["visits_v1:views"], found["p1"]["visits_v1:views"]


@pytest.mark.parametrize(("setting", "kept", "missed"), [("earliest", 3, 14), ("latest", 0, 20)])
def test_a_source_is_read_on_behind_what_retention_removed(
    cluster: Cluster, setting: str, kept: int, missed: int
) -> None:
    views(cluster, 0, 10)
    worker = worker_on(cluster, setting).wait_ready()
    assert counted(cluster) == (10, 10)
    assert worker.stop() == 0
    views(cluster, 10, 20)
    delete_before(cluster, cluster.settings.enriched_topic, {0: 17, 1: 17})
    worker_on(cluster, setting).wait_ready()
    eventually(lambda: worker.log().count("source_records_missed") == 2)
    assert worker.metric("processor_source_records_missed_total") == missed
    assert counted(cluster) == (10 + kept, 10 + kept)
    views(cluster, 20, 25)
    assert counted(cluster) == (15 + kept, 15 + kept)
    assert worker.degraded() == {}


def test_an_offset_behind_the_end_closes_that_partition_or_is_read_on(cluster: Cluster) -> None:
    source, group = cluster.settings.enriched_topic, cluster.settings.app_id
    views(cluster, 0, 10)
    worker = worker_on(cluster, "stop").wait_ready()
    assert counted(cluster) == (10, 10)
    assert worker.stop() == 0
    beyond = ConsumerGroupTopicPartitions(group, [TopicPartition(source, 0, 1_000)])

    def set_offset() -> bool:
        """Commit for the group, which may still have a member, for a session."""
        with suppress(KafkaException):
            cluster.admin.alter_consumer_group_offsets([beyond])[group].result(30)
        return group_offsets(cluster, source)[0].offset == 1_000

    eventually(set_offset, 60)
    views(cluster, 10, 15)
    worker_on(cluster, "stop")
    fault = worker.wait_degraded(f"{source}-0")
    assert f"offset 1000 of {source}-0" in fault["reason"]
    assert "it holds 0 to 15" in fault["reason"]
    assert worker.stop() == 0
    worker_on(cluster, "earliest").wait_ready()
    assert counted(cluster) == (15, 15), "what was applied is not applied again"
