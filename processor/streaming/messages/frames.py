"""Frames: many contributions in one message of the contributions topic.

A message value is a record (processor/formats.py). Its body is the msgpack of an array of sections.
A section is the array [source topic id, source partition, definitions offset, epoch, sequence,
contributions, unfinished]; a contribution is the array [source offset, attribute key, id, event
time, event id, event name, derived_tstamp, [[series id, value], ...], asks, arrival]. At format
level 1, the last element of both arrays is missing. A section holds contributions of one source
partition to one target partition, in source order. It holds everything that one event contributes
to that target. The contributions of one packed record's events can be cut: `unfinished` states that
more of the last offset follow. `epoch` identifies the writer: it grows with every assignment of the
source partition. `sequence` counts the sections of (epoch, source partition, target partition) from
0 without a gap, so that a reader notices a missing section.
"""

import struct
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from processor.aggregates import Value
from processor.engine import Asks, Contribution
from processor.events import Source, Trigger
from processor.formats import FIRST_LEVEL, Kind, RecordReader

# Fields of a Contribution at level 1.
_CONTRIBUTION_FIELDS_1 = 9


class Section(msgspec.Struct, gc=False):
    """Contributions of one source partition, written by one owner of it."""

    topic_id: str
    partition: int
    definitions_offset: int
    epoch: int
    sequence: int
    contributions: list[Contribution]
    unfinished: bool = False


class EncodedContributions(NamedTuple):
    """The msgpack of a number of contributions in order, at format level 2."""

    number: int
    data: bytes


# What a section is made of, in source order.
Part = Contribution | EncodedContributions


class _StoredContribution(msgspec.Struct, array_like=True, gc=False):
    offset: int
    key: str
    id: str
    time_ms: int
    event_id: str
    event_name: str
    derived_tstamp: str
    values: list[tuple[int, Value]]
    asks: Asks | None = None
    arrival_ms: int = 0


class _StoredSection(msgspec.Struct, array_like=True, gc=False):
    topic_id: str
    partition: int
    definitions_offset: int
    epoch: int
    sequence: int
    contributions: list[_StoredContribution]
    unfinished: bool = False


_contributions = msgspec.msgpack.Decoder(list[_StoredContribution])
_encoder = msgspec.msgpack.Encoder()
_reader = RecordReader({Kind.FRAME: msgspec.msgpack.Decoder(list[_StoredSection]).decode})
# An array of at most 65535 elements has a header of at most 3 bytes.
_ARRAY16 = struct.Struct(">BH")
_ARRAY16_TAG = 0xDC
_ARRAY32 = struct.Struct(">BI")
_ARRAY32_TAG = 0xDD
_FIXARRAY_TAG = 0x90
_FIXARRAY_MAX = 15
_ARRAY16_MAX = 0xFFFF
# The array header of a section at level 2, which has one byte.
_SECTION_START = bytes((_FIXARRAY_TAG | 7,))


def encode_section(section: Section, level: int) -> bytes:
    """Return the msgpack of one section at a format level."""
    contributions = _rows(section.contributions)
    start = _start(section)
    if level == FIRST_LEVEL:
        return _encoder.encode((*start, [one[:_CONTRIBUTION_FIELDS_1] for one in contributions]))
    return _encoder.encode((*start, contributions, section.unfinished))


def join_section(section: Section, parts: Iterable[Part]) -> bytes:
    """Return what `encode_section` returns at level 2 for a section with these contributions.

    The section itself has none.
    """
    count, data = 0, []
    for part in parts:
        if isinstance(part, EncodedContributions):
            count += part.number
            data.append(part.data)
        else:
            count += 1
            data.append(_encoder.encode(_rows([part])[0]))
    start = _encoder.encode(_start(section))[1:]
    end = _encoder.encode(section.unfinished)
    return b"".join((_SECTION_START, start, _array(count), *data, end))


def decode_parts(parts: Iterable[Part], source: Source) -> list[Contribution]:
    """Return all contributions, in order; `source` is where their events were read."""
    return list(chain.from_iterable(_decoded(part, source) for part in parts))


def _decoded(part: Part, source: Source) -> Iterable[Contribution]:
    if isinstance(part, Contribution):
        return (part,)
    return _restored(_contributions.decode(_array(part.number) + part.data), source)


def _array(count: int) -> bytes:
    """Return the header of an array, in the form that the encoder uses."""
    if count <= _FIXARRAY_MAX:
        return bytes((_FIXARRAY_TAG | count,))
    if count <= _ARRAY16_MAX:
        return _ARRAY16.pack(_ARRAY16_TAG, count)
    return _ARRAY32.pack(_ARRAY32_TAG, count)


def _rows(contributions: Iterable[Contribution]) -> list[tuple[object, ...]]:
    return [
        (
            (trigger := one.trigger).offset, one.key, one.id, trigger.time_ms, trigger.event_id,
            trigger.event_name, trigger.derived_tstamp, one.values, one.asks, trigger.arrival_ms,
        )
        for one in contributions
    ]  # fmt: skip


def _start(section: Section) -> tuple[str, int, int, int, int]:
    return (
        section.topic_id, section.partition, section.definitions_offset, section.epoch,
        section.sequence,
    )  # fmt: skip


def last_arrival_ms(section: Section, written_ms: int) -> int:
    """Return when the section's last event arrived.

    A section of format 1 has no arrivals, so they are filled in: its events arrived, at the latest,
    when it was written. `written_ms` is the arrival of the frame's record.
    """
    contributions = section.contributions
    if contributions and contributions[0].trigger.arrival_ms == 0:
        for one in contributions:
            time_ms = min(one.trigger.time_ms, written_ms)
            one.trigger = replace(one.trigger, time_ms=time_ms, arrival_ms=written_ms)
    return contributions[-1].trigger.arrival_ms if contributions else 0


def encode_frame(sections: Sequence[bytes], level: int) -> bytes:
    """Return the message value of up to 65535 sections encoded at this level, in order."""
    body = b"".join((_ARRAY16.pack(_ARRAY16_TAG, len(sections)), *sections))
    return Kind.FRAME.seal(body, level)


def decode_frame(value: bytes, source_topic: str) -> list[Section]:
    """Return the sections of a message value of any level.

    `source_topic` is the name of the topic from which their events were read.

    Raises:
        StateFormatError: wrong magic or format number, wrong checksum, or broken msgpack.
    """
    return [_section(one, Source(source_topic, one.partition)) for one in _reader.read(value)]


def _section(stored: _StoredSection, source: Source) -> Section:
    return Section(
        stored.topic_id, stored.partition, stored.definitions_offset, stored.epoch,
        stored.sequence, _restored(stored.contributions, source), stored.unfinished,
    )  # fmt: skip


def _restored(stored: Iterable[_StoredContribution], source: Source) -> list[Contribution]:
    return [
        Contribution(
            Trigger(
                one.event_id, one.event_name, one.derived_tstamp, source, one.offset, one.time_ms,
                one.arrival_ms,
            ),
            one.key, one.id, one.values, one.asks,
        )
        for one in stored
    ]  # fmt: skip
