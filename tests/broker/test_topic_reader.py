"""The verifier's readers get whole topics from a real broker."""

import pytest
from confluent_kafka import Producer, TopicPartition

from tests.conftest import TopicMaker
from tests.model.topic_reader import Recorder, read_topic, topic_id

pytestmark = pytest.mark.broker

TIMEOUT_S = 30


def send(producer: Producer, topic: str, partition: int, *values: bytes) -> None:
    for value in values:
        producer.produce(topic, value, key=b"k", partition=partition)
    assert producer.flush(TIMEOUT_S) == 0


def values_of(records: dict[int, list]) -> dict[int, list[bytes]]:
    return {partition: [one.value for one in found] for partition, found in records.items()}


def test_all_partitions_are_read_to_their_end(topics: TopicMaker, bootstrap_servers: str) -> None:
    topic = topics.create("source", partitions=3)
    producer = Producer({"bootstrap.servers": bootstrap_servers})
    send(producer, topic, 0, b"a", b"b")
    send(producer, topic, 2, b"c")
    found = read_topic(bootstrap_servers, topic)
    assert values_of(found) == {0: [b"a", b"b"], 1: [], 2: [b"c"]}
    assert [one.offset for one in found[0]] == [0, 1]
    assert len(topic_id(bootstrap_servers, topic)) == 22


def test_aborted_records_are_read_only_uncommitted(
    topics: TopicMaker, bootstrap_servers: str, app_id: str
) -> None:
    topic = topics.create("interventions")
    producer = Producer({"bootstrap.servers": bootstrap_servers, "transactional.id": app_id})
    producer.init_transactions(TIMEOUT_S)
    producer.begin_transaction()
    send(producer, topic, 0, b"aborted")
    producer.abort_transaction(TIMEOUT_S)
    producer.begin_transaction()
    send(producer, topic, 0, b"committed")
    producer.commit_transaction(TIMEOUT_S)
    committed = read_topic(bootstrap_servers, topic)
    everything = read_topic(bootstrap_servers, topic, isolation="read_uncommitted")
    assert values_of(committed) == {0: [b"committed"]}
    assert values_of(everything) == {0: [b"aborted", b"committed"]}


def test_a_recorder_keeps_what_is_deleted_after_it_was_seen(
    topics: TopicMaker, bootstrap_servers: str
) -> None:
    topic = topics.create("contributions", partitions=2)
    producer = Producer({"bootstrap.servers": bootstrap_servers})
    with Recorder(bootstrap_servers, topic) as recorder:
        send(producer, topic, 0, b"a", b"b")
        recorder.wait_for(2)
        topics.admin.delete_records([TopicPartition(topic, 0, 2)])
        send(producer, topic, 0, b"c")
        send(producer, topic, 1, b"d")
        found = recorder.finish()
    assert values_of(found) == {0: [b"a", b"b", b"c"], 1: [b"d"]}
    assert [one.offset for one in found[0]] == [0, 1, 2]
