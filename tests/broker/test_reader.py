"""Topics of a real Kafka, read without a group: ends, transactions, times, removed records."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from confluent_kafka import Producer, TopicPartition

from processor.kafka.cluster import Cluster
from processor.kafka.partition_reader import PartitionReader, Progress
from processor.kafka.reader import Fetching, Reader
from tests.broker.visits import eventually

pytestmark = pytest.mark.broker

TIME_MS = 1_700_000_000_000


class Topic:
    """A topic of two partitions, and who writes it."""

    def __init__(self, servers: str, topics: Any) -> None:
        self.name = topics.create("read", 2)
        self.client = {"bootstrap.servers": servers}
        self.admin = topics.admin
        self._cluster = Cluster(self.client)
        self._producer = Producer({**self.client, "transactional.id": f"{self.name}-writer"})
        self._producer.init_transactions(30)

    def write(self, first: int, last: int, *, commit: bool = True, partition: int = 0) -> None:
        self._producer.begin_transaction()
        for number in range(first, last):
            self._producer.produce(
                self.name, b"%d" % number, partition=partition, timestamp=TIME_MS + number
            )
        if commit:
            self._producer.commit_transaction(30)
        else:
            self._producer.flush(30)
            self._producer.abort_transaction(30)
        eventually(lambda: self._settled(partition), 30)

    def _settled(self, partition: int) -> bool:
        """Whether the marker of the last transaction is written, which nobody waits for."""
        where = self.name, partition
        return self._cluster.ends([where]) == self._cluster.ends([where], committed=True)

    def remove_before(self, offset: int, partition: int = 0) -> None:
        where = TopicPartition(self.name, partition, offset)
        self.admin.delete_records([where])[where].result(30)

    def close(self) -> None:
        self._producer.close()


@pytest.fixture
def topic(bootstrap_servers: str, topics: Any) -> Iterator[Topic]:
    made = Topic(bootstrap_servers, topics)
    yield made
    made.close()


def values(reader: Reader, *partitions: int) -> list[int]:
    reader.begin(dict.fromkeys(partitions))
    return [int(one.value or b"") for batch in reader.to_end() for one in batch]


def test_committed_records_are_read_to_the_end_behind_markers(topic: Topic) -> None:
    topic.write(0, 5)
    topic.write(5, 8, commit=False)
    topic.write(8, 10)
    topic.write(10, 12, commit=False)
    with closing(Reader(topic.client, topic.name)) as reader:
        assert values(reader, 0) == [0, 1, 2, 3, 4, 8, 9]
        assert reader.positions == reader.ends == {0: 16}, "12 records, 4 markers"
    with closing(Reader(topic.client, topic.name, Fetching("read_uncommitted"))) as reader:
        assert values(reader, 0) == list(range(12))


def test_what_is_added_after_the_start_is_read_by_those_who_follow(topic: Topic) -> None:
    topic.write(0, 3)
    with (
        closing(Reader(topic.client, topic.name)) as once,
        closing(Reader(topic.client, topic.name, follow=True)) as follows,
    ):
        for reader in (once, follows):
            reader.begin({0: None, 1: None})
        topic.write(3, 6)
        topic.write(6, 7, partition=1)
        assert [int(one.value or b"") for batch in once.to_end() for one in batch] == [0, 1, 2]
        found: list[int] = []
        while len(found) < 7:
            found += [int(one.value or b"") for one in follows.poll()]
        assert sorted(found) == list(range(7))
        assert follows.at_end
        assert once.collect(wait_s=0.2) == []


def test_a_time_finds_the_first_record_not_before_it(topic: Topic) -> None:
    topic.write(0, 5)
    with closing(Reader(topic.client, topic.name)) as reader:
        assert reader.offsets_at([0, 1], TIME_MS + 3) == {0: 3, 1: None}
        assert reader.offsets_at([0], TIME_MS + 9) == {0: 5}, "the marker came later"


def test_a_record_brings_its_timestamp(topic: Topic) -> None:
    topic.write(0, 1)
    with closing(PartitionReader(topic.client, topic.name, 0)) as reader:
        ((record,),) = reader.read(None)
    assert (record.timestamp, record.timestamp_type) == (TIME_MS, 0)
    assert (record.topic, record.partition, record.key, record.headers) == (topic.name, 0, None, ())


def test_removed_records_are_passed_over_or_reported(topic: Topic) -> None:
    topic.write(0, 10)
    topic.remove_before(4)
    with closing(Reader(topic.client, topic.name)) as reader:
        reader.begin({0: 2})
        assert [one.offset for batch in reader.to_end() for one in batch] == list(range(4, 10))
    seen: list[int] = []

    def go_on(partition: int) -> None:
        seen.append(partition)
        reporting.go_on(partition, 6)

    with closing(Reader(topic.client, topic.name, on_missing=go_on)) as reporting:
        reporting.begin({0: 2})
        assert [one.offset for batch in reporting.to_end() for one in batch] == list(range(6, 10))
    assert seen == [0]


def test_one_reader_reads_a_partition_again_from_another_offset(topic: Topic) -> None:
    topic.write(0, 5)
    told: list[Progress] = []
    with closing(PartitionReader(topic.client, topic.name, 0)) as reader:
        for start in (4, 1, None):
            (batch,) = reader.read(start, told.append)
            assert [one.offset for one in batch] == list(range(start or 0, 5))
        assert reader.bounds() == (0, 6)
    assert [(one.start, one.end) for one in told] == [(4, 6), (1, 6), (0, 6)]
