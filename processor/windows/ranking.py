"""The ranks of the entries of a part of a window, moved on with the window and the part's edges.

The size of a state over many distinct values grows with their number. Instead, ranks are kept with
the decoded profile, together with the labels of each of their chunks. Each read updates them to the
current window: from the top of the tree down to the chunks whose versions differ, and along the
edges. Entries that left one place and appeared in another (inline entries that moved to a chunk,
chunks that were split) cancel out. What remains are the entries that entered the part and those
that left it: with the entries of a chunk that changed, about 20 steps for an event, and for each of
the two the time of the ranks (processor/aggregates/ranks.py).

Invariants:
 - an entry that is added comes after all entries in the ranks that are not later: so entries
   arrive in a window, and an edge passes entries that are later, or earlier, than all inside.
 - within a window, equal versions have equal content. A number belongs to a chunk or to a node.
"""

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from operator import itemgetter

from processor.aggregates import Label, Ranked, Ranks, Value
from processor.windows.node import Summary
from processor.windows.parts import Parts
from processor.windows.tree import Tree, first_ms, last_ms
from processor.windows.window import Window

# An entry of a chunk: its time, and the index of its label in a list.
_ENTRY_BYTES = 16
_time = itemgetter(0)


class _Leaf:
    """The times and labels of a chunk; those from `start` to before `stop` are inside."""

    __slots__ = ("labels", "start", "stop", "times", "version")

    def __init__(self, version: int, times: Sequence[int], labels: list[Label]) -> None:
        self.version = version
        self.times = array("q", times)
        self.labels = labels
        self.start = self.stop = 0

    def ends_inside(self, other: "_Leaf") -> bool:
        """Return whether all entries here up to the end are inside, and as many of `other`."""
        return len(self.times) == self.stop <= other.stop

    def begins(self, other: "_Leaf") -> bool:
        """Return whether another leaf begins with all entries of this one."""
        count = len(self.times)
        return self.times == other.times[:count] and self.labels == other.labels[:count]


class _Node:
    """The numbers below a node of version `version` that overlap the part; `whole`: all do."""

    __slots__ = ("numbers", "version", "whole")

    def __init__(self, version: int, numbers: list[int], *, whole: bool) -> None:
        self.version = version
        self.numbers = numbers
        self.whole = whole


class _Flow:
    """Entries that are added, in the order of the window, or removed: parallel lists."""

    __slots__ = ("labels", "times")

    def __init__(self) -> None:
        self.times: list[int] = []
        self.labels: list[Label] = []

    def take(self, leaf: _Leaf, start: int, stop: int) -> None:
        """Add the entries of a leaf from `start` to before `stop`, if there are any."""
        if start < stop:
            self.times.extend(leaf.times[start:stop])
            self.labels.extend(leaf.labels[start:stop])

    def ranks(self) -> Ranks:
        """Return the ranks of the added entries."""
        if sorted(self.times) == self.times:
            return Ranks(self.times, self.labels)
        # Late entries, which are inline.
        entries = sorted(zip(self.times, self.labels, strict=True), key=_time)
        return Ranks([time_ms for time_ms, _ in entries], [label for _, label in entries])


class Ranking:
    """The ranks of the entries of one window at times in (`after_ms`, `until_ms`]."""

    __slots__ = (
        "_came", "_gone", "_inline", "_leaves", "_names", "_nodes", "_ranked", "_stamp", "_top",
        "after_ms", "ranks", "until_ms",
    )  # fmt: skip

    def __init__(self, ranked: Ranked) -> None:
        self._ranked = ranked
        self._start_anew()

    def _start_anew(self) -> None:
        self.after_ms = self.until_ms = -1
        self.ranks = Ranks((), ())
        self._leaves: dict[int, _Leaf] = {}
        self._nodes: dict[int, _Node] = {}
        self._top: list[int] = []
        self._inline = _Leaf(-1, (), [])
        # The state of the chunks at the last read: next number, oldest time.
        self._stamp = (-1, -1)
        self._came, self._gone = _Flow(), _Flow()
        # During creation: each text once.
        self._names: dict[Label, Label] = {}

    @property
    def bytes(self) -> int:
        """The approximate memory, without the values of the labels."""
        entries = sum(len(leaf.times) for leaf in self._leaves.values())
        return entries * _ENTRY_BYTES + self.ranks.bytes

    def move(self, window: Window, parts: Parts, after_ms: int, until_ms: int) -> None:
        """Update the ranks to the current entries of the window in (after_ms, until_ms]."""
        self._collect(window, parts, after_ms, until_ms)
        if not self._apply():
            self._start_anew()
            self._collect(window, parts, after_ms, until_ms)
            self._apply()

    # --- added and removed entries ---------------------------------------------------------------

    def _collect(self, window: Window, parts: Parts, after_ms: int, until_ms: int) -> None:
        self._came, self._gone = _Flow(), _Flow()
        stamp = (window.next_number, window.oldest_ms)
        if (after_ms, until_ms) != (self.after_ms, self.until_ms) or stamp != self._stamp:
            self.after_ms, self.until_ms, self._stamp = after_ms, until_ms, stamp
            self._collect_chunks(window, Tree(window, parts))
        times, values = window.times, window.values
        start, stop = bisect_right(times, after_ms), bisect_right(times, until_ms)
        labels = self._ranked.labels(values[start:stop]) if start < stop else []
        inline = _Leaf(-1, times[start:stop], labels)
        inline.stop = len(inline.times)
        self._exchange(self._inline, inline)
        self._inline = inline

    def _collect_chunks(self, window: Window, tree: Tree) -> None:
        unsure, found = set(self._top), set[int]()
        self._top = self._walk(window.children, window.level, tree, unsure, found)
        while unsure:
            number = unsure.pop()
            if number in found:
                continue
            if node := self._nodes.pop(number, None):
                unsure.update(node.numbers)
            elif leaf := self._leaves.pop(number, None):
                self._gone.take(leaf, leaf.start, leaf.stop)

    def _walk(
        self, children: list[Summary], level: int, tree: Tree, unsure: set[int], found: set[int]
    ) -> list[int]:
        """Update everything below children to their current state, and return their numbers.

        `found` receives existing numbers, `unsure` numbers that may no longer exist.
        """
        start = bisect_right(children, self.after_ms, key=last_ms)
        stop = bisect_right(children, self.until_ms, key=first_ms)
        touching = children[start:stop]
        numbers = [child.number for child in touching]
        found.update(numbers)
        for child in touching:
            if not level:
                self._look_at_chunk(child, tree)
                continue
            known = self._nodes.get(child.number)
            whole = self.after_ms < child.first_ms and child.last_ms <= self.until_ms
            if known is not None:
                if whole and known.whole and known.version == child.version:
                    continue
                unsure.update(known.numbers)
            below = self._walk(tree.node(child).children, level - 1, tree, unsure, found)
            self._nodes[child.number] = _Node(child.version, below, whole=whole)
        return numbers

    def _look_at_chunk(self, summary: Summary, tree: Tree) -> None:
        leaf = known = self._leaves.get(summary.number)
        if leaf is None or leaf.version != summary.version:
            chunk = tree.chunk(summary)
            leaf = _Leaf(summary.version, chunk.times, self._labels(chunk.values.copy()))
        start, stop = bisect_right(leaf.times, self.after_ms), len(leaf.times)
        if summary.last_ms > self.until_ms:
            stop = bisect_right(leaf.times, self.until_ms)
        if known is leaf:
            self._pass(leaf, start, stop)
        leaf.start, leaf.stop = start, stop
        if known is not leaf:
            self._leaves[summary.number] = leaf
            self._exchange(known, leaf)

    def _pass(self, leaf: _Leaf, start: int, stop: int) -> None:
        """Move the edges of the part past entries of a leaf."""
        before, behind = leaf.start, leaf.stop
        self._gone.take(leaf, before, min(start, behind))
        self._came.take(leaf, start, min(before, stop))
        self._gone.take(leaf, max(stop, before, start), behind)
        self._came.take(leaf, max(behind, start, before), stop)

    def _exchange(self, known: _Leaf | None, leaf: _Leaf) -> None:
        """Remove the inside entries of one leaf, and add those of another."""
        if known is None:
            self._came.take(leaf, leaf.start, leaf.stop)
        elif known.start == leaf.start and known.ends_inside(leaf) and known.begins(leaf):
            self._came.take(leaf, known.stop, leaf.stop)
        else:
            self._gone.take(known, known.start, known.stop)
            self._came.take(leaf, leaf.start, leaf.stop)

    def _labels(self, values: list[Value]) -> list[Label]:
        """Return the labels of values; equal texts are one object."""
        labels = self._ranked.labels(values)
        if {*map(type, labels)} != {str}:
            return labels
        if len(self.ranks):
            return [*map(self.ranks.known, labels)]
        return [*map(self._names.setdefault, labels, labels)]

    # --- applied to the ranks --------------------------------------------------------------------

    def _apply(self) -> bool:
        """Apply added and removed entries; False if they do not determine what was seen last."""
        came, gone = self._came, self._gone
        self._came, self._gone = _Flow(), _Flow()
        self._names = {}
        if not len(self.ranks):
            assert not gone.times, "nothing was inside"
            self.ranks = came.ranks()
            return True
        entering: Iterable[tuple[int, Label]] = zip(came.times, came.labels, strict=True)
        leaving = Counter(zip(gone.times, gone.labels, strict=True))
        for entry in _without(entering, leaving) if leaving else entering:
            self.ranks.add(entry[1], entry[0])
        rest = sorted(((*entry, count) for entry, count in leaving.items() if count), key=_time)
        return all(self.ranks.remove(label, time_ms, count) for time_ms, label, count in rest)


def _without(
    entries: Iterable[tuple[int, Label]], others: "Counter[tuple[int, Label]]"
) -> list[tuple[int, Label]]:
    """Return entries without others, and remove the entries found from the others."""
    kept = []
    for entry in entries:
        if others.get(entry):
            others[entry] -= 1
        else:
            kept.append(entry)
    return kept
