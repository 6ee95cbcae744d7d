"""Frames: many contributions in one message of the contributions topic.

Format of a message value (all numbers big-endian):

    1 byte   magic 0xF7
    1 byte   format number, now 1
    4 bytes  CRC-32 (zlib) of all that follows
    rest     msgpack: array of sections

A section is the array [source topic id, source partition, definitions offset, epoch, sequence,
contributions]. It holds contributions of one source partition to one target partition, in source
order, and all that one event contributes to that target. `epoch` names the writer: it grows with
every assignment of the source partition. `sequence` counts the sections of (epoch, source
partition, target partition) from 0 without a gap, so that a reader sees when one is missing.
"""

import struct
import zlib
from collections.abc import Sequence

import msgspec

from processor.engine.contribution import Contribution
from processor.errors import StateFormatError

MAGIC = 0xF7
FORMAT = 1
_HEADER = struct.Struct(">BBI")


class Section(msgspec.Struct, array_like=True, gc=False):
    """Contributions of one source partition, written by one owner of it."""

    topic_id: str
    partition: int
    definitions_offset: int
    epoch: int
    sequence: int
    contributions: list[Contribution]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Section])
# Every array of fewer elements has a header of at most 3 bytes.
_ARRAY16 = struct.Struct(">BH")
_ARRAY16_TAG = 0xDC


def encode_section(section: Section) -> bytes:
    """Return the msgpack of one section."""
    return _encoder.encode(section)


def encode_frame(sections: Sequence[bytes]) -> bytes:
    """Return the message value that holds the encoded sections, in order (at most 65535)."""
    body = b"".join((_ARRAY16.pack(_ARRAY16_TAG, len(sections)), *sections))
    return _HEADER.pack(MAGIC, FORMAT, zlib.crc32(body)) + body


def decode_frame(value: bytes) -> list[Section]:
    """Return the sections of a message value.

    Raises:
        StateFormatError: another magic or format number, a wrong checksum, or broken msgpack.
    """
    if len(value) < _HEADER.size:
        message = f"a frame of {len(value)} bytes is too short"
        raise StateFormatError(message)
    magic, number, checksum = _HEADER.unpack_from(value)
    if magic != MAGIC or number != FORMAT:
        message = f"a frame of format {magic:#04x}/{number} is not {MAGIC:#04x}/{FORMAT}"
        raise StateFormatError(message, hint="was the topic written by a newer version?")
    body = memoryview(value)[_HEADER.size :]
    if zlib.crc32(body) != checksum:
        message = "a frame does not match its checksum"
        raise StateFormatError(message, hint="the record was damaged after it was written")
    try:
        return _decoder.decode(body)
    except msgspec.DecodeError as error:
        message = "a frame is not what its header says"
        raise StateFormatError(message, detail=str(error)) from error
