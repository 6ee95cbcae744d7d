"""Topics that change while workers run: partitions that are added, topics that are made anew."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import NewPartitions, NewTopic

from tests.broker.cluster import Cluster
from tests.broker.visits import Visits, application, eventually, visit
from tests.model.topic_reader import patiently

pytestmark = pytest.mark.broker

# What users wait for at most: a minute for partitions, half of one for topics.
MORE_S, ANEW_S = 60, 30


@pytest.fixture
def cluster(bootstrap_servers: str, tmp_path: Path) -> Iterator[Cluster]:
    with application(bootstrap_servers, tmp_path, session_timeout_ms=10_000) as made:
        yield made


def grow(cluster: Cluster, count: int) -> None:
    """Let the source have so many partitions, and write to the last one."""
    topic = cluster.settings.enriched_topic
    cluster.admin.create_partitions([NewPartitions(topic, count)])[topic].result(30)
    eventually(lambda: len(cluster.admin.list_topics(topic, 5).topics[topic].partitions) == count)
    cluster.produce([(visit(f"new-{count}-{number}"), count - 1) for number in range(10)])


def make_anew(cluster: Cluster, topic: str, partitions: int) -> None:
    cluster.admin.delete_topics([topic])[topic].result(30)

    def made() -> bool:
        cluster.admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(30)
        return True

    patiently(made)


def test_partitions_that_are_added_to_the_source_are_read_within_a_minute(
    cluster: Cluster,
) -> None:
    workers = [cluster.worker(name).start().wait_ready() for name in ("one", "two")]

    def read() -> int:
        return sum(int(one.metric("processor_contributions_total")) for one in workers)

    grow(cluster, 3)
    eventually(lambda: read() == 10, MORE_S, what=lambda: workers[0].log())
    for worker in workers:  # none leads then: each gets its place back
        assert worker.stop() == 0
        worker.start().wait_ready()
    grow(cluster, 4)
    eventually(lambda: read() == 10, MORE_S, what=lambda: workers[0].log())


def test_a_source_that_is_made_anew_is_read_from_its_beginning(cluster: Cluster) -> None:
    worker = cluster.worker("one").start().wait_ready()
    visits = Visits(cluster)
    visits.send([f"user-{number}" for number in range(50)], 2)
    cluster.wait_applied(60)
    make_anew(cluster, cluster.settings.enriched_topic, 2)
    visits.send([f"user-{number}" for number in range(50)])
    eventually(lambda: "topic_made_anew" in worker.log(), ANEW_S, what=worker.log)
    eventually(lambda: worker.metric("processor_contributions_total") == 150, 40, what=worker.log)
    worker.wait_ready()
    visits.check_exact()


@pytest.mark.parametrize("name", ["contributions_topic", "changelog_topic", "definitions_topic"])
def test_a_topic_that_is_made_anew_is_told_within_half_a_minute(
    cluster: Cluster, name: str
) -> None:
    topic = getattr(cluster.settings, name)
    worker = cluster.worker("one").start().wait_ready()
    make_anew(cluster, topic, 1 if name == "definitions_topic" else 2)

    def told() -> bool:
        answer = worker.get("/health/ready")
        return answer.status_code == 503 and "created again" in answer.json().get("reason", "")

    eventually(told, ANEW_S + 5, what=worker.log)
    assert topic in worker.get("/health/ready").json()["reason"]
    assert worker.running
