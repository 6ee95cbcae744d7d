"""Changes the tree of chunks below a window.

    head        children [summary, ...]                       level 2
    node        children [summary, ...], large states         level 1
    node        children [summary, ...], large states         level 0
    chunk       times, values

The small states of a chunk or node are in its summary, one level up, so that they can be read
without opening it. Large ones (lists, maps, sketches) are in the node itself; those of a chunk are
computed from its entries on demand.

A run of new entries is merged into the chunks that it belongs to. On the way up, each node merges
the run's large state into its own, so nothing outside the path is opened. Only a node that splits
computes its large states again from its children, once in about 4,000 entries. A chunk at the end
takes CHUNK_FILLED_ENTRIES, which leaves room for late entries, before a new chunk is opened; if a
node at the end is full, a new one is opened, too. Anywhere else, a chunk or node that is too large
is split evenly. If the head has too many children, they move into nodes, which adds a level.

Dropping removes whole chunks from the left. The nodes on that edge then have the rest, so their
large states are not kept (NOT_KEPT) and are computed from their children if a read needs them.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from operator import attrgetter

from processor.aggregates import FAMILIES, Aggregate, State
from processor.limits import (
    CHUNK_ENTRIES_MAX,
    CHUNK_FILLED_ENTRIES,
    NODE_CHILDREN_MAX,
    SUMMARY_BYTES_MAX,
    TOP_CHILDREN_MAX,
)
from processor.windows.chunk import Chunk
from processor.windows.node import NOT_KEPT, Node, Summary
from processor.windows.parts import Parts
from processor.windows.window import Window

first_ms = attrgetter("first_ms")
last_ms = attrgetter("last_ms")


class Tree:
    """The tree of one window; it is discarded after a change or a read."""

    __slots__ = ("_parts", "_window")

    def __init__(self, window: Window, parts: Parts) -> None:
        self._window = window
        self._parts = parts

    # --- reading -------------------------------------------------------------------------------

    def chunk(self, summary: Summary) -> Chunk:
        """Return the chunk of a summary."""
        found: Chunk = self._parts.get(self._window.suffix(summary.number))
        return found

    def node(self, summary: Summary) -> Node:
        """Return the node of a summary."""
        found: Node = self._parts.get(self._window.suffix(summary.number))
        return found

    def state(self, aggregate: Aggregate, summary: Summary, level: int) -> State:
        """Return the state of an aggregate with large states, over everything below a summary."""
        if level == 0:
            return gather_all(aggregate, self.chunk(summary))
        node = self.node(summary)
        names = self._window.large_families
        if aggregate.family in names:
            state = node.states[names.index(aggregate.family)]
            if state is not NOT_KEPT:
                return state
        return aggregate.merge([self.state(aggregate, one, level - 1) for one in node.children])

    # --- changing ------------------------------------------------------------------------------

    def insert(self, run: Chunk) -> None:
        """Add entries that arrived after all others."""
        window = self._window
        first = window.children[0].version if window.children else None
        self._insert(window.children, window.level, run, at_end=True)
        if len(window.children) > TOP_CHILDREN_MAX:
            groups = _groups(window.children, NODE_CHILDREN_MAX, at_end=True)
            window.level += 1
            window.children = [self._new_node(group, window.level) for group in groups]
        if window.children[0].version != first:
            window.oldest_ms = window.children[0].first_ms

    def drop_until(self, limit_ms: int) -> bool:
        """Drop the chunks that end at or before `limit_ms`; return whether there are any."""
        window = self._window
        dropped = self._drop(window.children, window.level, limit_ms)
        while window.level and len(window.children) <= 1:
            for only in window.children:
                window.children = self.node(only).children.copy()
                self._parts.delete(window.suffix(only.number))
            window.level = window.level - 1 if window.children else 0
        window.oldest_ms = self._first_end_ms()
        return dropped

    def delete_all(self) -> None:
        """Delete the records of all chunks and nodes."""
        self._delete(self._window.children, self._window.level)

    def summarise(self, aggregates: Iterable[Aggregate]) -> None:
        """Bring the summaries to the aggregates that are read now, where one is missing."""
        window = self._window
        read = {one.family: one for one in aggregates if one.end is None}
        if set(read) <= {*window.families, *window.large_families}:
            return
        window.families = sorted(name for name, one in read.items() if one.size is None)
        window.large_families = sorted(name for name, one in read.items() if one.size is not None)
        self._summarise(window.children, window.level)

    # --- inserting -----------------------------------------------------------------------------

    def _insert(self, children: list[Summary], level: int, run: Chunk, *, at_end: bool) -> None:
        """Insert a run under children; `at_end`: the last child is the end of the window."""
        start = 0
        while start < len(run.times):
            index = max(bisect_right(children, run.times[start], key=first_ms) - 1, 0)
            last = index + 1 >= len(children)
            stop = len(run.times)
            if not last:
                stop = bisect_left(run.times, children[index + 1].first_ms, start)
            part = run.part(start, stop)
            if not children:
                children.append(self._store_chunk(part, self._window.new_number()))
            else:
                ends = at_end and last
                children[index : index + 1] = self._put(children[index], level, part, at_end=ends)
            start = stop

    def _put(self, old: Summary, level: int, run: Chunk, *, at_end: bool) -> list[Summary]:
        """Return the replacement of a chunk or node that the run belongs to."""
        if level:
            return self._put_below(old, level, run, at_end=at_end)
        at_end = at_end and run.times[0] >= old.last_ms
        if at_end and old.count >= CHUNK_FILLED_ENTRIES:
            return [old, self._store_chunk(run, self._window.new_number())]
        merged = self.chunk(old).merged(run)
        count = len(merged.times)
        if count <= (CHUNK_FILLED_ENTRIES if at_end else CHUNK_ENTRIES_MAX):
            return [self._store_chunk(merged, old.number)]
        cut = CHUNK_FILLED_ENTRIES if at_end else count // 2
        left, right = merged.part(0, cut), merged.part(cut, count)
        return [
            self._store_chunk(left, old.number),
            self._store_chunk(right, self._window.new_number()),
        ]

    def _put_below(self, old: Summary, level: int, run: Chunk, *, at_end: bool) -> list[Summary]:
        node = self.node(old)
        children = node.children.copy()
        self._insert(children, level - 1, run, at_end=at_end)
        if len(children) > NODE_CHILDREN_MAX:
            self._parts.delete(self._window.suffix(old.number))
            groups = _groups(children, NODE_CHILDREN_MAX, at_end=at_end)
            return [self._new_node(group, level) for group in groups]
        states = [
            state if state is NOT_KEPT else _kept(family, [state, gather_all(family, run)])
            for family, state in zip(self._large(), node.states, strict=True)
        ]
        return [self._store_node(Node(children, states), old.number)]

    # --- dropping ------------------------------------------------------------------------------

    def _drop(self, children: list[Summary], level: int, limit_ms: int) -> bool:
        gone = bisect_right(children, limit_ms, key=last_ms)
        self._delete(children[:gone], level)
        del children[:gone]
        if not level or not children or children[0].first_ms > limit_ms:
            return gone > 0
        edge = children[0]
        below = self.node(edge).children.copy()
        if not self._drop(below, level - 1, limit_ms):
            return gone > 0
        children[0] = self._store_node(
            Node(below, [NOT_KEPT] * len(self._window.large_families)), edge.number
        )
        return True

    def _delete(self, summaries: Iterable[Summary], level: int) -> None:
        for summary in summaries:
            if level:
                self._delete(self.node(summary).children, level - 1)
            self._parts.delete(self._window.suffix(summary.number))

    def _first_end_ms(self) -> int:
        children, level = self._window.children, self._window.level
        while level:
            children, level = self.node(children[0]).children, level - 1
        return children[0].last_ms if children else -1

    # --- storing -------------------------------------------------------------------------------

    def _store_chunk(self, chunk: Chunk, number: int) -> Summary:
        self._parts.put(self._window.suffix(number), chunk)
        return self._summary(chunk, number)

    def _summary(self, chunk: Chunk, number: int) -> Summary:
        times = chunk.times
        states = [one.compact(gather_all(one, chunk)) for one in self._small()]
        version = self._window.new_number()
        return Summary(number, version, len(times), times[0], times[-1], states)

    def _new_node(self, children: list[Summary], level: int) -> Summary:
        return self._store_node(self._made_node(children, level), self._window.new_number())

    def _store_node(self, node: Node, number: int) -> Summary:
        self._parts.put(self._window.suffix(number), node)
        children = node.children
        states = [
            one.compact(one.merge([child.states[at] for child in children]))
            for at, one in enumerate(self._small())
        ]
        count = sum(child.count for child in children)
        start_ms, end_ms = children[0].first_ms, children[-1].last_ms
        return Summary(number, self._window.new_number(), count, start_ms, end_ms, states)

    def _made_node(self, children: list[Summary], level: int) -> Node:
        """Return a node over children of the level below; its large states come from theirs."""
        states = [self._large_state(family, children, level) for family in self._large()]
        return Node(children, states)

    def _large_state(self, family: Aggregate, children: list[Summary], level: int) -> State:
        """Return the state over children of the level below, NOT_KEPT if it is too large.

        A state with ranks only grows by merging, so it is merged until it is too large.
        """
        if family.ranked is None:
            return _kept(family, [self.state(family, child, level - 1) for child in children])
        at = self._window.large_families.index(family.family)
        if level > 1 and any(self.node(child).states[at] is NOT_KEPT for child in children):
            return NOT_KEPT
        state: State = None
        for child in children:
            state = _kept(family, [state, self.state(family, child, level - 1)])
            if state is NOT_KEPT:
                break
        return state

    def _summarise(self, children: list[Summary], level: int) -> None:
        for index, child in enumerate(children):
            if level:
                below = self.node(child).children.copy()
                self._summarise(below, level - 1)
                children[index] = self._store_node(self._made_node(below, level), child.number)
            else:
                children[index] = self._summary(self.chunk(child), child.number)

    def _small(self) -> list[Aggregate]:
        return [FAMILIES[name] for name in self._window.families]

    def _large(self) -> list[Aggregate]:
        return [FAMILIES[name] for name in self._window.large_families]


def gather_all(aggregate: Aggregate, chunk: Chunk) -> State:
    """Return the state of all entries of a chunk."""
    return aggregate.gather(chunk.times, chunk.values, 0, len(chunk.times))


def _kept(family: Aggregate, states: list[State]) -> State:
    """Return the state of parts if it is small enough to be kept."""
    state = family.compact(family.merge(states))
    assert family.size is not None, "large families have a size"
    return state if family.size(state) <= SUMMARY_BYTES_MAX else NOT_KEPT


def _groups(items: list[Summary], most: int, *, at_end: bool) -> list[list[Summary]]:
    """Return the items in groups of at most `most`: full ones at the end of a window, else even."""
    count = -(-len(items) // most)
    size = most if at_end else -(-len(items) // count)
    return [items[start : start + size] for start in range(0, len(items), size)]
