"""Messages sent outside transactions.

Invariants:
- A message counts as delivered when all in-sync replicas have it. Each message that `send` accepts
  is reported once: as delivered, or with the error.
- Messages to one partition arrive in the order of `send`, without gaps as long as none fails
  (librdkafka's idempotent producer).
- Reports are made in the thread that polls: callers in one event loop need no locks.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Producer

from processor.errors import BrokerError
from processor.kafka.record import Headers
from processor.kafka.rights import not_authorized

# Between two checks for delivery reports while messages are unacknowledged.
_POLL_INTERVAL_S = 0.002
# How long to wait for room in a full queue before the next attempt.
_ROOM_S = 0.1
# librdkafka's number for a partition that the partitioner chooses.
ANY_PARTITION = -1
# The error of a delivery: None, or an error of librdkafka.
Failure = Any
Report = Callable[[Failure], None]


class Message(NamedTuple):
    """One message. Without a partition, its key selects one; without a time, the time is now."""

    topic: str
    value: bytes | None
    key: bytes | None = None
    partition: int = ANY_PARTITION
    headers: Headers = ()
    timestamp_ms: int = 0


def produce(producer: Any, message: Message, report: Callable[[Any, Any], None]) -> None:
    """Pass a message to a producer of librdkafka.

    Raises:
        BufferError, KafkaException: the message is not accepted.
    """
    topic, value, key, partition, headers, timestamp_ms = message
    producer.produce(
        topic, value, key, partition, on_delivery=report, timestamp=timestamp_ms,
        headers=list(headers) or None,
    )  # fmt: skip


class Sender:
    """Sends messages with its own connection. Used by one thread, or in one event loop.

    Args:
        client: librdkafka properties of the connection.
        properties: properties of the producer that differ from the usual ones.
    """

    def __init__(self, client: Mapping[str, Any], properties: Mapping[str, Any]) -> None:
        self.outstanding = 0
        self._some = asyncio.Event()
        self._polling: asyncio.Task[None] | None = None
        self._producer = Producer(
            {
                **client,
                "enable.idempotence": True,
                "acks": "all",
                "compression.type": "lz4",
                **properties,
            }
        )

    def send(self, message: Message, report: Report) -> None:
        """Send one message; `report` is called once with its error, or None.

        Raises:
            BufferError, KafkaException: the message is not accepted, and nothing is reported.
        """

        def delivered(error: Any, _message: Any) -> None:
            self.outstanding -= 1
            report(error)

        produce(self._producer, message, delivered)
        self.outstanding += 1
        self._some.set()

    def put(self, message: Message, report: Report) -> None:
        """Send one message, and wait while the queue is full. Blocks."""
        while True:
            try:
                self.send(message, report)
            except BufferError:
                self._producer.poll(_ROOM_S)
            else:
                return

    def poll(self) -> None:
        """Make the reports that have arrived."""
        self._producer.poll(0)

    async def send_all(self, messages: Sequence[Message]) -> None:
        """Send messages; return once all are delivered.

        After a message that is not accepted, no further messages are sent.

        Raises:
            BrokerError: not all are delivered; this is the first reason. By then, all are reported.
                NotAuthorizedError if a right is missing.
        """
        if not messages:
            return
        deliveries = _Deliveries(len(messages))
        for number, message in enumerate(messages):
            try:
                self.send(message, partial(deliveries.report, message.topic))
            except (BufferError, KafkaException) as error:
                for one in messages[number:]:
                    deliveries.report(one.topic, error.args[0])
                break
        if self._polling is None or self._polling.done():
            self._polling = asyncio.get_running_loop().create_task(self._poll_while_outstanding())
        failure = await deliveries.done
        if failure is not None:
            raise failure

    async def poll_forever(self) -> None:
        """Make reports while messages are unacknowledged, and wait for further messages."""
        while True:
            await self._some.wait()
            await self._poll_while_outstanding()
            self._some.clear()

    async def _poll_while_outstanding(self) -> None:
        self._producer.poll(0)
        while self.outstanding:
            await asyncio.sleep(_POLL_INTERVAL_S)
            self._producer.poll(0)

    def flush(self, timeout_s: float) -> int:
        """Wait for messages to be acknowledged; return how many are left. Blocks."""
        left: int = self._producer.flush(timeout_s)
        return left


class _Deliveries:
    """The messages of one call that are not yet reported."""

    def __init__(self, count: int) -> None:
        self.done: asyncio.Future[BrokerError | None] = asyncio.get_running_loop().create_future()
        self._left = count
        self._failure: BrokerError | None = None

    def report(self, topic: str, failure: Failure) -> None:
        """Receive one report."""
        if failure is not None and self._failure is None:
            self._failure = not_delivered(topic, failure)
        self._left -= 1
        if not self._left and not self.done.done():
            self.done.set_result(self._failure)


def not_delivered(topic: str, failure: Failure) -> BrokerError:
    """Return the error for a message to a topic that failed, or was not accepted."""
    refused = not_authorized([failure], f"write {topic!r}")
    if refused is not None:
        return refused
    detail = failure.str() if isinstance(failure, KafkaError) else str(failure)
    message = f"a message to {topic!r} was not delivered"
    return BrokerError(message, detail=detail, hint="is Kafka reachable?")
