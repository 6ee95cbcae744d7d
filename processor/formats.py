"""The closed list of record kinds: how the bytes of each kind begin, and its readable formats.

A record is: 1 byte magic, 1 byte format number, 4 bytes CRC-32 (zlib, big-endian) of the body, and
the body. The content of the body is described where it is encoded. `Kind.seal` puts the header
before a body, and a `RecordReader` removes it. Bytes that are too short, damaged or in another
format, and bodies that cannot be decoded, all raise StateFormatError.

A *format level* is one number for the formats of all kinds together. A worker reads every level up
to NEWEST_LEVEL and writes the highest that all live workers read
(processor/streaming/fetch/assignor.py; processor/decisions/formats.md gives the reasons). From
level 2 on no two kinds share a magic.
"""

import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

import msgspec

from processor.errors import StateFormatError

FIRST_LEVEL = 1
# The highest level that this version reads, and the only level that a group of its workers writes.
NEWEST_LEVEL = 2
# Every version whose stages are processes of their own reads this level.
STAGES_LEVEL = 2

_SHORT_HEADER = struct.Struct(">BB")
_HEADER = struct.Struct(">BBI")
# What decoders raise for a body that they cannot decode: msgspec's errors are ValueErrors, and a
# body that is nested too deeply is a RecursionError.
_NOT_DECODED = (ValueError, RecursionError)

Decoded = TypeVar("Decoded")


@dataclass(frozen=True, slots=True)
class Format:
    """The first bytes of a record; without a checksum, the body follows the format number.

    Number 0 is the format without any header: the record is its body.
    """

    magic: int
    number: int
    checksum: bool = True

    @property
    def start(self) -> bytes:
        """Magic and format number."""
        return _SHORT_HEADER.pack(self.magic, self.number) if self.number else b""

    def __str__(self) -> str:
        return f"{self.magic:#04x}/{self.number}"


_BARE = Format(0, 0, checksum=False)


class Kind(Enum):
    """One kind of record: its name in errors, and its formats.

    `written` are the formats that are written, in the order of the levels from level 1 on;
    `only_read` are older formats that are still read.
    """

    FRAME = "a frame", (Format(0xF7, 1), Format(0xF7, 2))
    HEAD = "a profile record", (Format(0xA5, 1), Format(0xA5, 2))
    CHUNK = "a profile part record", (Format(0xA6, 1), Format(0xA6, 2))
    NODE = "a profile part record", (Format(0xA7, 1), Format(0xAA, 2))
    LIFETIME_STATE = "a profile part record", (Format(0xA8, 1), Format(0xAB, 2))
    # Format 1 was written before the rules topic existed.
    POSITIONS = "a positions record", (Format(0xA7, 2), Format(0xA7, 3)), (Format(0xA7, 1),)
    COVERAGE = "a coverage record", (Format(0xA9, 1), Format(0xA9, 2))
    PART = "a part", (Format(0xA8, 1, checksum=False), Format(0xA8, 2))
    # Workers that read only level 1 ignore these records.
    COUNTED = "a record of counted events", (Format(0xAC, 1), Format(0xAC, 2))
    # Only in a store: it is never sent to another worker.
    RESTORE_MARK = "a restore mark", (_BARE, _BARE)

    title: str
    written: tuple[Format, ...]
    only_read: tuple[Format, ...]

    def __init__(
        self, title: str, written: tuple[Format, ...], only_read: tuple[Format, ...] = ()
    ) -> None:
        self.title = title
        self.written = written
        self.only_read = only_read

    @property
    def readable(self) -> tuple[Format, ...]:
        """Every format that can be read."""
        return *self.written, *self.only_read

    def seal(self, body: bytes, level: int) -> bytes:
        """Return the record that holds a body, in the kind's format at a level."""
        chosen = self.written[level - FIRST_LEVEL]
        if chosen.checksum:
            return _HEADER.pack(chosen.magic, chosen.number, zlib.crc32(body)) + body
        return chosen.start + body


class RecordReader(Generic[Decoded]):
    """Reads records of one or several kinds, in all their formats.

    `decoders` decode the bodies, by kind. Errors name a record by the title of the first kind.
    """

    def __init__(self, decoders: Mapping[Kind, Callable[[memoryview], Decoded]]) -> None:
        self._title = next(iter(decoders)).title
        self._first = next(iter(decoders.values()))
        self._known = {
            form.start: (form, decode)
            for kind, decode in decoders.items()
            for form in kind.readable
        }
        self._bare = self._known.get(_BARE.start)

    def read(self, record: bytes) -> Decoded:
        """Return what a record holds.

        Raises:
            StateFormatError: wrong magic or format number, too few bytes, wrong checksum, or a body
                that its decoder refuses.
        """
        form, decode = self._format(record)
        return self._decoded(decode, self._body(record, form))

    def unseal(self, record: bytes) -> memoryview:
        """Return the body of a record.

        Raises:
            StateFormatError: wrong magic or format number, too few bytes, or wrong checksum.
        """
        return self._body(record, self._format(record)[0])

    def decode(self, body: memoryview) -> Decoded:
        """Return what a body of the first kind holds, such as a body joined from several records.

        Raises:
            StateFormatError: its decoder refuses it.
        """
        return self._decoded(self._first, body)

    def _format(self, record: bytes) -> tuple[Format, Callable[[memoryview], Decoded]]:
        found = self._known.get(record[: _SHORT_HEADER.size], self._bare)
        if found is not None:
            return found
        if len(record) < _SHORT_HEADER.size:
            raise self._too_short(record)
        message = f"{self._title} of format {Format(record[0], record[1])} is not readable"
        readable = ", ".join(str(form) for form, _ in self._known.values())
        hint = f"this version reads {readable}: run the version that wrote it, or a newer one"
        raise StateFormatError(message, hint=hint)

    def _body(self, record: bytes, form: Format) -> memoryview:
        if not form.checksum:
            return memoryview(record)[len(form.start) :]
        if len(record) < _HEADER.size:
            raise self._too_short(record)
        body = memoryview(record)[_HEADER.size :]
        if zlib.crc32(body) != _HEADER.unpack_from(record)[2]:
            message = f"{self._title} does not match its checksum"
            raise StateFormatError(message, hint="it was damaged after it was written")
        return body

    def _decoded(self, decode: Callable[[memoryview], Decoded], body: memoryview) -> Decoded:
        try:
            return decode(body)
        except _NOT_DECODED as error:
            message = f"{self._title} is not what its header says"
            raise StateFormatError(message, private=str(error)) from error

    def _too_short(self, record: bytes) -> StateFormatError:
        return StateFormatError(f"{self._title} of {len(record)} bytes is too short")


def first_fields(record: msgspec.Struct, count: int) -> tuple[object, ...]:
    """Return the fields that an older level has, from a record that is encoded as an array.

    A newer level appends fields to those of the level before it.
    """
    return msgspec.structs.astuple(record)[:count]
