"""The records of counted events in a partition's store, which are those of its changelog.

Each flush adds what it has counted, mostly as one record, which is never written again. The key is
0x04, then in big-endian order: the last arrival in the record (8 bytes), the offset of the
contributions up to which the flush goes (8 bytes), and the number of the record in the flush (2
bytes). So keys never repeat, and they are in the order of arrival: forgotten events are in the
first records, and later flushes remove these, each record as a whole.
"""

import struct
from collections.abc import Iterator

from processor.engine import (
    CountedEvents,
    CountedRecord,
    counted_records,
    decode_counted,
    encode_counted,
)
from processor.limits import COUNTED_REMOVED_MAX
from processor.state.store import Store

COUNTED_TAG = b"\x04"
_KEY = struct.Struct(">cQQH")
_ARRIVAL = struct.Struct(">cQ")


class CountedStore:
    """The records of one partition; memory holds what is remembered of them."""

    def __init__(self, store: Store, events: CountedEvents) -> None:
        self._store = store
        self._events = events
        # No record is older; None if there is no record.
        self._oldest_ms: int | None = 0

    def load(self) -> Iterator[None]:
        """Remember what the records hold; yield between steps of at most a millisecond.

        Raises:
            StateFormatError: a record is damaged, or has another format.
        """
        if self._events.horizon_ms:
            yield from self._events.load(self._records())

    def flush_records(self, offset: int, level: int) -> Iterator[tuple[bytes, bytes | None]]:
        """Yield what a flush of contributions up to an offset writes, at a format level.

        It yields records of what was counted since the last flush, and removals of some forgotten
        records.
        """
        for key in self._forgotten():
            yield key, None
        new = counted_records(self._events.seed, self._events.take_new())
        for number, record in enumerate(new):
            if self._oldest_ms is None or record.arrival_ms < self._oldest_ms:
                self._oldest_ms = record.arrival_ms
            key = _KEY.pack(COUNTED_TAG, record.arrival_ms, offset, number)
            yield key, encode_counted(record, level)

    def _records(self) -> Iterator[CountedRecord]:
        for _, value in self._stored(0):
            yield decode_counted(value)

    def _forgotten(self) -> list[bytes]:
        """Return keys of records whose events are all forgotten, the oldest first."""
        found: list[bytes] = []
        if self._oldest_ms is None or not self._events.forgotten(self._oldest_ms):
            return found
        for key, _ in self._stored(self._oldest_ms):
            _, self._oldest_ms = _ARRIVAL.unpack_from(key)
            if len(found) == COUNTED_REMOVED_MAX or not self._events.forgotten(self._oldest_ms):
                return found
            found.append(key)
        self._oldest_ms = None
        return found

    def _stored(self, arrival_ms: int) -> Iterator[tuple[bytes, bytes]]:
        """Yield the key and value of each record from an arrival on."""
        for key, value in self._store.scan(_ARRIVAL.pack(COUNTED_TAG, arrival_ms)):
            if not key.startswith(COUNTED_TAG):
                return
            yield key, value
