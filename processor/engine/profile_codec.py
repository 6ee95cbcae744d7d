"""Profiles as bytes.

A profile is several records (processor/formats.py): the head, and its parts, which are chunks and
nodes of windows and lifetime states. Each body is msgpack: for a head, the array of the fields of
ProfileHead (`id_times`: 8 bytes each, big-endian); for a chunk, [differences of times, values]; for
a node, the array of its fields; for a lifetime state, what its family makes of it. Suffixes of
record keys: empty for the head; 8 bytes series id and 4 bytes number (8 from 2**32 on), big-endian,
for chunks and nodes; 8 bytes slot for a lifetime state.

From format level 2 on, a head that is too large for one record is cut: the body of its record is
the msgpack of the number of pieces. The pieces are records of the same kind, with 4-byte suffixes.
"""

from collections.abc import Collection
from operator import itemgetter
from typing import Protocol

import msgspec

from processor.aggregates import Value, plain_state
from processor.engine.profile import Profile, ProfileHead, no_part
from processor.formats import FIRST_LEVEL, Kind, RecordReader, first_fields
from processor.limits import HEAD_BYTES_TARGET, HEAD_PIECE_BYTES
from processor.windows import Chunk, Node, Part, Window, spill

HEAD_SUFFIX = b""
_PIECE_SUFFIX_BYTES = 4
_SLOT_BYTES = 8
# The greatest number that msgpack encodes as its own byte; arrays begin with greater bytes.
_PIECES_MAX = 0x7F
# Bytes of a window's entry in a head: its time, and its value or the header of its text.
_ENTRY_BYTES = 12
# Fields of a ProfileHead at level 1; the indexes of the windows and the joint rules, and the number
# of fields of a window and of an instance of a rule.
_HEAD_FIELDS_1 = 11
_WINDOWS = 6
_WINDOW_FIELDS_1 = 9
_JOINTS = 8
_INSTANCE_FIELDS_1 = 4

# Looked up once: each access to a member of an Enum takes a tenth of a microsecond.
_HEAD, _CHUNK, _NODE, _STATE = Kind.HEAD, Kind.CHUNK, Kind.NODE, Kind.LIFETIME_STATE

_encoder = msgspec.msgpack.Encoder(enc_hook=plain_state)
_chunk_decoder = msgspec.msgpack.Decoder(tuple[list[int], list[Value]])


def _decode_chunk(body: memoryview) -> Chunk:
    differences, values = _chunk_decoder.decode(body)
    if len(differences) != len(values) or not values:
        message = f"a chunk of {len(differences)} times and {len(values)} values"
        raise ValueError(message)
    return Chunk.from_plain(differences, values)


_head_reader = RecordReader({_HEAD: msgspec.msgpack.Decoder(ProfileHead).decode})
_window_reader: RecordReader[Part] = RecordReader(
    {_CHUNK: _decode_chunk, _NODE: msgspec.msgpack.Decoder(Node).decode}
)
_state_reader: RecordReader[Part] = RecordReader({_STATE: msgspec.msgpack.Decoder().decode})


class ProfileRecords(Protocol):
    """The records of one profile, by suffix; a dict is one."""

    def get(self, suffix: bytes, /) -> bytes | None:
        """Return the newest record of a suffix, or None if there is none."""


class _StoredParts:
    """The parts that the records of a profile hold."""

    __slots__ = ("_records",)

    def __init__(self, records: ProfileRecords) -> None:
        self._records = records

    def read(self, suffix: bytes) -> Part:
        record = self._records.get(suffix)
        if record is None:
            raise no_part(suffix)
        reader = _state_reader if len(suffix) == _SLOT_BYTES else _window_reader
        return reader.read(record)


def decode_profile(head: bytes, records: ProfileRecords) -> Profile:
    """Return the profile of a head record.

    `records` must include those that `changed_records` has returned and that are not yet stored.
    Parts are read when they are needed; reading raises StateFormatError if a part is damaged, and
    StateError if it is missing.

    Raises:
        StateFormatError: not a head, wrong format, or wrong checksum.
    """
    profile = Profile(_StoredParts(records))
    _read_head(profile, head, records)
    return profile


def renew_profile(profile: Profile, written: Collection[bytes], records: ProfileRecords) -> bool:
    """Update a profile that is only read to its newest records; return whether it still exists.

    `written` are the suffixes of all records that were written or deleted since it was read. From
    now on, it is read from `records`.

    Raises:
        StateFormatError: as `decode_profile`.
    """
    profile.parts.read_anew(_StoredParts(records), written)
    if HEAD_SUFFIX in written:
        head = records.get(HEAD_SUFFIX)
        if head is None:
            return False
        _read_head(profile, head, records)
    return True


def _read_head(profile: Profile, head: bytes, records: ProfileRecords) -> None:
    body = _head_reader.unseal(head)
    profile.pieces = 0
    if body and body[0] <= _PIECES_MAX:  # not an array
        profile.pieces = body[0]
        body = memoryview(b"".join(_piece(number, records) for number in range(profile.pieces)))
    profile.head = _head_reader.decode(body)


def _piece(number: int, records: ProfileRecords) -> memoryview:
    suffix = _piece_suffix(number)
    record = records.get(suffix)
    if record is None:
        raise no_part(suffix)
    return _head_reader.unseal(record)


def _piece_suffix(number: int) -> bytes:
    return number.to_bytes(_PIECE_SUFFIX_BYTES)


def new_profile(records: ProfileRecords) -> Profile:
    """Return a profile that has counted nothing; `records` as for `decode_profile`."""
    return Profile(_StoredParts(records))


def changed_records(profile: Profile, level: int) -> list[tuple[bytes, bytes | None]]:
    """Return (suffix, record or None to delete) for everything that changed since the last call.

    The records have the format level `level`.
    """
    if not profile.changed:
        return []
    profile.changed = False
    records = _head_records(profile, level)
    for suffix, part in profile.parts.take_changes():
        records.append((suffix, None if part is None else _part_record(part, level)))
    return records


def _head_records(profile: Profile, level: int) -> list[tuple[bytes, bytes | None]]:
    """Return the records of a head, and deletions of further records that it no longer has."""
    pieces: list[bytes] = []
    if profile.empty:
        record = None
    else:
        body = _encoder.encode(_at_level(profile.head, level))
        if len(body) > HEAD_BYTES_TARGET:
            _spill(profile, len(body) - HEAD_BYTES_TARGET // 2)
            body = _encoder.encode(_at_level(profile.head, level))
        if len(body) > HEAD_PIECE_BYTES and level > FIRST_LEVEL:
            starts = range(0, len(body), HEAD_PIECE_BYTES)
            pieces = [_HEAD.seal(body[at : at + HEAD_PIECE_BYTES], level) for at in starts]
            assert len(pieces) <= _PIECES_MAX, "nothing in a head grows to half a gigabyte"
            body = _encoder.encode(len(pieces))
        record = _HEAD.seal(body, level)
    records: list[tuple[bytes, bytes | None]] = [(HEAD_SUFFIX, record)]
    records += [(_piece_suffix(number), piece) for number, piece in enumerate(pieces)]
    records += [(_piece_suffix(number), None) for number in range(len(pieces), profile.pieces)]
    profile.pieces = len(pieces)
    return records


def _spill(profile: Profile, excess: int) -> None:
    """Move inline entries of windows to chunks, the largest first, until `excess` bytes moved."""
    windows = [(_inline_bytes(window), window) for window in profile.head.windows.values()]
    for size, window in sorted(windows, key=itemgetter(0), reverse=True):
        if excess <= 0 or not size:
            return
        spill(window, profile.parts)
        excess -= size


def _inline_bytes(window: Window) -> int:
    """Return about how many bytes of a head the inline entries of a window take."""
    texts = sum(len(value.encode()) for value in window.values if type(value) is str)
    return texts + _ENTRY_BYTES * len(window.times)


def _at_level(head: ProfileHead, level: int) -> object:
    if level > FIRST_LEVEL:
        return head
    fields = list(first_fields(head, _HEAD_FIELDS_1))
    fields[_WINDOWS] = {
        series: first_fields(window, _WINDOW_FIELDS_1) for series, window in head.windows.items()
    }
    fields[_JOINTS] = {
        rule: [first_fields(one, _INSTANCE_FIELDS_1) for one in instances]
        for rule, instances in head.joints.items()
    }
    return fields


def _part_record(part: Part, level: int) -> bytes:
    if isinstance(part, Chunk):
        return _CHUNK.seal(_encoder.encode(part.to_plain()), level)
    kind = _NODE if isinstance(part, Node) else _STATE
    return kind.seal(_encoder.encode(part), level)
