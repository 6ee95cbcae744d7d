"""Packed records of the source: what Enrich writes if it is configured to compress its output.

A packed record is gzip or zstd. Enrich puts many events into one:

    1 byte   1, the version of this format
    1 byte   the version of what is inside
    then, for each event:
    4 bytes  its size, big-endian
    rest     its line of the enriched TSV

Other programs compress a single line, which is read as well. There is no ambiguity: no line begins
with a byte of value 1.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from processor.errors import DeadLetterReason, MalformedEventError
from processor.events.compression import BrokenError, compression_of, decompress
from processor.limits import (
    DETAIL_CHARS_MAX,
    EVENT_BYTES_MAX,
    PACKED_BYTES_USUAL,
    UNPACKED_BYTES_MAX,
    UNPACKED_BYTES_USUAL,
    UNPACKED_EVENTS_MAX,
)

_VERSION: Final = 1
_HEADER_BYTES: Final = 2
_SIZE_BYTES: Final = 4
# How much larger the next buffer is if one was too small.
_GROWTH: Final = 16


class PackedRecordError(MalformedEventError):
    """A record is not an event but packed; `unpack` returns its events."""

    def __init__(self) -> None:
        super().__init__(DeadLetterReason.UTF8, "the record is packed, inside of a packed record")


class Unpacked(NamedTuple):
    """The events of a packed record, each in the form of a separate record."""

    compression: str
    events: list[bytes]


def unpack(value: bytes) -> Unpacked:
    """Return the events of a packed record.

    Raises:
        MalformedEventError: it is broken (utf8), or too large (too_large).
    """
    unpacked = _unpack(value, _of_any_size)
    assert unpacked is not None, "of any size"
    return unpacked


def unpack_usual(value: bytes) -> Unpacked | None:
    """Return the events of a packed record as `unpack` does, but None if that may take long.

    A millisecond is not long; a second, which a record of the maximum size takes, is.
    """
    return None if len(value) > PACKED_BYTES_USUAL else _unpack(value, _of_usual_size)


def _unpack(value: bytes, content: Callable[[str, bytes], bytes | None]) -> Unpacked | None:
    compression = compression_of(value)
    assert compression is not None, "only packed records are unpacked"
    try:
        data = content(compression, value)
        if data is None:
            return None
        if data[:1] != bytes((_VERSION,)):
            return Unpacked(compression, [data])
        return Unpacked(compression, list(_events(data)))
    except BrokenError as error:
        detail = f"the {compression} record cannot be unpacked: {error}"[:DETAIL_CHARS_MAX]
        raise MalformedEventError(DeadLetterReason.UTF8, detail) from error


def _of_usual_size(compression: str, value: bytes) -> bytes | None:
    """Return the content of a record; None if it is larger than usual."""
    found = decompress(compression, value, UNPACKED_BYTES_USUAL)
    return found.data if found.complete else None


def _of_any_size(compression: str, value: bytes) -> bytes:
    """Return the content of a record, up to the limit of one event or of many."""
    size = UNPACKED_BYTES_USUAL
    while True:
        found = decompress(compression, value, size)
        if found.complete:
            return found.data
        several = found.data[0] == _VERSION
        size_max = UNPACKED_BYTES_MAX if several else EVENT_BYTES_MAX
        if size >= size_max:
            detail = f"the {compression} record is over {size_max} bytes unpacked"
            raise MalformedEventError(DeadLetterReason.TOO_LARGE, detail)
        size = min(size * _GROWTH, size_max)


def _events(data: bytes) -> Iterator[bytes]:
    start, count = _HEADER_BYTES, 0
    while start < len(data):
        count += 1
        if count > UNPACKED_EVENTS_MAX:
            detail = f"the record has over {UNPACKED_EVENTS_MAX} events"
            raise MalformedEventError(DeadLetterReason.TOO_LARGE, detail)
        first = start + _SIZE_BYTES
        end = first + int.from_bytes(data[start:first])
        if end > len(data) or first > len(data):
            message = f"it ends inside of event {count}"
            raise BrokenError(message)
        yield data[first:end]
        start = end
    if count == 0:
        message = "it has no events"
        raise BrokenError(message)
