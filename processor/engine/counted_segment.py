"""One segment of the table of counted events: the hashes of one part of the range of all hashes.

A segment uses open addressing with linear probing. A hash is in the slot that its lowest bits name,
or in a later slot; 0 is a free slot. After the last slot that a hash can name, there are spare
slots, so that nothing wraps around. Beside each slot is the granule in which the event arrived, as
a 16-bit difference from the segment's base.

Single slots are read and written through memoryviews, in about a tenth of a microsecond each. All
other operations process whole segments with numpy, in about a tenth of a millisecond each.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Slots that a hash can name, a power of two, and the spare slots. A larger segment takes longer to
# build; smaller segments need more memory for the objects around them.
SLOTS = 8_192
SPARE_SLOTS = 512
SLOT_MASK = SLOTS - 1
# Memory of a segment: its slots, the objects around them, and its places in the directory.
SEGMENT_BYTES = (SLOTS + SPARE_SLOTS) * (8 + 2) + 1_024


class Entries(NamedTuple):
    """Hashes, each with the granule in which its event arrived."""

    hashes: NDArray[np.uint64]
    granules: NDArray[np.int64]

    def chosen(self, which: "NDArray[np.bool_]") -> "Entries":
        """Return the entries that a mask selects."""
        return Entries(self.hashes[which], self.granules[which])

    def joined(self, more: "Entries") -> tuple["Entries", "Entries"]:
        """Return both together, each hash once with its latest granule, and the entries left out.

        The result is in the order of the hashes.
        """
        hashes = np.concatenate((self.hashes, more.hashes))
        granules = np.concatenate((self.granules, more.granules))
        order = np.lexsort((granules, hashes))
        both = Entries(hashes[order], granules[order])
        last = np.ones(len(order), dtype=np.bool_)
        last[:-1] = both.hashes[1:] != both.hashes[:-1]
        return both.chosen(last), both.chosen(~last)


NO_ENTRIES = Entries(np.empty(0, np.uint64), np.empty(0, np.int64))


class Segment:
    """Slots for hashes. `base` is the least granule that it can hold.

    `slots` and `granules` are for single reads and writes: writing a granule that does not fit
    raises ValueError, and probing past the last slot raises IndexError.
    """

    __slots__ = ("_differences", "_hashes", "base", "granules", "slots")

    def __init__(self, base: int) -> None:
        self._hashes = np.zeros(SLOTS + SPARE_SLOTS, np.uint64)
        self._differences = np.zeros(SLOTS + SPARE_SLOTS, np.uint16)
        self.slots = self._hashes.data
        self.granules = self._differences.data
        self.base = base

    def entries(self, lowest: int, highest: int) -> Entries:
        """Return the entries whose hashes are between `lowest` and `highest`, inclusive."""
        hashes = self._hashes
        # A free slot is 0; a hash never is.
        which = (hashes >= max(lowest, 1)) & (hashes <= highest)
        return Entries(hashes[which], self._differences[which] + np.int64(self.base))

    def fill(self, entries: Entries) -> Entries:
        """Put entries, whose granules fit, into the empty segment; return those that did not fit.

        In the order of the slots that they name, each entry takes its slot or the slot after its
        predecessor's, whichever is later.
        """
        named = (entries.hashes & np.uint64(SLOT_MASK)).astype(np.uint16)
        order = np.argsort(named, kind="stable")
        count = np.arange(len(order))
        places = np.maximum.accumulate(named[order] - count) + count
        room = int(np.searchsorted(places, SLOTS + SPARE_SLOTS))
        placed = order[:room]
        self._hashes[places[:room]] = entries.hashes[placed]
        self._differences[places[:room]] = entries.granules[placed] - self.base
        return Entries(entries.hashes[order[room:]], entries.granules[order[room:]])
