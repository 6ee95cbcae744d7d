"""The part of a windowed series that stands in the profile's head.

New entries, late ones included, go to a short inline list in time order. When it overflows, all of
it moves to the chunks: runs of at most CHUNK_ENTRIES_MAX entries that follow each other in time,
each a record of its own, under a tree of summaries (processor/windows/tree.py).

Invariants:
 - times rise within the inline list, within each chunk, and from chunk to chunk. Equal times stand
   in order of arrival: an entry goes behind all that are not later, and everything in the chunks
   arrived before everything inline. So no arrival number is kept.
 - a summary covers all entries below it. `families` names its states in order, `large_families`
   those of a node.
 - no chunk ends before `oldest_ms`.
"""

import msgspec

from processor.aggregates import Value
from processor.windows.node import Summary

# Before any event time.
_NEVER_MS = -1


class Window(msgspec.Struct, array_like=True):
    """A windowed series. `level` is 0 where `children` are summaries of chunks, else of nodes."""

    series_id: int
    times: list[int]
    values: list[Value]
    families: list[str]
    large_families: list[str]
    next_number: int
    level: int
    oldest_ms: int
    children: list[Summary]

    def suffix(self, number: int) -> bytes:
        """Return the suffix of the record key of a chunk or node."""
        return self.series_id.to_bytes(8) + number.to_bytes(4)

    def new_number(self) -> int:
        """Return the number of a new chunk or node."""
        number = self.next_number
        self.next_number = number + 1
        return number


def empty_window(series_id: int, next_number: int = 0) -> Window:
    """Return a window without entries, which gives numbers from `next_number` on."""
    return Window(series_id, [], [], [], [], next_number, 0, _NEVER_MS, [])
