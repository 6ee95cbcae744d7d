"""Dead letters: records that could not be processed, with the reason and the bytes.

They are sent by the producer of frames, and acknowledged before the source's offset moves. The key
`TOPIC-PARTITION-OFFSET` tells doubles: after a crash a dead letter may be written again.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from processor import __version__
from processor.errors import DeadLetterReason
from processor.limits import DEAD_LETTER_VALUE_BYTES_MAX, DETAIL_CHARS_MAX
from processor.metrics import DEAD_LETTERS
from processor.streaming.producers import IdempotentProducer


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that was refused, where it stands, and why."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    value: bytes
    reason: DeadLetterReason
    detail: str


def encode_dead_letter(refused: Refused) -> bytes:
    """Return the JSON of schemas/messages/dead_letter.json; `detail` says where a value is cut."""
    value = refused.value
    detail = refused.detail[:DETAIL_CHARS_MAX]
    if len(value) > DEAD_LETTER_VALUE_BYTES_MAX:
        detail = f"{detail} (the first {DEAD_LETTER_VALUE_BYTES_MAX} of {len(value)} bytes)"
        value = value[:DEAD_LETTER_VALUE_BYTES_MAX]
    return orjson.dumps(
        {
            "reason": refused.reason.value,
            "detail": detail,
            "topic": refused.topic,
            "partition": refused.partition,
            "offset": refused.offset,
            "timestamp": refused.timestamp_ms,
            "value_base64": base64.b64encode(value).decode("ascii"),
            "worker_version": __version__,
        }
    )


class DeadLetters:
    """Writes dead letters to their topic."""

    def __init__(self, topic: str, producer: IdempotentProducer) -> None:
        self._topic = topic
        self._producer = producer

    def write(self, refused: Refused, on_delivered: Callable[[], None]) -> None:
        """Send one; `on_delivered` runs when it is safe to go on without the record."""
        key = f"{refused.topic}-{refused.partition}-{refused.offset}".encode()
        DEAD_LETTERS.labels(refused.reason.value).inc()
        self._producer.send(self._topic, None, key, encode_dead_letter(refused), on_delivered)
