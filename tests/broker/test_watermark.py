"""How far arrivals have come, as a running worker commits it beside its offsets."""

import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from processor.streaming.messages.commit_metadata import CommitMetadata, decode_commit_metadata
from tests.broker.cluster import Cluster
from tests.broker.visits import application, commit_metadata, eventually, stays, visit

pytestmark = pytest.mark.broker

AGE = "processor_watermark_age_seconds"
# A watermark is a minute less than it could be.
MARGIN_S = 60


@pytest.fixture(scope="module")
def cluster(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("watermark")
    with application(bootstrap_servers, directory, sweep_interval_s=0.3) as made:
        made.worker("one").start().wait_ready()
        yield made


def now_ms() -> int:
    return int(time.time() * 1000)


def committed(cluster: Cluster, partition: int = 0) -> CommitMetadata:
    return decode_commit_metadata(commit_metadata(cluster).get(partition, ""))


def watermark_ms(cluster: Cluster, partition: int = 0) -> int:
    return committed(cluster, partition).watermark_ms or 0


def transaction(cluster: Cluster) -> Producer:
    """A producer of the source with one record in an open transaction, in partition 0."""
    producer = Producer(
        {
            "bootstrap.servers": cluster.bootstrap_servers,
            "transactional.id": f"{cluster.settings.app_id}-test",
        }
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(cluster.settings.enriched_topic, visit("in-transaction"), partition=0)
    producer.flush(30)
    return producer


def test_at_its_end_an_idle_partition_follows_the_clock(cluster: Cluster) -> None:
    begun_ms = now_ms()
    for partition in (0, 1):
        eventually(lambda one=partition: watermark_ms(cluster, one) > begun_ms, 20)
        assert watermark_ms(cluster, partition) <= now_ms()
    worker = cluster.worker("one")
    eventually(lambda: MARGIN_S <= worker.metric(AGE, of="events") < MARGIN_S + 10, 20)
    eventually(lambda: MARGIN_S <= worker.metric(AGE, of="rules") < MARGIN_S + 10, 20)


def test_what_an_open_transaction_holds_back_has_not_arrived_yet(cluster: Cluster) -> None:
    producer = transaction(cluster)
    sent_ms = now_ms()
    time.sleep(1.5)  # what was asked for before it is committed by then
    stays(lambda: watermark_ms(cluster) < sent_ms + 1_000, 2)
    eventually(lambda: watermark_ms(cluster, 1) > sent_ms + 2_000, 10)
    worker = cluster.worker("one")
    held = f"{cluster.settings.enriched_topic}-0"
    eventually(lambda: worker.metric(AGE, of="events", holder=held) > MARGIN_S, 10)
    producer.commit_transaction(30)
    committed_ms = now_ms()
    eventually(lambda: watermark_ms(cluster) > committed_ms, 20)


def test_a_worker_that_starts_again_goes_on_from_what_is_committed(cluster: Cluster) -> None:
    worker = cluster.worker("one")
    assert worker.stop() == 0
    before = committed(cluster)
    worker.start()
    eventually(lambda: (committed(cluster).epoch or 0) > (before.epoch or 0), 60)
    assert watermark_ms(cluster) >= (before.watermark_ms or 0) > 0
    assert committed(cluster).topic_id == before.topic_id
    worker.wait_ready()
