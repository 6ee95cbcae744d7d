"""Labels ordered by how often, and then how recently, they were seen.

A label represents a value: its key, or its text. An entry of the order is (count, event time in ms
and number of the last occurrence, label). Of equal times, the larger number was seen later. The
time to add, to remove, and to find the first or last grows with the logarithm of the labels.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from sortedcontainers import SortedList

Label = int | float | str | bytes
_Entry = tuple[int, int, int, Label]
# An entry with its item in the order, and the item of its label in the dictionary.
_LABEL_BYTES = 400


class Ranks:
    """The labels of entries, which are added in the order of their times, then of arrival."""

    __slots__ = ("_entries", "_number", "_order")

    def __init__(self, times: Sequence[int], labels: Sequence[Label]) -> None:
        counts = Counter(labels)
        last_ms = dict(zip(labels, times, strict=True))
        latest_first = list(dict.fromkeys(reversed(labels)))
        self._number = len(latest_first)
        self._entries: dict[Label, _Entry] = {
            label: (counts[label], last_ms[label], number, label)
            for number, label in enumerate(reversed(latest_first))
        }
        self._order: Any = SortedList(self._entries.values())  # from a library without types

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def bytes(self) -> int:
        """The approximate memory, without the labels."""
        return len(self._entries) * _LABEL_BYTES

    def known(self, label: Label) -> Label:
        """Return the equal label that was already seen, else the label itself."""
        found = self._entries.get(label)
        return label if found is None else found[3]

    def add(self, label: Label, time_ms: int) -> None:
        """Add an entry, which comes after all entries that are not later."""
        self._number += 1
        before = self._entries.get(label)
        if before is None:
            entry = (1, time_ms, self._number, label)
        elif time_ms >= before[1]:
            entry = (before[0] + 1, time_ms, self._number, label)
        else:
            entry = (before[0] + 1, *before[1:])
        self._replace(before, entry)

    def remove(self, label: Label, time_ms: int, count: int) -> bool:
        """Remove the given number of entries of a label at a time.

        Returns False, and changes nothing, if other entries remain and it is unknown which of them
        was seen last.
        """
        before = self._entries[label]
        if count == before[0]:
            del self._entries[label]
            self._order.remove(before)
            return True
        if time_ms >= before[1]:
            return False
        self._replace(before, (before[0] - count, *before[1:]))
        return True

    def most(self) -> Label:
        """Return the label that was seen most often; of equal ones, the most recently seen."""
        entry: _Entry = self._order[-1]
        return entry[3]

    def least(self) -> Label:
        """Return the label that was seen least often; of equal ones, the most recently seen."""
        above = (self._order[0][0] + 1,)
        entry: _Entry = next(self._order.irange(None, above, reverse=True))
        return entry[3]

    def first(self, labels_max: int) -> dict[Label, int]:
        """Return labels with counts, the largest first; of equal ones, the most recently seen."""
        entries: Iterable[_Entry] = islice(reversed(self._order), labels_max)
        return {entry[3]: entry[0] for entry in entries}

    def _replace(self, before: _Entry | None, entry: _Entry) -> None:
        if before is not None:
            self._order.remove(before)
            # The dictionary would keep the first of two equal numbers.
            del self._entries[before[3]]
        self._entries[entry[3]] = entry
        self._order.add(entry)
