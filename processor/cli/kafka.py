"""Kafka as commands use it: looked for first, topics read from their beginning."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from processor.errors import BrokerError, TopicError
from processor.settings import Settings

_TIMEOUT_S = 10.0
_POLL_S = 0.2
_POLL_RECORDS = 500


def topics_of(settings: Settings) -> Mapping[str, Any]:  # confluent's metadata
    """Return Kafka's topics by name.

    Raises:
        BrokerError: no Kafka answers.
    """
    admin = AdminClient({**settings.kafka_client, "log_level": 0})
    try:
        topics: Mapping[str, Any] = admin.list_topics(timeout=_TIMEOUT_S).topics
    except KafkaException as error:
        message = f"no Kafka answers at {settings.bootstrap_servers}"
        hint = "start one with: processor up; or name yours with --bootstrap-servers"
        raise BrokerError(message, detail=error.args[0].str(), hint=hint) from error
    return topics


def partitions_of(settings: Settings, topic: str) -> int:
    """Return how many partitions a topic has.

    Raises:
        BrokerError: no Kafka answers. TopicError: it does not have the topic.
    """
    found = topics_of(settings).get(topic)
    if found is None or found.error is not None:
        message = f"Kafka at {settings.bootstrap_servers} has no topic {topic!r}"
        raise TopicError(message, hint="start a worker, or run: processor topics create")
    return len(found.partitions)


class TopicReader:
    """Reads the committed records of all partitions of a topic, outside of any consumer group."""

    def __init__(self, settings: Settings, topic: str, *, from_beginning: bool) -> None:
        self._partitions = partitions_of(settings, topic)
        self._ended: set[int] = set()
        self._consumer = Consumer(
            {
                **settings.kafka_client,
                "group.id": "unused-no-group-is-joined",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 50,
                "fetch.queue.backoff.ms": 50,
            }
        )
        start = OFFSET_BEGINNING if from_beginning else OFFSET_END
        self._consumer.assign(
            [TopicPartition(topic, number, start) for number in range(self._partitions)]
        )

    @property
    def at_end(self) -> bool:
        """Whether every partition was read to its end once."""
        return len(self._ended) == self._partitions

    def poll(self, timeout_s: float = _POLL_S) -> Sequence[Any]:  # confluent's messages
        """Return the records that come within the time.

        Raises:
            KafkaException: Kafka refuses for good.
        """
        records = []
        for message in self._consumer.consume(_POLL_RECORDS, timeout_s):
            error = message.error()
            if error is None:
                records.append(message)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                self._ended.add(message.partition())
            elif error.fatal():
                raise KafkaException(error)
        return records

    def to_end(self) -> Iterator[Any]:  # confluent's messages
        """Yield every record until each partition was read to its end."""
        while not self.at_end:
            yield from self.poll()

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close()
