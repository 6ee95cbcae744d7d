"""What happens to a window: an entry comes, old ones leave, all of it goes."""

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

    `aggregates` are those that windows of the series read.
    """
    time_ms, value = entry
    times = window.times
    position = bisect_right(times, time_ms)
    times.insert(position, time_ms)
    window.values.insert(position, value)
    if len(times) > WINDOW_INLINE_ENTRIES_MAX or (
        type(value) is str and len(value) > WINDOW_INLINE_CHARS_MAX
    ):
        tree = Tree(window, parts)
        tree.summarise(aggregates)
        run = Chunk(window.times, window.values)
        window.times, window.values = [], []
        tree.insert(run)


def drop_until(window: Window, parts: Parts, limit_ms: int) -> bool:
    """Drop inline entries at or before `limit_ms`, and chunks that end there; say if any."""
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
    """Delete the records of a window that is dropped as a whole."""
    Tree(window, parts).delete_all()
