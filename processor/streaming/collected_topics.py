"""Writes what the collector received: events to the enriched topic, the rest to dead letters.

A dead letter of the collector names no record: its topic is `collector`, its partition and offset
are -1, and a number in its key distinguishes it from others.
"""

import uuid
from collections.abc import Iterator

from processor.collector import Collected, RefusedEvent
from processor.errors import BrokerError, NotAuthorizedError, NotReadyError
from processor.kafka.sender import Message, Sender
from processor.limits import COLLECTOR_BUFFER_BYTES_MAX, COLLECTOR_DELIVERY_MS, EVENT_BYTES_MAX
from processor.metrics import COLLECTED, DEAD_LETTERS
from processor.settings import Settings
from processor.streaming.messages.dead_letters import Refused, encode_dead_letter

_ORIGIN = "collector"
_NOWHERE = -1
_CLOSE_S = 5.0
# A dead letter of a full-size event is larger than the event: base64, and the fields around it.
_MESSAGE_BYTES_MAX = 2 * EVENT_BYTES_MAX


class CollectedTopics:
    """Writes what the collector received. Used in one event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sender = Sender(
            settings.kafka_client,
            {
                "client.id": f"{settings.app_id}-collector",
                "partitioner": "murmur2_random",
                "message.timeout.ms": COLLECTOR_DELIVERY_MS,
                "linger.ms": 1,
                "message.max.bytes": _MESSAGE_BYTES_MAX,
                "queue.buffering.max.kbytes": COLLECTOR_BUFFER_BYTES_MAX // 1024,
            },
        )

    async def write(self, collected: Collected, received_ms: int) -> None:
        """Write all of it; return when Kafka has acknowledged it.

        Raises:
            NotReadyError: Kafka does not have all of it, but may have part of it.
            NotAuthorizedError: the same, until the worker's user in Kafka gets a right.
        """
        try:
            await self._sender.send_all(list(self._messages(collected, received_ms)))
        except NotAuthorizedError:
            raise
        except BrokerError as error:
            message, hint = "Kafka did not accept the events", "send them again in a moment"
            raise NotReadyError(message, detail=error.detail, hint=hint) from error
        COLLECTED.inc(len(collected.events))
        for refused in collected.refused:
            DEAD_LETTERS.labels(refused.reason.value).inc()

    def close(self) -> None:
        """Wait a moment for messages that are not yet acknowledged."""
        self._sender.flush(_CLOSE_S)

    def _messages(self, collected: Collected, received_ms: int) -> Iterator[Message]:
        for event in collected.events:
            yield Message(self._settings.enriched_topic, event.value, event.key or None)
        for refused in collected.refused:
            key = f"{_ORIGIN}-{uuid.uuid4()}".encode()
            letter = _dead_letter(refused, received_ms)
            yield Message(self._settings.dead_letter_topic, letter, key)


def _dead_letter(refused: RefusedEvent, received_ms: int) -> bytes:
    return encode_dead_letter(
        Refused(
            _ORIGIN, _NOWHERE, _NOWHERE, received_ms, refused.value, refused.reason, refused.detail
        )
    )
