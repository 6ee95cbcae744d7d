"""The state of an aggregate over any part of a window.

Chunks inside the part are read from the summaries above them; the at most two chunks at the edges
are opened and gathered. States over chunks are remembered with the decoded profile: the state of a
part until the chunks change, and, if states are not small, the state of the chunks inside until an
edge has passed a chunk or a chunk inside has changed.
"""

from bisect import bisect_right
from collections.abc import Iterable

from processor.aggregates import Aggregate, State
from processor.limits import REMEMBERED_BYTES_MAX
from processor.windows.chunk import Chunk
from processor.windows.node import Summary
from processor.windows.parts import Name, Parts, Stamp
from processor.windows.tree import Tree, first_ms, last_ms
from processor.windows.weight import chunk_weight
from processor.windows.window import Window


def state_between(
    window: Window, parts: Parts, aggregate: Aggregate, after_ms: int, until_ms: int
) -> State:
    """Return the state of the entries at times in (after_ms, until_ms]."""
    inline = _gather(window, aggregate, after_ms, until_ms)
    children = window.children
    if not children or children[-1].last_ms <= after_ms or children[0].first_ms > until_ms:
        return inline
    if aggregate.end == -1 and inline is not None:
        latest = bisect_right(window.times, until_ms) - 1
        if window.times[latest] >= min(children[-1].last_ms, until_ms):
            return inline
    # A rule reads the same part before and after an event, and several rules read the same part.
    name = (window.series_id, aggregate.family, until_ms - after_ms, "chunks")
    stamp = (until_ms, window.next_number, window.oldest_ms)
    state = parts.remembered(name, stamp)
    if state is None:
        cover = _cover(window, parts, stamp, after_ms)
        state = cover.state(aggregate) if aggregate.end is None else cover.end(aggregate)
        _remember(parts, name, stamp, (aggregate, state))
    return aggregate.merge([state, inline])


def _cover(window: Window, parts: Parts, stamp: Stamp, after_ms: int) -> "_Cover":
    """Return the cover of the part, which is the same for every family."""
    until_ms = stamp[0]
    name = (window.series_id, "", until_ms - after_ms, "cover")
    cover: _Cover | None = parts.remembered(name, stamp)
    if cover is None:
        cover = _Cover(window, parts, after_ms, until_ms)
        parts.remember(name, stamp, cover, cover.chunks_weight)
    return cover


def _remember(parts: Parts, name: Name, stamp: Stamp, found: tuple[Aggregate, State]) -> None:
    aggregate, state = found
    if state is None or aggregate.size is None or aggregate.size(state) <= REMEMBERED_BYTES_MAX:
        parts.remember(name, stamp, state)


class _Cover:
    """The chunks and nodes that a part of a window is made of, in order of time.

    `runs` are completely inside: consecutive summaries of one level, with that level. `left` and
    `right` are the chunks that extend over an edge.
    """

    __slots__ = (
        "after_ms", "left", "parts", "right", "runs", "tree", "until_ms", "versions", "window"
    )  # fmt: skip

    def __init__(self, window: Window, parts: Parts, after_ms: int, until_ms: int) -> None:
        self.window = window
        self.parts = parts
        self.tree = Tree(window, parts)
        self.after_ms = after_ms
        self.until_ms = until_ms
        self.runs: list[tuple[list[Summary], int]] = []
        self.left: Chunk | None = None
        self.right: Chunk | None = None
        self._walk(window.children, window.level)
        self.versions = tuple([one.version for run, _ in self.runs for one in run])

    def _walk(self, children: list[Summary], level: int) -> None:
        """Collect the cover of the part, from left to right."""
        inside = self._touching(children)
        if inside and inside[0].first_ms <= self.after_ms:
            edge = inside.pop(0)
            if level:
                self._walk(self.tree.node(edge).children, level - 1)
            else:
                self.left = self.tree.chunk(edge)
        edge_right = inside.pop() if inside and inside[-1].last_ms > self.until_ms else None
        if inside:
            self.runs.append((inside, level))
        if edge_right is not None:
            if level:
                self._walk(self.tree.node(edge_right).children, level - 1)
            else:
                self.right = self.tree.chunk(edge_right)

    @property
    def chunks_weight(self) -> int:
        """The approximate bytes of the chunks at the edges, which the cover keeps alive."""
        return sum(chunk_weight(one) for one in (self.left, self.right) if one is not None)

    def state(self, aggregate: Aggregate) -> State:
        """Return the state of all entries of the part."""
        families = self.window.families
        if aggregate.family in families:
            at = families.index(aggregate.family)
            inside = [summary.states[at] for run, _ in self.runs for summary in run]
        else:
            inside = [self._united(aggregate)]
        edges = self._edge(aggregate, self.left), self._edge(aggregate, self.right)
        return aggregate.merge([edges[0], *inside, edges[1]])

    def end(self, aggregate: Aggregate) -> State:
        """Return the state of the first or last entry of the part alone."""
        return self._end_below(aggregate, self.window.children, self.window.level)

    def _end_below(self, aggregate: Aggregate, children: list[Summary], level: int) -> State:
        touching: Iterable[Summary] = self._touching(children)
        if aggregate.end:
            touching = reversed(list(touching))
        for child in touching:
            if level:
                state = self._end_below(aggregate, self.tree.node(child).children, level - 1)
            else:
                state = self._edge(aggregate, self.tree.chunk(child))
            if state is not None:
                return state
        return None

    def _touching(self, children: list[Summary]) -> list[Summary]:
        start = bisect_right(children, self.after_ms, key=last_ms)
        stop = bisect_right(children, self.until_ms, key=first_ms)
        return children[start:stop]

    def _edge(self, aggregate: Aggregate, chunk: Chunk | None) -> State:
        if chunk is None:
            return None
        return _gather(chunk, aggregate, self.after_ms, self.until_ms)

    def _united(self, aggregate: Aggregate) -> State:
        """Return the state of everything inside.

        The states of its runs are remembered, too: the chunks at the left edge change seldom, the
        nodes above the newest entries often.
        """
        name = self._name(aggregate, "inside")
        state = self.parts.remembered(name, self.versions)
        if state is None:
            state = aggregate.merge(
                [self._run(aggregate, number) for number in range(len(self.runs))]
            )
            _remember(self.parts, name, self.versions, (aggregate, state))
        return state

    def _run(self, aggregate: Aggregate, number: int) -> State:
        run, level = self.runs[number]
        name = self._name(aggregate, f"run {number}")
        versions = tuple([summary.version for summary in run])
        state = self.parts.remembered(name, versions)
        if state is None:
            state = aggregate.merge([self.tree.state(aggregate, one, level) for one in run])
            _remember(self.parts, name, versions, (aggregate, state))
        return state

    def _name(self, aggregate: Aggregate, what: str) -> Name:
        return (self.window.series_id, aggregate.family, self.until_ms - self.after_ms, what)


def _gather(entries: Chunk | Window, aggregate: Aggregate, after_ms: int, until_ms: int) -> State:
    times = entries.times
    start, stop = bisect_right(times, after_ms), bisect_right(times, until_ms)
    if start >= stop:
        return None
    if isinstance(entries, Chunk):
        return entries.gather(aggregate, start, stop)
    return aggregate.gather(times, entries.values, start, stop)
