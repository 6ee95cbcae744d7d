"""Profiles as bytes.

Every record, head or window chunk, is

    1 byte   magic 0xA5 for a head, 0xA6 for a chunk
    1 byte   format number, now 1
    4 bytes  CRC-32 (zlib) of the body, big-endian
    rest     the body, msgpack

The body of a head is the array of the fields of ProfileHead (`id_times`: 8 bytes each,
big-endian), that of a chunk [differences of times, values]. Suffixes of record keys: empty for the
head; 8 bytes series id and 4 bytes chunk number, big-endian, for a chunk.
"""

import struct
import zlib
from collections.abc import Callable

import msgspec

from processor.aggregates import Value
from processor.engine.profile import Profile, ProfileHead, no_chunk
from processor.errors import StateFormatError
from processor.windows import Chunk

HEAD_MAGIC = 0xA5
CHUNK_MAGIC = 0xA6
FORMAT = 1
HEAD_SUFFIX = b""

# What an error calls them.
_PROFILE = "profile"
_CHUNK = "window chunk"
_HEADER = struct.Struct(">BBI")
_encoder = msgspec.msgpack.Encoder()
_head_decoder = msgspec.msgpack.Decoder(ProfileHead)
_chunk_decoder = msgspec.msgpack.Decoder(tuple[list[int], list[Value]])


def decode_profile(head: bytes, fetch: Callable[[bytes], bytes | None]) -> Profile:
    """Return the profile of a head record.

    `fetch` returns the newest chunk record of a suffix, also one that `changed_records` has given
    out and that is not stored yet. Chunks are read when a window needs them, which raises
    StateFormatError for damaged ones and StateError for missing ones.

    Raises:
        StateFormatError: not a head, another format, or a wrong checksum.
    """
    body = _body(head, HEAD_MAGIC, _PROFILE)
    try:
        decoded = _head_decoder.decode(body)
    except msgspec.DecodeError as error:
        raise _unreadable(_PROFILE, error) from error
    return Profile(_chunk_reader(fetch), decoded)


def new_profile(fetch: Callable[[bytes], bytes | None]) -> Profile:
    """Return a profile that has counted nothing; `fetch` is as for `decode_profile`."""
    return Profile(_chunk_reader(fetch))


def _chunk_reader(fetch: Callable[[bytes], bytes | None]) -> Callable[[bytes], Chunk]:
    """Return the reader of chunks over a reader of chunk records."""

    def fetch_chunk(suffix: bytes) -> Chunk:
        record = fetch(suffix)
        if record is None:
            raise no_chunk(suffix)
        try:
            return Chunk.from_plain(*_chunk_decoder.decode(_body(record, CHUNK_MAGIC, _CHUNK)))
        except msgspec.DecodeError as error:
            raise _unreadable(_CHUNK, error) from error

    return fetch_chunk


def changed_records(profile: Profile) -> list[tuple[bytes, bytes | None]]:
    """Return (suffix, record or None to delete) of what changed since the last call."""
    if not profile.changed:
        return []
    profile.changed = False
    head = None if profile.empty else _record(HEAD_MAGIC, _encoder.encode(profile.head))
    records: list[tuple[bytes, bytes | None]] = [(HEAD_SUFFIX, head)]
    for suffix, chunk in profile.chunks.take_changes():
        plain = None if chunk is None else _encoder.encode(chunk.to_plain())
        records.append((suffix, None if plain is None else _record(CHUNK_MAGIC, plain)))
    return records


def _record(magic: int, body: bytes) -> bytes:
    return _HEADER.pack(magic, FORMAT, zlib.crc32(body)) + body


def _body(record: bytes, magic: int, what: str) -> bytes:
    if len(record) < _HEADER.size:
        message = f"a {what} record of {len(record)} bytes is too short"
        raise StateFormatError(message)
    found_magic, found_format, checksum = _HEADER.unpack_from(record)
    if found_magic != magic or found_format != FORMAT:
        message = f"a {what} record of format {found_magic:#04x}/{found_format} is not readable"
        hint = f"this version reads {magic:#04x}/{FORMAT}: was it written by a newer one?"
        raise StateFormatError(message, hint=hint)
    body = record[_HEADER.size :]
    if zlib.crc32(body) != checksum:
        message = f"a {what} record does not match its checksum"
        raise StateFormatError(message, hint="it was damaged after it was written")
    return body


def _unreadable(what: str, error: Exception) -> StateFormatError:
    return StateFormatError(f"a {what} record is not what its header says", detail=str(error))
