"""The events that a partition of profiles has counted, so that duplicates are ignored.

An event counts once for a profile. It is identified by a 64-bit hash (XXH3) of attribute key, id
and event id. With n remembered events, an event is mistaken for another one with probability
n / 2^64.

A duplicate is recognised by arrival, never by event time. Arrivals are compared in *granules*;
DEDUPLICATION_GRANULES of them make the horizon. A contribution is a duplicate if its event is
remembered and arrived at most that many granules earlier, or at any later time (the sources of a
partition can be far behind each other). So whether a contribution is a duplicate depends only on
the two arrivals. It does not matter when an event is forgotten: an event is forgotten only if no
contribution that arrives at or after the watermark can match it. A contribution that arrives before
the watermark, which no record with a correct timestamp does, counts as arriving at the watermark.

If there is not enough memory, the oldest events are forgotten first, and `held_ms` shows it.
"""

from array import array
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import groupby

import numpy as np
from xxhash import xxh3_64_intdigest

from processor.aggregates import Value
from processor.engine.contribution import Contribution
from processor.engine.counted_records import CountedRecord, Group
from processor.engine.counted_segment import SEGMENT_BYTES, Entries
from processor.engine.counted_table import CountedTable
from processor.errors import StateFormatError
from processor.limits import COUNTED_LOADED_HASHES, DEDUPLICATION_GRANULES

# Before any arrival.
_NEVER_MS = -1
# Number of small records that can be loaded in a millisecond.
_RECORDS_AT_ONCE = 200


class CountedEvents:
    """What one partition remembers. A horizon of 0 turns de-duplication off.

    `seed` goes into the hashes, so that no outsider can choose event ids that collide. It must be
    the same for all owners of the partition, and is stored in each record.
    """

    def __init__(self, horizon_ms: int, *, bytes_max: int, seed: int = 0) -> None:
        self.horizon_ms = horizon_ms
        self.seed = seed
        self._table = CountedTable(1)
        self.bytes_max = bytes_max
        self._watermark_ms = _NEVER_MS
        self._watermark_floor = 0
        # Counted since `take_new`, by granule: the last arrival, and the hashes.
        self._new: dict[int, tuple[int, array[int]]] = {}

    def __len__(self) -> int:
        return len(self._table)

    @property
    def bytes(self) -> int:
        """Memory that it takes, in bytes."""
        return self._table.bytes

    @property
    def bytes_max(self) -> int:
        """Memory that it may take, in bytes; `tend` releases the excess."""
        return self._table.segments_max * SEGMENT_BYTES

    @bytes_max.setter
    def bytes_max(self, bytes_max: int) -> None:
        self._table.segments_max = max(bytes_max // SEGMENT_BYTES, 1)

    @property
    def held_ms(self) -> int:
        """How far back from the newest arrival its memory reaches: the horizon, or less."""
        if self._table.floor <= self._watermark_floor:
            return self.horizon_ms
        granules = max(self._table.newest - self._table.floor, 0)
        return min(granules * self.horizon_ms // DEDUPLICATION_GRANULES, self.horizon_ms)

    def count(self, contributions: Sequence[Contribution], live: Container[int]) -> list[bool]:
        """Note contributions as counted, in order; return for each whether it already was.

        `live` are the series that the definitions keep. A contribution that has no value for any of
        them is not counted.
        """
        if not (self.horizon_ms and contributions):
            return [False] * len(contributions)
        if False not in [one.values != [] and one.values[0][0] in live for one in contributions]:
            return self._count(contributions)
        counts = [_counts(one.values, live) for one in contributions]
        counted = [one for one, does in zip(contributions, counts, strict=True) if does]
        found = iter(self._count(counted) if counted else [])
        return [does and next(found) for does in counts]

    def take_new(self) -> list[Group]:
        """Return what was counted since the last call, oldest first."""
        new, self._new = self._new, {}
        return [
            Group(arrival_ms, np.frombuffer(hashes, np.uint64))
            for _, (arrival_ms, hashes) in sorted(new.items())
        ]

    def load(self, records: Iterable[CountedRecord]) -> Iterator[None]:
        """Remember what records hold, before anything else is counted; yield between steps.

        Raises:
            StateFormatError: the records have hashes of different seeds.
        """
        waiting: list[Entries] = []
        count = 0
        seed: int | None = None
        for number, record in enumerate(records):
            if not number % _RECORDS_AT_ONCE:
                yield
            if seed is not None and record.seed != seed:
                message = f"counted events have hashes of the seeds {seed:#x} and {record.seed:#x}"
                raise StateFormatError(message, hint="the changelog holds records of another one")
            self.seed = seed = record.seed
            for arrival_ms, hashes in record.groups:
                granules = np.full(len(hashes), self._granule(arrival_ms), np.int64)
                waiting.append(Entries(hashes, granules))
                count += len(hashes)
            if count >= max(COUNTED_LOADED_HASHES, len(self) // 4):
                yield from self._table.load(_together(waiting))
                waiting, count = [], 0
        if waiting:
            yield from self._table.load(_together(waiting))

    def forget_before(self, watermark_ms: int) -> None:
        """Forget events that nothing arriving at or after a watermark can duplicate."""
        if watermark_ms > self._watermark_ms and self.horizon_ms:
            self._watermark_ms = watermark_ms
            self._watermark_floor = self._granule(watermark_ms) - DEDUPLICATION_GRANULES
            self._table.forget_before(self._watermark_floor)

    def forgotten(self, arrival_ms: int) -> bool:
        """Return whether everything that arrived at or before a time is forgotten."""
        if not self.horizon_ms:
            return True
        return arrival_ms * DEDUPLICATION_GRANULES // self.horizon_ms < self._table.floor

    def tend(self) -> bool:
        """Release some memory that is not needed; return whether there was any.

        It takes a tenth of a millisecond; callers with time to spare call it now and then.
        """
        return self._table.tend()

    def _granule(self, arrival_ms: int) -> int:
        return max(arrival_ms, self._watermark_ms) * DEDUPLICATION_GRANULES // self.horizon_ms

    def _count(self, contributions: Sequence[Contribution]) -> list[bool]:
        seed = self.seed
        hashes = [
            # No other key, id and event id make the same text. 0 is not a valid hash.
            xxh3_64_intdigest(
                f"{one.key}\0{len(one.id)}\0{one.id}{one.trigger.event_id}".encode(), seed
            )
            or 1
            for one in contributions
        ]
        arrivals = [one.trigger.arrival_ms for one in contributions]
        last_ms = max(arrivals)
        granule = self._granule(last_ms)
        if self._granule(min(arrivals)) == granule:
            return self._add(hashes, granule, last_ms)
        found: list[bool] = []
        pairs = zip(arrivals, hashes, strict=True)
        for granule, run in groupby(pairs, lambda pair: self._granule(pair[0])):
            mine = list(run)
            last_ms = max(arrival_ms for arrival_ms, _ in mine)
            found += self._add([one for _, one in mine], granule, last_ms)
        return found

    def _add(self, hashes: list[int], granule: int, arrival_ms: int) -> list[bool]:
        found = self._table.add(hashes, granule)
        if True in found:
            hashes = [one for one, known in zip(hashes, found, strict=True) if not known]
        if hashes:
            last_ms, new = self._new.get(granule) or (_NEVER_MS, array("Q"))
            new.extend(hashes)
            self._new[granule] = max(last_ms, arrival_ms, self._watermark_ms), new
        return found


def _counts(values: Sequence[tuple[int, Value]], live: Container[int]) -> bool:
    return any(series_id in live for series_id, _ in values)


def _together(entries: Sequence[Entries]) -> Entries:
    return Entries(
        np.concatenate([one.hashes for one in entries]),
        np.concatenate([one.granules for one in entries]),
    )
