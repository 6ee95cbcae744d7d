"""Profiles as bytes.

Every record, the head or a part, is

    1 byte   magic 0xA5 for a head, 0xA6 for a chunk, 0xA7 for a node, 0xA8 for a lifetime state
    1 byte   format number, now 1
    4 bytes  CRC-32 (zlib) of the body, big-endian
    rest     the body, msgpack

The body of a head is the array of the fields of ProfileHead (`id_times`: 8 bytes each, big-endian),
that of a chunk [differences of times, values], that of a node the array of its fields, that of a
lifetime state what its family makes it. Suffixes of record keys: empty for the head; 8 bytes series
id and 4 bytes number, big-endian, for chunks and nodes; 8 bytes slot for a lifetime state.
"""

import struct
import zlib
from collections.abc import Callable, Collection

import msgspec

from processor.aggregates import Value
from processor.engine.profile import Profile, ProfileHead, no_part
from processor.errors import StateFormatError
from processor.windows import Chunk, Node, Part

HEAD_MAGIC = 0xA5
CHUNK_MAGIC = 0xA6
NODE_MAGIC = 0xA7
STATE_MAGIC = 0xA8
FORMAT = 1
HEAD_SUFFIX = b""

# What an error calls them.
_PROFILE = "profile"
_PART = "profile part"
_HEADER = struct.Struct(">BBI")
_encoder = msgspec.msgpack.Encoder()
_head_decoder = msgspec.msgpack.Decoder(ProfileHead)
_chunk_decoder = msgspec.msgpack.Decoder(tuple[list[int], list[Value]])
_node_decoder = msgspec.msgpack.Decoder(Node)
_state_decoder = msgspec.msgpack.Decoder()


def decode_profile(head: bytes, fetch: Callable[[bytes], bytes | None]) -> Profile:
    """Return the profile of a head record.

    `fetch` returns the newest part record of a suffix, also one that `changed_records` has given
    out and that is not stored yet. Parts are read when they are needed, which raises
    StateFormatError for damaged ones and StateError for missing ones.

    Raises:
        StateFormatError: not a head, another format, or a wrong checksum.
    """
    return Profile(_part_reader(fetch), _decode_head(head))


def renew_profile(
    profile: Profile, written: Collection[bytes], fetch: Callable[[bytes], bytes | None]
) -> bool:
    """Bring a profile that is only read to its newest records; say if it still exists.

    `written` are the suffixes of all records that were written or deleted since it was read, and
    `fetch` returns the newest record of a suffix, from now on.

    Raises:
        StateFormatError: as `decode_profile`.
    """
    profile.parts.read_anew(_part_reader(fetch), written)
    if HEAD_SUFFIX in written:
        head = fetch(HEAD_SUFFIX)
        if head is None:
            return False
        profile.head = _decode_head(head)
    return True


def _decode_head(head: bytes) -> ProfileHead:
    body = _body(head, {HEAD_MAGIC}, _PROFILE)
    try:
        return _head_decoder.decode(body)
    except msgspec.DecodeError as error:
        raise _unreadable(_PROFILE, error) from error


def new_profile(fetch: Callable[[bytes], bytes | None]) -> Profile:
    """Return a profile that has counted nothing; `fetch` is as for `decode_profile`."""
    return Profile(_part_reader(fetch))


def _part_reader(fetch: Callable[[bytes], bytes | None]) -> Callable[[bytes], Part]:
    """Return the reader of parts over a reader of their records."""

    def fetch_part(suffix: bytes) -> Part:
        record = fetch(suffix)
        if record is None:
            raise no_part(suffix)
        body = _body(record, _DECODERS, _PART)
        try:
            return _DECODERS[record[0]](body)
        except msgspec.DecodeError as error:
            raise _unreadable(_PART, error) from error

    return fetch_part


def _decode_chunk(body: bytes) -> Chunk:
    return Chunk.from_plain(*_chunk_decoder.decode(body))


_DECODERS: dict[int, Callable[[bytes], Part]] = {
    CHUNK_MAGIC: _decode_chunk,
    NODE_MAGIC: _node_decoder.decode,
    STATE_MAGIC: _state_decoder.decode,
}


def changed_records(profile: Profile) -> list[tuple[bytes, bytes | None]]:
    """Return (suffix, record or None to delete) of what changed since the last call."""
    if not profile.changed:
        return []
    profile.changed = False
    head = None if profile.empty else _record(HEAD_MAGIC, _encoder.encode(profile.head))
    records: list[tuple[bytes, bytes | None]] = [(HEAD_SUFFIX, head)]
    for suffix, part in profile.parts.take_changes():
        records.append((suffix, None if part is None else _part_record(part)))
    return records


def _part_record(part: Part) -> bytes:
    if isinstance(part, Chunk):
        return _record(CHUNK_MAGIC, _encoder.encode(part.to_plain()))
    magic = NODE_MAGIC if isinstance(part, Node) else STATE_MAGIC
    return _record(magic, _encoder.encode(part))


def _record(magic: int, body: bytes) -> bytes:
    return _HEADER.pack(magic, FORMAT, zlib.crc32(body)) + body


def _body(record: bytes, magics: Collection[int], what: str) -> bytes:
    if len(record) < _HEADER.size:
        message = f"a {what} record of {len(record)} bytes is too short"
        raise StateFormatError(message)
    found_magic, found_format, checksum = _HEADER.unpack_from(record)
    if found_magic not in magics or found_format != FORMAT:
        message = f"a {what} record of format {found_magic:#04x}/{found_format} is not readable"
        readable = ", ".join(f"{magic:#04x}/{FORMAT}" for magic in magics)
        hint = f"this version reads {readable}: was it written by a newer one?"
        raise StateFormatError(message, hint=hint)
    body = record[_HEADER.size :]
    if zlib.crc32(body) != checksum:
        message = f"a {what} record does not match its checksum"
        raise StateFormatError(message, hint="it was damaged after it was written")
    return body


def _unreadable(what: str, error: Exception) -> StateFormatError:
    return StateFormatError(f"a {what} record is not what its header says", detail=str(error))
