"""Changes of a window: an entry is added, old entries are dropped, the window is deleted."""

from bisect import bisect_right
from collections.abc import Iterable

from processor.aggregates import Aggregate, Value
from processor.limits import WINDOW_INLINE_CHARS_MAX, WINDOW_INLINE_ENTRIES_MAX
from processor.windows.chunk import Chunk
from processor.windows.parts import Parts
from processor.windows.tree import Tree
from processor.windows.window import Window


def insert(
    window: Window, parts: Parts, entry: tuple[int, Value], aggregates: Iterable[Aggregate]
) -> None:
    """Add an entry (event time in ms, value) that arrived after all others.

    `aggregates` are the aggregates that windows of the series read.
    """
    time_ms, value = entry
    times = window.times
    position = bisect_right(times, time_ms)
    times.insert(position, time_ms)
    window.values.insert(position, value)
    if len(times) > WINDOW_INLINE_ENTRIES_MAX or (
        type(value) is str and len(value) > WINDOW_INLINE_CHARS_MAX
    ):
        Tree(window, parts).summarise(aggregates)
        spill(window, parts)


def spill(window: Window, parts: Parts) -> None:
    """Move the inline entries to chunks; there is at least one."""
    run = Chunk(window.times, window.values)
    window.times, window.values = [], []
    Tree(window, parts).insert(run)


def drop_until(window: Window, parts: Parts, limit_ms: int) -> bool:
    """Drop inline entries and chunks up to `limit_ms`; return whether there were any."""
    dropped = False
    times = window.times
    if times and times[0] <= limit_ms:
        inline = bisect_right(times, limit_ms)
        del times[:inline], window.values[:inline]
        dropped = True
    if window.children and window.oldest_ms <= limit_ms:
        dropped |= Tree(window, parts).drop_until(limit_ms)
    return dropped


def delete_parts(window: Window, parts: Parts) -> None:
    """Delete all records of a window."""
    Tree(window, parts).delete_all()
