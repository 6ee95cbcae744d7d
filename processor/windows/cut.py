"""Limits times of a window that are impossibly late.

Versions without arrival times believed clocks that were ahead. The chunks are in order of time, so
entries that are too late are at their end; they keep their order and get equal times.
"""

from collections.abc import Iterator, Sequence

from processor.aggregates import Aggregate
from processor.limits import CHUNK_FILLED_ENTRIES
from processor.windows.chunk import Chunk
from processor.windows.node import Summary
from processor.windows.parts import Parts
from processor.windows.tree import Tree
from processor.windows.window import Window


def cut_window(
    window: Window, parts: Parts, aggregates: Sequence[Aggregate], limit_ms: int
) -> None:
    """Set the time of each entry that is later than the limit to the limit.

    If a chunk extends beyond the limit, all chunks are rewritten, which happens once. `aggregates`
    are the aggregates that windows of the series read.
    """
    window.times[:] = _cut(window.times, limit_ms)
    if not window.children or window.children[-1].last_ms <= limit_ms:
        return
    tree = Tree(window, parts)
    entries = list(_chunks(tree, window.children, window.level))
    times = _cut([time_ms for chunk in entries for time_ms in chunk.times], limit_ms)
    values = [value for chunk in entries for value in chunk.values]
    tree.delete_all()
    window.children, window.level = [], 0
    tree.summarise(aggregates)
    for start in range(0, len(times), CHUNK_FILLED_ENTRIES):
        stop = start + CHUNK_FILLED_ENTRIES
        tree.insert(Chunk(times[start:stop], values[start:stop]))


def _cut(times: list[int], limit_ms: int) -> list[int]:
    return [min(time_ms, limit_ms) for time_ms in times]


def _chunks(tree: Tree, children: list[Summary], level: int) -> Iterator[Chunk]:
    for child in children:
        if level:
            yield from _chunks(tree, tree.node(child).children, level - 1)
        else:
            yield tree.chunk(child)
