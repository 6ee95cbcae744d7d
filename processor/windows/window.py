"""The part of a windowed series that is in the profile's head.

New entries, including late ones, go to a short inline list in time order. When it overflows, all of
it moves to the chunks: runs of at most CHUNK_ENTRIES_MAX consecutive entries, each a separate
record, under a tree of summaries (processor/windows/tree.py).

Invariants:
 - times increase within the inline list, within each chunk, and from chunk to chunk. Equal times
   are in order of arrival: an entry comes after all entries that are not later, and all entries in
   the chunks arrived before all inline entries. Therefore no arrival number is kept.
 - a summary covers all entries below it. `families` names its states in order, `large_families`
   the states of a node.
 - no chunk ends before `oldest_ms`.
"""

import msgspec

from processor.aggregates import Value
from processor.windows.node import Summary

# Before any event time.
_NEVER_MS = -1
# A busy series takes years for 4 billion numbers: one for each change of a chunk or node.
_SHORT_NUMBERS = 2**32


class Window(msgspec.Struct, array_like=True):
    """A windowed series. `level` is 0 where `children` are summaries of chunks, else of nodes.

    `arrival_ms` is the latest arrival time when an entry was last added, negative if unknown.
    """

    series_id: int
    times: list[int]
    values: list[Value]
    families: list[str]
    large_families: list[str]
    next_number: int
    level: int
    oldest_ms: int
    children: list[Summary]
    arrival_ms: int = _NEVER_MS

    def suffix(self, number: int) -> bytes:
        """Return the suffix of the record key of a chunk or node.

        A number has 4 bytes if it fits, as in every record so far, else 8.
        """
        return self.series_id.to_bytes(8) + number.to_bytes(4 if number < _SHORT_NUMBERS else 8)

    def new_number(self) -> int:
        """Return the number of a new chunk or node."""
        number = self.next_number
        self.next_number = number + 1
        return number


def empty_window(series_id: int, next_number: int = 0) -> Window:
    """Return a window without entries, which assigns numbers from `next_number` on."""
    return Window(series_id, [], [], [], [], next_number, 0, _NEVER_MS, [])
