"""The contributions topic as an independent reader sees it: frames, and the order they give.

A frame is the byte 0xF7, a format number, the big-endian CRC-32 of the rest, and msgpack of its
sections. In format 2 a contribution also has the time at which its event arrived. What counts, in
one partition and for each source (topic id, partition):

- sections of an epoch older than the newest one seen are dropped;
- within an epoch the sections are numbered from 0 without a gap;
- contributions at or below the greatest source offset applied before are replays, skipped.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

HEADER = struct.Struct(">BBI")
FORMATS = (1, 2)


class Contribution(msgspec.Struct, array_like=True, frozen=True):
    """What one event adds to one profile, as far as the verifier can tell."""

    offset: int
    key: str
    id: str
    time_ms: int
    event_id: str
    event_name: str
    derived_tstamp: str
    values: list[tuple[int, str | int | float | bool | None]]
    # Rules across keys that ask for a part, by their numbers, and the ids of the event for them.
    asks: tuple[list[int], dict[str, str]] | None = None
    arrival_ms: int | None = None


class Section(msgspec.Struct, array_like=True, frozen=True):
    """Contributions of one source partition."""

    topic_id: str
    partition: int
    definitions_offset: int
    epoch: int
    sequence: int
    contributions: list[Contribution]
    # More of the last offset follows in the next section.
    unfinished: bool = False


def decode_frame(value: bytes) -> list[Section]:
    """The sections of a message of the topic; ValueError where it is no frame."""
    if len(value) < HEADER.size:
        raise ValueError("too short for a frame")
    magic, number, checksum = HEADER.unpack_from(value)
    body = value[HEADER.size :]
    if magic != 0xF7 or number not in FORMATS:
        raise ValueError(f"not a frame of the formats {FORMATS}: {magic:#x} {number}")
    if zlib.crc32(body) != checksum:
        raise ValueError("wrong checksum")
    return msgspec.msgpack.decode(body, type=list[Section])


@dataclass
class _Source:
    """How far one source partition has come."""

    epoch: int = -1
    sequence: int = 0
    # All up to it counts already; what of former epochs comes again.
    offset: int = -1
    former: int = -1


@dataclass
class ContributionLog:
    """One partition of the contributions topic, read from its first frame."""

    partition: int
    applied: int = 0
    replayed: int = 0
    dropped: int = 0
    problems: list[str] = field(default_factory=list)
    _sources: dict[tuple[str, int], _Source] = field(default_factory=dict)

    def read(self, frame: bytes) -> Iterator[tuple[Section, Contribution]]:
        """The contributions of the next frame that count, in the order in which they count."""
        for section in decode_frame(frame):
            yield from ((section, one) for one in self.take(section))

    def take(self, section: Section) -> list[Contribution]:
        """The contributions of the next section that count."""
        source = self._sources.setdefault((section.topic_id, section.partition), _Source())
        if section.epoch < source.epoch:
            self.dropped += len(section.contributions)
            return []
        self._check_sequence(section, source)
        fresh = [one for one in section.contributions if one.offset > source.former]
        self.replayed += len(section.contributions) - len(fresh)
        self.applied += len(fresh)
        last = max([source.offset, *(one.offset for one in fresh)])
        source.offset = last - 1 if section.unfinished and fresh else last
        return fresh

    def _check_sequence(self, section: Section, source: _Source) -> None:
        if section.epoch > source.epoch:
            source.epoch, source.sequence, source.former = section.epoch, 0, source.offset
        place = f"contributions partition {self.partition}, source partition {section.partition}"
        if section.sequence != source.sequence:
            self.problems.append(
                f"{place}: section {section.sequence} of epoch {section.epoch} "
                f"where {source.sequence} was due"
            )
        source.sequence = section.sequence + 1
        offsets = [one.offset for one in section.contributions]
        if offsets != sorted(offsets):
            self.problems.append(f"{place}: offsets of a section go back: {offsets[:20]}")
