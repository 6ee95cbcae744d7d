"""Queries to a cluster: its topics, the ends of partitions, and what a group has committed.

Invariant: an end is the end of all records, including those in open transactions, unless the
committed end is requested. All of this blocks.

A librdkafka client sends requests to leaders with the leader epoch from its metadata. After a
restart of Kafka or a change of leader, that epoch is refused, and the client keeps using it until
it reads the metadata again. So after such a refusal, the metadata is read again, and the ends are
requested once more.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

from processor.errors import BrokerError
from processor.kafka.rights import not_authorized

_CALL_S = 30.0
# How a broker refuses a request if the client's information about the leader is wrong.
WRONG_LEADER = frozenset(
    {
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
    }
)

# A librdkafka consumer that only fetches: the client asks for the name of a group, and uses none.
WITHOUT_GROUP: Mapping[str, Any] = {
    "group.id": "unused-no-group-is-joined",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
}

# A topic and the number of one of its partitions.
Partition = tuple[str, int]


class Cluster:
    """Queries a cluster, with its own connection."""

    def __init__(self, client: Mapping[str, Any], name: str = "") -> None:
        named = {"client.id": name} if name else {}
        self._admin = AdminClient({**client, **named, "log_level": 0})

    def serves(self, timeout_s: float) -> bool:
        """Return whether a broker answers and has joined the cluster."""
        try:
            return bool(self._admin.list_topics(timeout=timeout_s).brokers)
        except KafkaException:
            return False

    def topics(self, timeout_s: float) -> dict[str, int]:
        """Return the usable topics, with their numbers of partitions.

        Raises:
            BrokerError: no broker answers in time.
        """
        try:
            found = self._admin.list_topics(timeout=timeout_s).topics
        except KafkaException as error:
            message, detail = "no Kafka answers", error.args[0].str()
            raise BrokerError(message, detail=detail, hint="is Kafka reachable?") from error
        return {name: len(one.partitions) for name, one in found.items() if one.error is None}

    def ends(
        self,
        partitions: Iterable[Partition],
        *,
        committed: bool = False,
        timeout_s: float = _CALL_S,
    ) -> dict[Partition, int]:
        """Return the ends of partitions: after every record, or after every committed record.

        Raises:
            BrokerError: Kafka does not answer, or has no such partition; NotAuthorizedError if the
                user may not see the topic.
        """
        asked = [TopicPartition(*one) for one in partitions]
        if not asked:
            return {}
        isolation = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
        names = sorted({one.topic for one in asked})
        try:
            try:
                return self._ends(asked, isolation, timeout_s)
            except KafkaException as error:
                if error.args[0].code() not in WRONG_LEADER:
                    raise
                for name in names:
                    self._admin.list_topics(name, timeout=timeout_s)
                return self._ends(asked, isolation, timeout_s)
        except (KafkaException, TimeoutError) as error:
            message = f"cannot read the ends of {', '.join(map(repr, names))}"
            raise BrokerError(message, detail=str(error), hint="is Kafka reachable?") from error

    def _ends(
        self, asked: list[TopicPartition], isolation: IsolationLevel, timeout_s: float
    ) -> dict[Partition, int]:
        latest: Any = dict.fromkeys(asked, OffsetSpec.latest())
        answers = self._admin.list_offsets(
            latest, isolation_level=isolation, request_timeout=timeout_s
        )
        found = {}
        for one, future in answers.items():
            try:
                found[one.topic, one.partition] = int(future.result(timeout_s).offset)
            except KafkaException as error:
                refused = not_authorized(error.args, f"describe {one.topic!r}")
                raise refused or error from error
        return found

    def committed(self, group: str, partition: Partition) -> int:
        """Return the offset that a group has committed for a partition; negative if there is none.

        Raises:
            BrokerError: Kafka refuses, or does not answer; NotAuthorizedError if a right is
                missing.
        """
        asked = ConsumerGroupTopicPartitions(group, [TopicPartition(*partition)])
        try:
            answer = self._admin.list_consumer_group_offsets([asked])[group].result(_CALL_S)
            (found,) = answer.topic_partitions
            if found.error is not None:
                raise KafkaException(found.error)
        except (KafkaException, TimeoutError) as error:
            topic, number = partition
            what = f"read what the group {group!r} has committed for {topic}-{number}"
            refused = not_authorized(error.args, what)
            hint = "is Kafka reachable?"
            raise refused or BrokerError(f"cannot {what}", detail=str(error), hint=hint) from error
        return int(found.offset)
