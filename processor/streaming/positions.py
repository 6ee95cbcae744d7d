"""Positions: how far contributions and parts are applied, stored with the state they belong to.

The record's bytes: 1 byte magic 0xA7, 1 byte format number, 4 bytes CRC-32 of the rest, msgpack of
the array [contributions topic id, next offset, [[source topic id, partition, epoch, next sequence,
last offset, greatest event time], ...], rules topic id, next offset there].

Format 1 is the same without the last two: it was written before there was a rules topic.
"""

import struct
import zlib
from typing import NamedTuple

import msgspec

from processor.errors import SequenceError, StateFormatError
from processor.streaming.frames import Section

MAGIC = 0xA7
FORMAT = 2
_READABLE = (1, FORMAT)
_HEADER = struct.Struct(">BBI")


class SourcePosition(msgspec.Struct, array_like=True):
    """What has been applied of one source partition.

    `epoch` and `sequence` (the next one expected) say which sections may follow; contributions of
    source offsets up to and including `offset` are applied. `time_ms` is the greatest event time.
    """

    topic_id: str
    partition: int
    epoch: int = -1
    sequence: int = 0
    offset: int = -1
    time_ms: int = 0


class Offsets(NamedTuple):
    """The offsets to read next in the two topics of a partition."""

    contributions: int
    rules: int


class _Stored(msgspec.Struct, array_like=True):
    topic_id: str
    next_offset: int
    sources: list[SourcePosition]
    rules_topic_id: str = ""
    rules_next_offset: int = 0


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Stored)


class Positions:
    """The positions of one partition in the contributions topic and in the rules topic.

    `rules_topic_id` is empty where nothing was noted of the rules topic yet.
    """

    def __init__(
        self,
        topic_id: str,
        next_offset: int = 0,
        rules_topic_id: str = "",
        rules_next_offset: int = 0,
    ) -> None:
        self.topic_id = topic_id
        self.next_offset = next_offset
        self.rules_topic_id = rules_topic_id
        self.rules_next_offset = rules_next_offset
        self._sources: dict[tuple[str, int], SourcePosition] = {}

    @property
    def offsets(self) -> Offsets:
        """The offsets to read next."""
        return Offsets(self.next_offset, self.rules_next_offset)

    def admit(self, section: Section) -> SourcePosition | None:
        """Return the position that a section's contributions are held against, or None to drop it.

        None: the section was written by a former owner of its source partition, or is applied.

        Raises:
            SequenceError: a section before this one is missing.
        """
        name = (section.topic_id, section.partition)
        position = self._sources.get(name)
        if position is None:
            position = self._sources[name] = SourcePosition(section.topic_id, section.partition)
        if section.epoch < position.epoch:
            return None
        expected = position.sequence if section.epoch == position.epoch else 0
        if section.sequence < expected:
            return None
        if section.sequence > expected:
            message = (
                f"source partition {section.partition}: section {section.sequence} of epoch "
                f"{section.epoch} came where {expected} was next"
            )
            raise SequenceError(message, hint="frames are missing from the contributions topic")
        position.epoch = section.epoch
        position.sequence = expected + 1
        return position

    def newest_ms(self) -> int:
        """Return the greatest event time of any source; 0 before the first."""
        return max((p.time_ms for p in self._sources.values()), default=0)

    def event_time_ms(self, idle_before_ms: int) -> int | None:
        """Return the event time that every source has reached, leaving out idle ones; None if none.

        A source is idle when its greatest event time is at or before `idle_before_ms`.
        """
        times = [p.time_ms for p in self._sources.values() if p.time_ms > idle_before_ms]
        return min(times) if times else None

    def encode(self) -> bytes:
        """Return the record's bytes."""
        stored = _Stored(
            self.topic_id, self.next_offset, list(self._sources.values()),
            self.rules_topic_id, self.rules_next_offset,
        )  # fmt: skip
        body = _encoder.encode(stored)
        return _HEADER.pack(MAGIC, FORMAT, zlib.crc32(body)) + body

    @classmethod
    def decode(cls, data: bytes) -> "Positions":
        """Return the positions that a record holds.

        Raises:
            StateFormatError: another format number, or a wrong checksum.
        """
        magic, number, checksum = _HEADER.unpack_from(data)
        body = data[_HEADER.size :]
        if magic != MAGIC or number not in _READABLE:
            message = f"positions of format {magic:#04x}/{number} are not {MAGIC:#04x}/{FORMAT}"
            raise StateFormatError(message, hint="was the state written by a newer version?")
        if zlib.crc32(body) != checksum:
            message = "the positions record does not match its checksum"
            raise StateFormatError(message)
        stored = _decoder.decode(body)
        positions = cls(
            stored.topic_id, stored.next_offset, stored.rules_topic_id, stored.rules_next_offset
        )
        positions._sources = {(p.topic_id, p.partition): p for p in stored.sources}
        return positions
