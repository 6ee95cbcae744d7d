"""Reading whole topics for the verifier."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, Self, TypeVar

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

Found = TypeVar("Found")
TIMEOUT_S = 30
POLL_S = 0.1
# Something has just been made, or its broker has just started.
MOVING = {
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.NOT_LEADER_FOR_PARTITION,
}


class Record(NamedTuple):
    """A record of a topic, with its timestamp."""

    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int | None = None


Records = dict[int, list[Record]]


def patiently(call: Callable[[], Found]) -> Found:
    """What a call to Kafka returns once leaders and coordinators are known."""
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        try:
            return call()
        except KafkaException as error:
            if error.args[0].code() not in MOVING or time.monotonic() > deadline:
                raise
            time.sleep(POLL_S)


def topic_id(bootstrap: str, topic: str) -> str:
    """Kafka's own id of a topic."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    described = admin.describe_topics(TopicCollection([topic]))[topic].result(TIMEOUT_S)
    return str(described.topic_id)


def read_topic(
    bootstrap: str,
    topic: str,
    *,
    isolation: str = "read_committed",
    start: Mapping[int, int] | None = None,
) -> Records:
    """All records of a topic by partition, from the offsets of `start` or the first, to the end."""
    consumer = _consumer(bootstrap, topic, isolation, start or {})
    waiting = {one.partition for one in consumer.assignment()}
    found: Records = {partition: [] for partition in waiting}
    silent_s = 0.0
    while waiting:
        messages = consumer.consume(1_000, timeout=POLL_S)
        silent_s = 0.0 if messages else silent_s + POLL_S
        if silent_s > TIMEOUT_S:
            raise TimeoutError(f"{topic}: partitions {sorted(waiting)} do not reach their end")
        for message in messages:
            if _is_end(message):
                waiting.discard(message.partition())
            else:
                _add(found, message)
    consumer.close()
    return found


class Recorder:
    """Follows a topic whose records are deleted once they are used, and keeps them all."""

    def __init__(self, bootstrap: str, topic: str, *, isolation: str = "read_uncommitted") -> None:
        self._isolation = isolation
        self._bootstrap = bootstrap
        self._topic = topic
        self._changed = threading.Condition()
        self._stopping = False
        self._failure: Exception | None = None
        self._consumer = _consumer(bootstrap, topic, isolation, {})
        self._records: Records = {one.partition: [] for one in self._consumer.assignment()}
        # Behind the last record, or behind the markers of transactions that follow it.
        self._next: dict[int, int] = {}
        self._thread = threading.Thread(target=self._follow, name=f"recorder of {topic}")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._stopping = True
        self._thread.join()

    def wait_for(self, count: int) -> None:
        """Wait until that many records have been seen."""
        with self._changed:
            enough = self._changed.wait_for(lambda: self._has(count), TIMEOUT_S)
        if self._failure is not None:
            raise self._failure
        if not enough:
            raise TimeoutError(f"{self._topic}: {count} records have not come")

    def finish(self) -> Records:
        """Stop following, and read what is left to the end of the topic; all records of it."""
        self.__exit__()
        if self._failure is not None:
            raise self._failure
        rest = read_topic(self._bootstrap, self._topic, isolation=self._isolation, start=self._next)
        return {part: seen + rest[part] for part, seen in self._records.items()}

    def _has(self, count: int) -> bool:
        return self._failure is not None or sum(map(len, self._records.values())) >= count

    def _follow(self) -> None:
        try:
            while not self._stopping:
                messages = self._consumer.consume(1_000, timeout=POLL_S)
                with self._changed:
                    for message in messages:
                        at_end = _is_end(message)
                        if not at_end:
                            _add(self._records, message)
                        self._next[message.partition()] = message.offset() + (not at_end)
                    self._changed.notify_all()
        except Exception as error:  # shown to whoever waits for the records
            with self._changed:
                self._failure = error
                self._changed.notify_all()
        finally:
            self._consumer.close()


def _is_end(message: Message) -> bool:
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF


def _add(found: Records, message: Message) -> None:
    if message.error() is not None:
        raise KafkaException(message.error())
    record = Record(message.offset(), message.key(), message.value(), message.timestamp()[1])
    found[message.partition()].append(record)


def _consumer(bootstrap: str, topic: str, isolation: str, start: Mapping[int, int]) -> Consumer:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "verifier",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": isolation,
            "auto.offset.reset": "error",
            "fetch.queue.backoff.ms": 10,
            "reconnect.backoff.max.ms": 500,
            "log_level": 0,
        }
    )
    partitions = consumer.list_topics(topic, TIMEOUT_S).topics[topic].partitions
    wanted = []
    for partition in partitions:
        where = TopicPartition(topic, partition)
        least, _ = patiently(lambda one=where: consumer.get_watermark_offsets(one, TIMEOUT_S))
        wanted.append(TopicPartition(topic, partition, start.get(partition, least)))
    consumer.assign(wanted)
    return consumer
