"""What a real cluster says of its topics, ends and groups."""

from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from processor.errors import BrokerError
from processor.kafka.cluster import Cluster
from tests.broker.visits import eventually

pytestmark = pytest.mark.broker


@pytest.fixture
def cluster(bootstrap_servers: str) -> Cluster:
    return Cluster({"bootstrap.servers": bootstrap_servers}, "asks")


def test_topics_are_known_with_their_partitions(cluster: Cluster, topics: Any) -> None:
    name = topics.create("known", 3)
    found = cluster.topics(30)
    assert found[name] == 3
    assert topics.name("unknown") not in found
    assert cluster.serves(30)


def test_an_open_transaction_is_behind_the_committed_end(
    cluster: Cluster, topics: Any, bootstrap_servers: str
) -> None:
    name = topics.create("ends", 2)
    producer = Producer({"bootstrap.servers": bootstrap_servers, "transactional.id": name})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(name, b"one", partition=0)
    producer.flush(30)
    partitions = [(name, 0), (name, 1)]
    assert cluster.ends(partitions) == {(name, 0): 1, (name, 1): 0}
    assert cluster.ends(partitions, committed=True) == {(name, 0): 0, (name, 1): 0}
    producer.commit_transaction(30)
    eventually(lambda: cluster.ends(partitions, committed=True) == {(name, 0): 2, (name, 1): 0})
    assert cluster.ends([]) == {}
    producer.close()


def test_a_partition_that_is_not_there_is_named(cluster: Cluster, topics: Any) -> None:
    with pytest.raises(BrokerError, match=topics.name("unknown")):
        cluster.ends([(topics.name("unknown"), 0)], timeout_s=5)


def test_what_a_group_has_committed_is_known(
    cluster: Cluster, topics: Any, bootstrap_servers: str
) -> None:
    name = topics.create("grouped")
    assert cluster.committed(name, (name, 0)) < 0
    member = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": name})
    member.commit(offsets=[TopicPartition(name, 0, 7)], asynchronous=False)
    member.close()
    assert cluster.committed(name, (name, 0)) == 7


def test_where_nobody_answers_is_an_error() -> None:
    nobody = Cluster({"bootstrap.servers": "127.0.0.1:1"})
    assert not nobody.serves(0.2)
    with pytest.raises(BrokerError, match="no Kafka answers"):
        nobody.topics(0.2)
