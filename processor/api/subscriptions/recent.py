"""Interventions of the last minutes, kept for clients that reconnect."""

from collections import deque
from collections.abc import Iterable, Sequence

from processor.interventions import InterventionRecord
from processor.request_limits import KEPT_RECORD_BYTES

# A record, and its number in the order of arrival of all records.
_Kept = tuple[int, InterventionRecord]


class RecentInterventions:
    """The newest records of all partitions, within a time and a number of bytes.

    They are kept in order of arrival and found by the id of their target. `complete_from` is, for
    each partition, the offset from which none is missing; `bytes` is their approximate size.
    """

    def __init__(self, period_ms: int, bytes_max: int) -> None:
        self.complete_from: list[int] = []
        self._period_ms = period_ms
        self._bytes_max = bytes_max
        self.bytes = 0
        self._count = 0
        self._kept: deque[InterventionRecord] = deque()
        self._by_id: dict[bytes, list[_Kept]] = {}

    def begin(self, positions: Sequence[int]) -> None:
        """Start empty at these offsets."""
        self.complete_from = list(positions)

    def add(self, record: InterventionRecord) -> None:
        """Keep a record; the records of one partition must come in the order of their offsets."""
        self._count += 1
        self._kept.append(record)
        self._by_id.setdefault(record.target_id, []).append((self._count, record))
        self.bytes += _size(record)
        while self.bytes > self._bytes_max:
            self._drop_first()

    def expire(self, now_ms: int) -> None:
        """Drop records that are too old."""
        while self._kept and self._kept[0].timestamp_ms <= now_ms - self._period_ms:
            self._drop_first()

    def after(self, positions: Sequence[int], ids: Iterable[bytes]) -> list[InterventionRecord]:
        """Return the kept records for these ids from the offsets on, in order of arrival."""
        found = [
            kept
            for id_ in ids
            for kept in self._by_id.get(id_, ())
            if kept[1].offset >= positions[kept[1].partition]
        ]
        return [record for _, record in sorted(found)]

    def _drop_first(self) -> None:
        record = self._kept.popleft()
        self.bytes -= _size(record)
        self.complete_from[record.partition] = record.offset + 1
        of_id = self._by_id[record.target_id]
        del of_id[0]
        if not of_id:
            del self._by_id[record.target_id]


def _size(record: InterventionRecord) -> int:
    return len(record.value) + len(record.target_id) + KEPT_RECORD_BYTES
