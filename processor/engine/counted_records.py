"""Hashes of counted events as bytes: what one flush adds to the changelog.

The body of a record (processor/formats.py) is, all numbers little-endian:

    8 bytes  seed of the hashes
    4 bytes  number of groups
    rest     for each group 8 bytes arrival in milliseconds and 4 bytes number of hashes; then the
             hashes of the groups in the same order, 8 bytes each

A group is what arrived in one granule, and its arrival is the last arrival in it. So a record can
also be read under another horizon, which divides time into other granules. A record of many hashes
takes little more than 8 bytes per hash.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from processor.errors import StateFormatError
from processor.formats import Kind, RecordReader
from processor.limits import COUNTED_RECORD_HASHES_MAX

_START = struct.Struct("<QI")
_GROUP = np.dtype([("arrival_ms", "<i8"), ("count", "<u4")])
_HASH = np.dtype("<u8")


class Group(NamedTuple):
    """Hashes of events that arrived in one granule, and the last of their arrivals."""

    arrival_ms: int
    hashes: NDArray[np.uint64]


class CountedRecord(NamedTuple):
    """What one record holds."""

    seed: int
    groups: Sequence[Group]

    @property
    def arrival_ms(self) -> int:
        """The last arrival."""
        return max(group.arrival_ms for group in self.groups)


def counted_records(seed: int, groups: Sequence[Group]) -> Iterator[CountedRecord]:
    """Yield the groups as records of at most COUNTED_RECORD_HASHES_MAX hashes."""
    chosen: list[Group] = []
    room = COUNTED_RECORD_HASHES_MAX
    for group in groups:
        hashes = group.hashes
        while len(hashes):
            piece, hashes = hashes[:room], hashes[room:]
            chosen.append(Group(group.arrival_ms, piece))
            room -= len(piece)
            if not room:
                yield CountedRecord(seed, chosen)
                chosen, room = [], COUNTED_RECORD_HASHES_MAX
    if chosen:
        yield CountedRecord(seed, chosen)


def encode_counted(record: CountedRecord, level: int) -> bytes:
    """Return the bytes of a record at a format level."""
    groups = np.array([(one.arrival_ms, len(one.hashes)) for one in record.groups], _GROUP)
    hashes = np.concatenate([one.hashes for one in record.groups]).astype(_HASH, copy=False)
    start = _START.pack(record.seed, len(groups))
    return Kind.COUNTED.seal(b"".join((start, groups.tobytes(), hashes.tobytes())), level)


def decode_counted(data: bytes) -> CountedRecord:
    """Return what a record of any level holds.

    Raises:
        StateFormatError: wrong magic or format number, wrong checksum, or wrong length.
    """
    return _reader.read(data)


def _decode(body: memoryview) -> CountedRecord:
    if len(body) < _START.size:
        raise _wrong_length()
    seed, count = _START.unpack_from(body)
    hashes_start = _START.size + count * _GROUP.itemsize
    if not count or len(body) < hashes_start:
        raise _wrong_length()
    heads = np.frombuffer(body[_START.size : hashes_start], _GROUP)
    ends = np.cumsum(heads["count"], dtype=np.int64)
    if len(body) != hashes_start + int(ends[-1]) * _HASH.itemsize:
        raise _wrong_length()
    hashes = np.frombuffer(body[hashes_start:], _HASH).astype(np.uint64, copy=False)
    pieces = np.split(hashes, ends[:-1])
    return CountedRecord(seed, list(map(Group, heads["arrival_ms"].tolist(), pieces)))


def _wrong_length() -> StateFormatError:
    return StateFormatError("a record of counted events is not as long as its header says")


_reader = RecordReader({Kind.COUNTED: _decode})
