"""Messages sent in transactions: all of one transaction, or none.

Invariants:
- One transactional id has one producer: `init` fences the previous producer with the id, and aborts
  its open transaction. The fenced producer receives this as the error of its next call
  (`is_fenced`).
- Messages sent between `begin` and `commit` become visible only with `commit`. A commit whose
  outcome is not known is an error: to continue, call `init` with a new producer. Nothing was
  committed if the error comes before `commit`, requires an abort, or reports a missing right.

All of this blocks, except closing.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from processor.errors import BrokerError, NotAuthorizedError, UnknownOutcomeError
from processor.kafka.rights import not_authorized
from processor.kafka.sender import Failure, Message, produce
from processor.limits import TRANSACTION_TIMEOUT_MS

_CALL_S = 30.0
# The errors that a producer receives if another one has taken its transactional id.
_FENCED = frozenset(
    {
        KafkaError._FENCED,  # noqa: SLF001 - its public name
        KafkaError.PRODUCER_FENCED,
        KafkaError.INVALID_PRODUCER_EPOCH,
    }
)


def is_fenced(reason: Any) -> bool:
    """Return whether an error means that a later producer has the same transactional id."""
    return isinstance(reason, KafkaError) and reason.code() in _FENCED


def is_fatal(reason: Any) -> bool:
    """Return whether an error means that the producer can do nothing more, as if it were fenced.

    A call after a fatal error raises an error of its own, which is not marked as fatal.
    """
    if not isinstance(reason, KafkaError):
        return False
    fatal: bool = reason.fatal()
    return fatal or reason.code() == KafkaError._FATAL  # noqa: SLF001 - its public name


class Transactions:
    """The transactions of one transactional id, one after another.

    `failure` is the first error of a delivery since `begin`.

    Args:
        client: librdkafka properties of the connection.
        name: the transactional id.
        properties: properties of the producer that differ from the usual ones.
        logger: receives librdkafka's own log lines.

    Raises (all methods):
        KafkaException: Kafka refuses, or does not answer in time; within `errors_of`, our errors.
    """

    def __init__(
        self,
        client: Mapping[str, Any],
        name: str,
        properties: Mapping[str, Any] | None = None,
        logger: logging.Logger | None = None,
    ) -> None:
        self.name = name
        self.failure: Failure = None
        self._client = client
        self._committing = False
        self._offsets: dict[str, int] = {}
        configured = {
            **client,
            "transactional.id": name,
            "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
            "acks": "all",
            **(properties or {}),
        }
        self._producer = (
            Producer(configured) if logger is None else Producer(configured, logger=logger)
        )

    def connect(self, topic: str) -> None:
        """Wait until a broker that has a topic answers.

        Without a connection, librdkafka would look for the coordinator half a second later.
        """
        self._producer.list_topics(topic, _CALL_S)

    def init(self, timeout_s: float = _CALL_S) -> None:
        """Fence every earlier producer of this id, and end the transaction that it left open."""
        self._producer.init_transactions(timeout_s)

    def begin(self) -> None:
        """Begin a transaction."""
        self.failure = None
        self._committing = False
        self._offsets.clear()
        self._producer.begin_transaction()

    def send(self, message: Message) -> None:
        """Send a message in the open transaction; raise BufferError if the queue is full."""
        produce(self._producer, message, self._report)

    def send_batch(
        self, topic: str, partition: int, records: Iterable[tuple[bytes | None, bytes | None]]
    ) -> None:
        """Send keys and values to one partition. Only the delivery of the last message is noted.

        A failed delivery also makes the commit fail.
        """
        batch: list[dict[str, Any]] = [{"key": key, "value": value} for key, value in records]
        if not batch:
            return
        batch[-1]["callback"] = self._report
        # The whole batch goes to one partition: a message's own partition is ignored.
        self._producer.produce_batch(topic, batch, partition=partition)
        refused = [record["_error"] for record in batch if "_error" in record]
        if refused:
            raise KafkaException(refused[0])

    def send_offset(self, group: str, topic: str, partition: int, offset: int) -> None:
        """Commit an offset to a group within the open transaction.

        Outside a transaction, a group accepts offsets only from its members.
        """
        member = Consumer({**self._client, "group.id": group})
        try:
            self._producer.send_offsets_to_transaction(
                [TopicPartition(topic, partition, offset)],
                member.consumer_group_metadata(),
                _CALL_S,
            )
        finally:
            member.close()

    def serve(self) -> None:
        """Note the deliveries that have been reported."""
        self._producer.poll(0)

    def commit(self, timeout_s: float = _CALL_S) -> None:
        """Commit the transaction; it waits for every delivery."""
        self._committing = True
        self._producer.commit_transaction(timeout_s)
        self._committing = False

    def abort(self, timeout_s: float = _CALL_S) -> None:
        """Abort the transaction."""
        self._producer.abort_transaction(timeout_s)

    def offset(self, topic: str) -> int:
        """Return the offset last delivered to a topic since `begin`; -1 if there is none."""
        return self._offsets.get(topic, -1)

    def not_authorized(self, reasons: Iterable[Any], what: str) -> NotAuthorizedError | None:
        """Return the error for what the Kafka user may not do, if that is one of the reasons."""
        return not_authorized((self.failure, *reasons), what)

    @contextmanager
    def errors_of(self, what: str) -> Iterator[None]:
        """Let calls of a transaction raise our errors.

        Args:
            what: what the transaction does, as an infinitive.

        Raises:
            NotAuthorizedError: a right is missing; nothing was committed.
            UnknownOutcomeError: it is not known whether the transaction was committed.
            BrokerError: Kafka refuses, or does not answer; nothing was committed.
        """
        try:
            yield
        except (KafkaException, BufferError) as error:
            reason = error.args[0]
            refused = self.not_authorized([reason], what)
            if refused is not None:
                raise refused from error
            if self._committing and not reason.txn_requires_abort():
                message = f"it is not known whether this took place: {what}"
                raise UnknownOutcomeError(message, detail=str(reason)) from error
            message, hint = f"cannot {what}", "nothing was committed; try again"
            raise BrokerError(message, detail=str(reason), hint=hint) from error

    def close(self) -> None:
        """Drop the producer with everything that it holds.

        A fenced producer cannot abort its open transaction; that error no longer matters.
        """
        self._producer.purge()
        with suppress(KafkaException, SystemError):
            self._producer.close()

    def _report(self, error: Any, message: Any) -> None:
        if error is None:
            self._offsets[message.topic()] = message.offset()
        elif self.failure is None:
            self.failure = error
