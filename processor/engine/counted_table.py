"""Hashes of counted events in memory: for each, its 64 bits and the granule in which it arrived.

The range of all hashes is divided into the equal parts of a directory, whose length is a power of
two. A segment (processor/engine/counted_segment.py) holds the hashes of some neighbouring parts. A
lookup finds the segment by the hash's highest bits, and probes it from the slot of its lowest bits.

The table grows, shrinks and is cleaned in the same way. A *move* builds new segments, as many as
are needed now, from the first part of the directory to the last, and leaves out forgotten hashes.
One step of a move builds one segment, in about a tenth of a millisecond. Lookups that add a hash
run the steps. So no lookup waits for the whole table, none has to probe twice, and there is never a
second table.

What arrived before the *floor* is forgotten. The floor follows the watermark. It also rises if
there is not enough memory, so that the oldest hashes are forgotten first. A hash that arrived more
than GRANULES_SPAN before the newest one may count as having arrived GRANULES_SPAN before it. It is
then recognised for longer.

Invariants:
- each place of the directory refers to a segment, and a segment is in neighbouring places;
- a hash is in the segment that the directory names for it, or in none;
- `_by_granule` counts the hashes by granule; none of them is below the floor.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from processor.engine.counted_segment import (
    NO_ENTRIES,
    SEGMENT_BYTES,
    SLOT_MASK,
    SLOTS,
    Entries,
    Segment,
)
from processor.limits import DEDUPLICATION_GRANULES

# How far before the newest granule arrivals are distinguished: three quarters of the range of 16
# bits. The last quarter is how far the newest may advance before a segment must be built anew.
GRANULES_SPAN = 49_152
# Average slots taken in a segment: after a move, when a move begins, and when it must be over.
BUILT = int(SLOTS * 0.55)
_CROWDED = int(SLOTS * 0.7)
_FULL = int(SLOTS * 0.75)
# Minimum places in the directory per segment, which determines how even the segments are.
_PLACES = 16
# Hashes looked up between two checks for due steps of a move: fewer than a segment has room for.
_BATCH = 256
_HASH_BITS = 64


class CountedTable:
    """The hashes that one partition remembers.

    `segments_max` is how many segments it may take; it may be changed at any time. `floor` is the
    first granule that is not forgotten.
    """

    def __init__(self, segments_max: int) -> None:
        self.segments_max = segments_max
        self.floor = 0
        self.newest = 0
        self._by_granule: dict[int, int] = {}
        self._directory = [Segment(0)] * _PLACES
        self._shift = _HASH_BITS - (_PLACES - 1).bit_length()
        self._segments = 1
        # Slots taken, including those of forgotten hashes.
        self._taken = 0
        # The move: how many segments it makes, 0 if there is no move; how many it has made; steps
        # per added hash; steps that are due.
        self._target = 0
        self._made = 0
        self._pace = 0.0
        self._due = 0.0

    def __len__(self) -> int:
        return sum(self._by_granule.values())

    @property
    def bytes(self) -> int:
        """Memory that it takes, in bytes."""
        return self._segments * SEGMENT_BYTES

    def add(self, hashes: Sequence[int], granule: int) -> list[bool]:
        """Note events that arrived in a granule; return for each whether it was remembered.

        An event is remembered if it arrived at most DEDUPLICATION_GRANULES earlier, or later.
        No hash may be 0.
        """
        self.newest = max(self.newest, granule)
        if len(hashes) <= _BATCH:
            return self._add(hashes, granule)
        found: list[bool] = []
        for start in range(0, len(hashes), _BATCH):
            found += self._add(hashes[start : start + _BATCH], granule)
        return found

    def load(self, entries: Entries) -> Iterator[None]:
        """Add many entries at once; yield between the steps, all of which must be done.

        Raises:
            AssertionError: a move is in progress.
        """
        assert not self._target, "a table is loaded before it is used"
        if not len(entries.hashes):
            return
        self.newest = max(self.newest, int(entries.granules.max()))
        entries = entries.chosen(entries.granules >= self.floor)
        self._count(entries, 1)
        self._begin()
        entries = entries.chosen(entries.granules >= self.floor)
        order = np.argsort(entries.hashes)
        entries = Entries(entries.hashes[order], entries.granules[order])
        while self._target:
            self._step(entries)
            yield

    def forget_before(self, granule: int) -> None:
        """Forget what arrived in earlier granules."""
        if granule > self.floor:
            self.floor = granule
            for one in [one for one in self._by_granule if one < granule]:
                del self._by_granule[one]

    def tend(self) -> bool:
        """Release memory if there is much more than needed; return whether a step was done.

        For callers with a tenth of a millisecond to spare now and then: a table to which nothing is
        added does not move by itself.
        """
        if not self._target:
            wasteful = self._segments > 2 * _needed(len(self))
            if not wasteful and self._segments <= self.segments_max:
                return False
            self._begin()
        self._step(NO_ENTRIES)
        return True

    # --- lookups ---------------------------------------------------------------------------------

    def _add(self, hashes: Sequence[int], granule: int) -> list[bool]:
        found: list[bool] = []
        lost = 0
        retried = -1
        while len(found) < len(hashes):
            try:
                self._probe(hashes, granule, found)
            except (IndexError, ValueError):  # no slot is free, or the granule does not fit
                if len(found) == retried:
                    lost += 1
                    found.append(False)
                else:
                    retried = len(found)
                    self._rebuild_for(hashes[retried])
        added = found.count(False) - lost
        if added:
            granule = self._kept(granule)
            self._by_granule[granule] = self._by_granule.get(granule, 0) + added
            self._taken += added
            self._move(added)
        return found

    def _probe(self, hashes: Sequence[int], granule: int, found: list[bool]) -> None:
        """Add the hashes after those that already have an entry in `found`.

        Raises:
            IndexError: the segment has no free slot for the next hash.
            ValueError: the segment cannot hold the granule.
        """
        directory, shift = self._directory, self._shift
        oldest = max(granule - DEDUPLICATION_GRANULES, self.floor)
        granule = self._kept(granule)
        for wanted in hashes[len(found) :] if found else hashes:
            segment = directory[wanted >> shift]
            slots = segment.slots
            at = wanted & SLOT_MASK
            known = slots[at]
            while known and known != wanted:
                at += 1
                known = slots[at]
            if known:
                arrived = segment.base + segment.granules[at]
                if arrived >= oldest:
                    found.append(True)
                    continue
                segment.granules[at] = granule - segment.base
                self._taken -= 1  # it takes the slot of a hash that is too old to be found
                if arrived in self._by_granule:
                    self._by_granule[arrived] -= 1
            else:
                segment.granules[at] = granule - segment.base
                slots[at] = wanted
            found.append(False)

    def _kept(self, granule: int) -> int:
        """Return the granule to store for an arrival, so that it is not forgotten at once."""
        return max(granule, self.floor, self.newest - GRANULES_SPAN)

    # --- moves -----------------------------------------------------------------------------------

    def _move(self, added: int) -> None:
        """Do the steps that are due after `added` hashes were added."""
        if not self._target:
            if self._taken <= self._segments * _CROWDED:
                return
            self._begin()
        self._due += added * self._pace
        while self._due >= 1 and self._target:
            self._due -= 1
            self._step(NO_ENTRIES)

    def _begin(self) -> None:
        """Begin a move to as many segments as are needed and allowed."""
        room = max(self.segments_max, 1) * BUILT
        left = len(self)
        for granule in sorted(self._by_granule) if left > room else ():
            if left <= room:
                break
            left -= self._by_granule[granule]
            self.forget_before(granule + 1)
        self._target = _needed(left)
        self._made = 0
        self._due = 0.0
        self._pace = self._target / (self._segments * (_FULL - _CROWDED))
        while len(self._directory) < self._target * _PLACES:
            doubled = self._directory * 2
            doubled[::2] = doubled[1::2] = self._directory
            self._directory = doubled
            self._shift -= 1

    def _step(self, more: Entries) -> None:
        """Make the next segment, with its share of `more`, which is in order."""
        size = len(self._directory)
        first = self._made * size // self._target
        last = (self._made + 1) * size // self._target
        self._made += 1
        if self._made == self._target:
            self._target = 0
        if len(more.hashes):
            start = np.searchsorted(more.hashes, np.uint64(first << self._shift))
            stop = np.searchsorted(more.hashes, np.uint64((last << self._shift) - 1), "right")
            more = Entries(more.hashes[start:stop], more.granules[start:stop])
        self._rebuild(first, last, 1, more)

    def _rebuild_for(self, wanted: int) -> None:
        """Build the segment of a hash anew: as two, if it has more than one place."""
        directory = self._directory
        first = wanted >> self._shift
        last = first + 1
        segment = directory[first]
        while first and directory[first - 1] is segment:
            first -= 1
        while last < len(directory) and directory[last] is segment:
            last += 1
        self._rebuild(first, last, min(last - first, 2), NO_ENTRIES)

    def _rebuild(self, first: int, last: int, count: int, more: Entries) -> None:
        """Replace places of the directory with `count` new segments, and add `more`."""
        directory, shift = self._directory, self._shift
        old = list(dict.fromkeys(directory[first:last]))
        found = [one.entries(first << shift, (last << shift) - 1) for one in old]
        entries = Entries(
            np.concatenate([one.hashes for one in found]),
            np.concatenate([one.granules for one in found]),
        )
        self._taken -= len(entries.hashes)
        entries = entries.chosen(entries.granules >= self.floor)
        if len(more.hashes):
            entries, left_out = entries.joined(more)
            self._count(left_out, -1)
        base = self.newest - GRANULES_SPAN
        if len(entries.granules) and entries.granules.min() < base:
            self._count(entries, -1)
            entries = Entries(entries.hashes, np.maximum(entries.granules, base))
            self._count(entries, 1)
        for number in range(count):
            start = first + (last - first) * number // count
            stop = first + (last - first) * (number + 1) // count
            segment = Segment(base)
            mine = entries
            if count > 1:
                places = entries.hashes >> np.uint64(shift)
                mine = entries.chosen((places >= start) & (places < stop))
            without_room = segment.fill(mine)
            self._count(without_room, -1)
            self._taken += len(mine.hashes) - len(without_room.hashes)
            directory[start:stop] = [segment] * (stop - start)
        beside = [*directory[max(first - 1, 0) : first], *directory[last : last + 1]]
        self._segments += count - sum(one not in beside for one in old)

    def _count(self, entries: Entries, sign: int) -> None:
        granules, counts = np.unique(entries.granules, return_counts=True)
        for granule, count in zip(granules.tolist(), counts.tolist(), strict=True):
            self._by_granule[granule] = self._by_granule.get(granule, 0) + sign * count


def _needed(hashes: int) -> int:
    """Return how many segments hold that many hashes after a move."""
    return max(-(-hashes // BUILT), 1)
