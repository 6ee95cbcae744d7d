"""What comes out equals the naive model: attributes and interventions, each once."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker.cluster import Cluster
from tests.broker.runs import DEFINITIONS, by_person, compare, profile_ids, shop
from tests.model.topic_reader import Recorder

pytestmark = [pytest.mark.broker, pytest.mark.timeout(600)]

EVENTS = 100_000
HOURS_MS = 3_600_000


@pytest.fixture
def cluster(bootstrap_servers: str, app_id: str, tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(bootstrap_servers, app_id, tmp_path)
    made.publish(DEFINITIONS.items())
    yield made
    made.close()


def test_two_workers_equal_the_model_with_one_source_partition_per_person(
    cluster: Cluster,
) -> None:
    events = list(shop(EVENTS, seed=1, start_ms=int(time.time() * 1000) - 2 * HOURS_MS))
    workers = [cluster.worker(name).start() for name in ("one", "two")]
    for worker in workers:
        worker.wait_ready()
    assert cluster.produce(by_person(events, 8)) == EVENTS
    cluster.wait_applied()
    shares = [worker.metric("processor_contributions_total") for worker in workers]
    report = compare(cluster, profile_ids(events), None)
    print(f"{report.events} events, {shares} contributions by worker, {report}")
    assert report.difference_count == 0, report.differences
    assert report.duplicates > EVENTS * 0.005
    assert report.interventions > 100
    assert min(shares) > 0.2 * sum(shares)


def test_two_workers_equal_the_model_with_random_source_partitions(cluster: Cluster) -> None:
    events = list(shop(EVENTS, seed=2, start_ms=int(time.time() * 1000) - 2 * HOURS_MS))
    workers = [cluster.worker(name).start() for name in ("one", "two")]
    with Recorder(cluster.bootstrap_servers, cluster.settings.contributions_topic) as recorder:
        for worker in workers:
            worker.wait_ready()
        cluster.produce((event.value, None) for event in events)
        cluster.wait_applied()
        contributions = recorder.finish()
    report = compare(cluster, profile_ids(events), contributions)
    print(report)
    assert report.difference_count == 0, report.differences
    assert report.interventions > 100


def test_a_worker_that_joins_and_one_that_leaves_change_nothing(cluster: Cluster) -> None:
    events = list(shop(EVENTS, seed=3, start_ms=int(time.time() * 1000) - 2 * HOURS_MS))
    parts = [events[start : start + EVENTS // 4] for start in range(0, EVENTS, EVENTS // 4)]
    first, second = cluster.worker("one"), cluster.worker("two")
    first.start().wait_ready()
    with Recorder(cluster.bootstrap_servers, cluster.settings.contributions_topic) as recorder:
        cluster.produce((event.value, None) for event in parts[0])
        second.start()  # joins while the first is at work
        cluster.produce((event.value, None) for event in parts[1])
        second.wait_ready()
        cluster.produce((event.value, None) for event in parts[2])
        assert first.stop() == 0  # leaves while there is work
        cluster.produce((event.value, None) for event in parts[3])
        cluster.wait_applied()
        contributions = recorder.finish()
    report = compare(cluster, profile_ids(events), contributions)
    print(report)
    assert report.difference_count == 0, report.differences
    assert second.metric("processor_contributions_total") > 0
