"""Ids of server-sent events: a client's position in every partition of the topic.

An id is base64url of four bytes that name the topic, and the next offset of each partition as a
varint (LEB128). A client that sends one back, to any worker, receives what came after it.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

from processor.limits import INTEGER_MAX
from processor.request_limits import SSE_ID_CHARS_MAX

_TOPIC_BYTES: Final = 4
_LOW: Final = 0x7F
_MORE: Final = 0x80


class EventIds:
    """Writes and reads ids for one topic; a topic that was created again is a different one."""

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
        """Return the offsets of an id; None for an id of another topic, and for an invalid one."""
        packed = _bytes_of(text)
        positions = _varints(packed[_TOPIC_BYTES:])
        if packed[:_TOPIC_BYTES] != self._topic or len(positions) != self._partitions:
            return None
        return positions


def _bytes_of(text: str) -> bytes:
    """Return the bytes of an id; empty if it is not base64url."""
    if len(text) > SSE_ID_CHARS_MAX:
        return b""
    try:
        padded = (text + "=" * (-len(text) % 4)).encode("ascii")
        return base64.b64decode(padded, b"-_", validate=True)
    except ValueError:
        return b""


def _varints(packed: bytes) -> list[int]:
    """Return the numbers; empty if anything is not a valid offset."""
    numbers: list[int] = []
    number = shift = 0
    for byte in packed:
        number |= (byte & _LOW) << shift
        shift += 7
        if number > INTEGER_MAX:
            return []
        if not byte & _MORE:
            numbers.append(number)
            number = shift = 0
    return [] if shift else numbers
