"""Producers on librdkafka.

One idempotent producer sends frames and dead letters. Each partition that this worker owns has its
own transactional producer.

Deliveries never time out (`message.timeout.ms` 0): messages that were handed over are delivered, in
order, or the process ends. librdkafka's guarantee of no gaps does not cover timeouts.
"""

from collections.abc import Callable, Iterable
from typing import Any

from confluent_kafka import KafkaException

from processor.errors import BrokerError, DeliveryFailedError, FencedError
from processor.kafka.sender import ANY_PARTITION, Failure, Message, Sender
from processor.kafka.transaction import Transactions
from processor.limits import (
    FRAME_BYTES_MAX,
    MESSAGE_OVERHEAD_BYTES,
    PROFILE_BYTES_MAX,
)
from processor.settings import Settings
from processor.streaming.messages.outgoing import Outgoing

# A call that may have to wait for an unreachable broker is repeated after this time.
_RETRY_S = 10.0


def transactional_id(settings: Settings, partition: int) -> str:
    """Return the id with which the owners of a partition of profiles fence each other."""
    return f"{settings.app_id}-{partition}"


class IdempotentProducer:
    """Sends messages in order and reports when they are acknowledged.

    Delivery reports arrive in the event loop's thread, so callers need no locks. `on_failure` is
    called at most once, with the first failure; the caller then ends the process.
    """

    def __init__(self, settings: Settings, on_failure: Callable[[BaseException], None]) -> None:
        self._sender = Sender(
            settings.kafka_client,
            {
                "client.id": f"{settings.app_id}-frames",
                "message.timeout.ms": 0,
                "linger.ms": 1,
                "message.max.bytes": FRAME_BYTES_MAX + MESSAGE_OVERHEAD_BYTES,
                "queue.buffering.max.messages": 100_000,
                "batch.size": 512 * 1024,
            },
        )
        self._on_failure = on_failure

    @property
    def outstanding(self) -> int:
        """Number of messages handed over and not yet acknowledged."""
        return self._sender.outstanding

    def send(
        self, topic: str, partition: int | None, key: bytes | None, value: bytes,
        on_delivered: Callable[[], None],
    ) -> None:  # fmt: skip
        """Hand one message over; `on_delivered` runs when all replicas have it.

        Raises:
            DeliveryFailedError: the message was not accepted.
        """

        def report(error: Failure) -> None:
            if error is not None:
                self._on_failure(
                    DeliveryFailedError(f"a message to {topic} failed", detail=str(error))
                )
            else:
                on_delivered()

        where = ANY_PARTITION if partition is None else partition
        try:
            self._sender.send(Message(topic, value, key, where), report)
        except (KafkaException, BufferError) as error:
            failed = DeliveryFailedError(
                f"a message to {topic} was not accepted", detail=str(error)
            )
            self._on_failure(failed)
            raise failed from error

    async def poll_forever(self) -> None:
        """Collect delivery reports as long as messages are unacknowledged."""
        await self._sender.poll_forever()

    def close(self, timeout_s: float) -> int:
        """Wait for messages to be acknowledged; return how many are left."""
        return self._sender.flush(timeout_s)


class TransactionalProducer:
    """The producer of one partition of the profile table. Blocking: call it in a thread.

    Raises (all methods):
        FencedError: another worker has taken over the partition.
        BrokerError: the transaction was aborted, or its outcome is not known.
    """

    def __init__(self, settings: Settings, partition: int) -> None:
        self.name = transactional_id(settings, partition)
        self._settings = settings
        self._partition = partition
        self._transactions = Transactions(
            settings.kafka_client,
            self.name,
            {
                "client.id": self.name,
                "linger.ms": 0,
                "compression.type": "lz4",
                "message.max.bytes": PROFILE_BYTES_MAX + MESSAGE_OVERHEAD_BYTES,
                "queue.buffering.max.messages": 1_000_000,
                "queue.buffering.max.kbytes": 1_048_576,
                "batch.size": 512 * 1024,
            },
        )

    def init(self) -> None:
        """Fence every earlier producer of this partition, and end the transaction it left open."""
        self._repeat(self._transactions.init, "init_transactions")

    def send_all(self, records: Iterable[tuple[bytes, bytes | None]], outgoing: Outgoing) -> None:
        """Begin a transaction; send parts, interventions, dead letters and changelog records.

        Changelog records and interventions go to the producer's own partition of their topics.
        """
        settings, transactions = self._settings, self._transactions
        try:
            transactions.begin()
            for partition, parts in outgoing.parts.items():
                transactions.send_batch(settings.rules_topic, partition, parts)
            for key, value, headers in outgoing.interventions:
                transactions.send(
                    Message(settings.interventions_topic, value, key, self._partition, headers)
                )
            for key, value in outgoing.dead_letters:
                transactions.send(Message(settings.dead_letter_topic, value, key))
            transactions.send_batch(settings.changelog_topic, self._partition, records)
        except (KafkaException, BufferError) as error:
            raise self._failure(error) from error

    def commit(self) -> int:
        """Commit the transaction; return the offset of the last changelog record."""
        self._repeat(self._transactions.commit, "commit_transaction")
        last_offset = self._transactions.offset(self._settings.changelog_topic)
        assert last_offset >= 0, "the commit waits for every delivery report"
        return last_offset

    def close(self) -> None:
        """Drop the producer with everything that it holds."""
        self._transactions.close()

    def _repeat(self, call: Callable[[float], Any], what: str) -> None:
        while True:
            try:
                call(_RETRY_S)
            except KafkaException as error:
                if not error.args[0].retriable():
                    raise self._failure(error, what) from error
            else:
                return

    def _failure(self, error: Exception, what: str = "produce") -> BrokerError | FencedError:
        reason = error.args[0]
        right = f"use the transactional id {self.name!r} and its topics"
        refused = self._transactions.not_authorized([reason], right)
        if refused is not None:
            return refused
        if isinstance(error, KafkaException) and reason.fatal():
            return FencedError(f"{self.name} was fenced in {what}", detail=str(reason))
        return BrokerError(f"{self.name} failed in {what}", detail=str(reason))
