"""What the collector took in, into Kafka: events to the enriched topic, the rest to dead letters.

A dead letter of the collector names no record: its topic is `collector`, its partition and offset
are -1, and its key tells it from others by a number of its own.
"""

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from processor.collector import Collected, RefusedEvent
from processor.errors import NotReadyError
from processor.limits import (
    COLLECTOR_BUFFER_BYTES_MAX,
    COLLECTOR_DELIVERY_MS,
    EVENT_BYTES_MAX,
)
from processor.metrics import COLLECTED, DEAD_LETTERS
from processor.settings import Settings
from processor.streaming.dead_letters import Refused, encode_dead_letter

_ORIGIN = "collector"
_NOWHERE = -1
_POLL_INTERVAL_S = 0.002
_CLOSE_S = 5.0
# A dead letter of a full-size event is larger than it: base64, and what stands around it.
_MESSAGE_BYTES_MAX = 2 * EVENT_BYTES_MAX
_Message = tuple[str, bytes | None, bytes]


class _Deliveries:
    """The messages of one request that are under way."""

    def __init__(self, count: int) -> None:
        self.done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._left = count
        self._error = ""

    def report(self, error: KafkaError | Exception | None, _message: Any) -> None:  # confluent's
        if error is not None and not self._error:
            self._error = error.str() if isinstance(error, KafkaError) else str(error)
        self._left -= 1
        if not self._left and not self.done.done():
            self.done.set_result(self._error)


class CollectedTopics:
    """Writes what the collector took in. Used in one event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._under_way: list[_Deliveries] = []
        self._polling: asyncio.Task[None] | None = None
        self._producer = Producer(
            {
                **settings.kafka_client,
                "client.id": f"{settings.app_id}-collector",
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "acks": "all",
                "message.timeout.ms": COLLECTOR_DELIVERY_MS,
                "linger.ms": 1,
                "compression.type": "lz4",
                "message.max.bytes": _MESSAGE_BYTES_MAX,
                "queue.buffering.max.kbytes": COLLECTOR_BUFFER_BYTES_MAX // 1024,
            }
        )

    async def write(self, collected: Collected, received_ms: int) -> None:
        """Return when Kafka has all of it.

        Raises:
            NotReadyError: it does not have all of it; part of it may be there.
        """
        messages = list(self._messages(collected, received_ms))
        if not messages:
            return
        deliveries = _Deliveries(len(messages))
        for number, (topic, key, value) in enumerate(messages):
            try:
                self._producer.produce(topic, value, key, on_delivery=deliveries.report)
            except (BufferError, KafkaException) as error:
                for _ in messages[number:]:
                    deliveries.report(error, None)
                break
        self._under_way.append(deliveries)
        self._poll()
        failed = await deliveries.done
        if failed:
            message = "Kafka did not take the events"
            raise NotReadyError(message, detail=failed, hint="send them again in a moment")
        COLLECTED.inc(len(collected.events))
        for refused in collected.refused:
            DEAD_LETTERS.labels(refused.reason.value).inc()

    def close(self) -> None:
        """Wait a moment for what is under way."""
        self._producer.flush(_CLOSE_S)

    def _messages(self, collected: Collected, received_ms: int) -> Iterator[_Message]:
        for event in collected.events:
            yield self._settings.enriched_topic, event.key or None, event.value
        for refused in collected.refused:
            key = f"{_ORIGIN}-{uuid.uuid4()}".encode()
            yield self._settings.dead_letter_topic, key, _dead_letter(refused, received_ms)

    def _poll(self) -> None:
        """Collect delivery reports, in the event loop, as long as messages are under way."""
        if self._polling is None or self._polling.done():
            self._polling = asyncio.get_running_loop().create_task(self._poll_while_needed())

    async def _poll_while_needed(self) -> None:
        while self._under_way:
            self._producer.poll(0)
            self._under_way = [one for one in self._under_way if not one.done.done()]
            await asyncio.sleep(_POLL_INTERVAL_S)


def _dead_letter(refused: RefusedEvent, received_ms: int) -> bytes:
    return encode_dead_letter(
        Refused(
            _ORIGIN, _NOWHERE, _NOWHERE, received_ms, refused.value, refused.reason, refused.detail
        )
    )
