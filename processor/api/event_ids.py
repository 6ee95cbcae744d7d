"""Ids of server-sent events: how far a client has come in every partition of the topic.

An id is base64url of four bytes that name the topic, and the next offset of each partition as a
varint (LEB128). Whoever sends one back is told what came after it, by any worker.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

from processor.errors import UsageError
from processor.limits import EVENT_ID_CHARS_MAX, INTEGER_MAX

_TOPIC_BYTES: Final = 4
_LOW: Final = 0x7F
_MORE: Final = 0x80
_HINT: Final = "send the id of the last event as it came, or none"


class EventIds:
    """Writes and reads ids for one topic; a topic that was made anew is another one."""

    def __init__(self, topic_id: str, partitions: int) -> None:
        self._topic = hashlib.sha256(topic_id.encode()).digest()[:_TOPIC_BYTES]
        self._partitions = partitions

    def encode(self, positions: Iterable[int]) -> bytes:
        """Return the id of a client that has everything before these offsets."""
        packed = bytearray(self._topic)
        for offset in positions:
            left = offset
            while left > _LOW:
                packed.append(left & _LOW | _MORE)
                left >>= 7
            packed.append(left)
        return base64.urlsafe_b64encode(packed).rstrip(b"=")

    def decode(self, text: str) -> Sequence[int] | None:
        """Return the offsets of an id; None for one of another topic.

        Raises:
            UsageError: it is no id.
        """
        packed = _bytes_of(text)
        positions = _varints(packed[_TOPIC_BYTES:])
        if packed[:_TOPIC_BYTES] != self._topic or len(positions) != self._partitions:
            return None
        return positions


def _bytes_of(text: str) -> bytes:
    if len(text) > EVENT_ID_CHARS_MAX:
        message = f"an event id of {len(text)} characters is none of ours"
        raise UsageError(message, hint=_HINT)
    try:
        padded = (text + "=" * (-len(text) % 4)).encode("ascii")
        packed = base64.b64decode(padded, b"-_", validate=True)
    except ValueError as error:
        message = "the event id is not base64url"
        raise UsageError(message, hint=_HINT) from error
    if len(packed) <= _TOPIC_BYTES:
        message = "the event id is too short"
        raise UsageError(message, hint=_HINT)
    return packed


def _varints(packed: bytes) -> list[int]:
    numbers: list[int] = []
    number = shift = 0
    for byte in packed:
        number |= (byte & _LOW) << shift
        shift += 7
        if number > INTEGER_MAX:
            break
        if not byte & _MORE:
            numbers.append(number)
            number = shift = 0
    if number or shift:
        message = "the event id holds something else than offsets"
        raise UsageError(message, hint=_HINT)
    return numbers
