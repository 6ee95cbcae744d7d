"""Dead letters: records that could not be processed, with the reason and the bytes.

The producer of frames sends them, and they are acknowledged before the source's offset moves. The
key `TOPIC-PARTITION-OFFSET` identifies duplicates: after a crash, a dead letter may be written
again. For one event of a packed record, the key ends in `-NUMBER`, and the dead letter holds the
bytes of that event alone. The same is true of one contribution of a frame, and of a part: these are
sent once, in the transaction that moves the position past them.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from processor import __version__
from processor.errors import DeadLetterReason
from processor.limits import DEAD_LETTER_VALUE_BYTES_MAX, DETAIL_CHARS_MAX
from processor.metrics import DEAD_LETTERS
from processor.streaming.messages.producers import IdempotentProducer


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that was refused, its place, and the reason.

    `number` is the number of the event in a packed record, or of the contribution in a frame, from
    0; None for a whole record.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    value: bytes
    reason: DeadLetterReason
    detail: str
    number: int | None = None

    @property
    def key(self) -> bytes:
        """The key of its dead letter."""
        key = f"{self.topic}-{self.partition}-{self.offset}"
        return (key if self.number is None else f"{key}-{self.number}").encode()


def encode_dead_letter(refused: Refused) -> bytes:
    """Return the JSON of schemas/messages/dead_letter.json; `detail` states that a value is cut."""
    value = refused.value
    # A detail can quote half of a character, which JSON in UTF-8 cannot hold.
    detail = refused.detail[:DETAIL_CHARS_MAX].encode(errors="replace").decode()
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
        """Send a dead letter; `on_delivered` runs when it is safe to go on without the record."""
        DEAD_LETTERS.labels(refused.reason.value).inc()
        self._producer.send(
            self._topic, None, refused.key, encode_dead_letter(refused), on_delivered
        )
