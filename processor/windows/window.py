"""The entries of one windowed series, and the state of an aggregate over any part of them.

New entries, late ones included, go to a short inline list in time order. When it overflows, all of
it moves to the chunks: runs of at most CHUNK_ENTRIES_MAX entries that follow each other in time,
each a record of its own under a summary (times, and the state of every aggregate that windows of
the series read). An append to the last chunk opens a new one when that is full, so that chunks
filled in order are full; any other chunk that overflows is cut in half.

Invariants:
 - times rise within the inline list, within each chunk, and from chunk to chunk. Equal times stand
   in order of arrival: an entry goes behind all that are not later, and everything in the chunks
   arrived before everything inline. So no arrival number is kept.
 - a summary covers all entries of its chunk, and `families` names its states in order.

A window reads the summaries of the chunks that lie inside and opens at most the two at its edges.
An aggregate that wants only the first or last entry has no summaries: it opens one chunk, and long
strings stay out of the head.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from operator import attrgetter

import msgspec

from processor.aggregates import AGGREGATES, Aggregate, State, Value
from processor.limits import (
    CHUNK_ENTRIES_MAX,
    WINDOW_INLINE_CHARS_MAX,
    WINDOW_INLINE_ENTRIES_MAX,
)
from processor.windows.chunk import Chunk
from processor.windows.chunk_records import ChunkRecords

_first_ms = attrgetter("first_ms")
_last_ms = attrgetter("last_ms")


class ChunkSummary(msgspec.Struct, array_like=True, gc=False):
    """What the head knows of a chunk: its number, entries, first and last time, and states."""

    number: int
    count: int
    first_ms: int
    last_ms: int
    states: list[State]


class Window(msgspec.Struct, array_like=True):
    """The part of a windowed series that stands in the profile's head."""

    series_id: int
    times: list[int]
    values: list[Value]
    families: list[str]
    next_number: int
    chunks: list[ChunkSummary]


def empty_window(series_id: int) -> Window:
    """Return a window without entries."""
    return Window(series_id, [], [], [], 0, [])


def insert(
    window: Window,
    records: ChunkRecords,
    entry: tuple[int, Value],
    aggregates: Sequence[Aggregate],
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
        _move_to_chunks(window, records, aggregates)


def drop_until(window: Window, records: ChunkRecords, limit_ms: int) -> bool:
    """Drop inline entries at or before `limit_ms`, and chunks that end there; say if any."""
    times, chunks = window.times, window.chunks
    if not (times and times[0] <= limit_ms) and not (chunks and chunks[0].last_ms <= limit_ms):
        return False
    inline = bisect_right(times, limit_ms)
    gone = bisect_right(chunks, limit_ms, key=_last_ms)
    for summary in chunks[:gone]:
        records.delete(_suffix(window, summary.number))
    del times[:inline], window.values[:inline], chunks[:gone]
    return True


def state_between(
    window: Window, records: ChunkRecords, aggregate: Aggregate, after_ms: int, until_ms: int
) -> State:
    """Return the state of the entries at times in (after_ms, until_ms]."""
    inline = _state_of(window, aggregate, after_ms, until_ms)
    if not window.chunks:
        return inline
    start = bisect_right(window.chunks, after_ms, key=_last_ms)
    stop = bisect_right(window.chunks, until_ms, key=_first_ms)
    chunks = window.chunks[start:stop]
    if not chunks:
        return inline
    between = (after_ms, until_ms)
    if aggregate.end is None:
        return aggregate.merge([*_states_of(window, records, aggregate, between, chunks), inline])
    if aggregate.end == 0:
        states = (_chunk_state(window, records, aggregate, between, one) for one in chunks)
    elif inline is not None and inline[0] >= min(chunks[-1].last_ms, until_ms):
        return inline
    else:
        states = (_chunk_state(window, records, aggregate, between, one) for one in chunks[::-1])
    return aggregate.merge([next((state for state in states if state is not None), None), inline])


def delete_chunks(window: Window, records: ChunkRecords) -> None:
    """Delete the records of a window that is dropped as a whole."""
    for summary in window.chunks:
        records.delete(_suffix(window, summary.number))


def _states_of(
    window: Window,
    records: ChunkRecords,
    aggregate: Aggregate,
    between: tuple[int, int],
    chunks: Sequence[ChunkSummary],
) -> list[State]:
    """Return the states of consecutive chunks: those between the first and last lie inside."""
    if aggregate.name not in window.families:
        return [_chunk_state(window, records, aggregate, between, one) for one in chunks]
    at = window.families.index(aggregate.name)
    after_ms, until_ms = between
    states = [summary.states[at] for summary in chunks]
    for edge in {0, len(chunks) - 1}:
        summary = chunks[edge]
        if summary.first_ms <= after_ms or summary.last_ms > until_ms:
            states[edge] = _chunk_state(window, records, aggregate, between, summary)
    return states


def _chunk_state(
    window: Window,
    records: ChunkRecords,
    aggregate: Aggregate,
    between: tuple[int, int],
    summary: ChunkSummary,
) -> State:
    return _state_of(records.get(_suffix(window, summary.number)), aggregate, *between)


def _state_of(entries: Chunk | Window, aggregate: Aggregate, after_ms: int, until_ms: int) -> State:
    times = entries.times
    start, stop = bisect_right(times, after_ms), bisect_right(times, until_ms)
    return aggregate.gather(times, entries.values, start, stop) if start < stop else None


def _move_to_chunks(window: Window, records: ChunkRecords, aggregates: Sequence[Aggregate]) -> None:
    _summarise_families(window, records, aggregates)
    run = Chunk(window.times, window.values)
    window.times, window.values = [], []
    start = 0
    while start < len(run.times):
        chunks = window.chunks
        index = max(bisect_right(chunks, run.times[start], key=_first_ms) - 1, 0)
        stop = len(run.times)
        if index + 1 < len(chunks):
            stop = bisect_left(run.times, chunks[index + 1].first_ms, start)
        part = Chunk(run.times[start:stop], run.values[start:stop])
        _move_run(window, records, part, index)
        start = stop


def _move_run(window: Window, records: ChunkRecords, run: Chunk, index: int) -> None:
    """Merge a run, which ends before the next chunk begins, into the chunk at `index`."""
    chunks = window.chunks
    at_end = index + 1 >= len(chunks) and (not chunks or run.times[0] >= chunks[-1].last_ms)
    if at_end and (not chunks or chunks[-1].count >= CHUNK_ENTRIES_MAX):
        chunks.append(_store(window, records, run, _new_number(window)))
        return
    old = chunks[index]
    merged = _merged(records.get(_suffix(window, old.number)), run)
    count = len(merged.times)
    if count <= CHUNK_ENTRIES_MAX:
        chunks[index] = _store(window, records, merged, old.number)
        return
    cut = CHUNK_ENTRIES_MAX if at_end else count // 2
    left = Chunk(merged.times[:cut], merged.values[:cut])
    right = Chunk(merged.times[cut:], merged.values[cut:])
    chunks[index : index + 1] = [
        _store(window, records, left, old.number),
        _store(window, records, right, _new_number(window)),
    ]


def _merged(older: Chunk, newer: Chunk) -> Chunk:
    times, values = older.times + newer.times, older.values + newer.values
    if newer.times[0] >= older.times[-1]:
        return Chunk(times, values)
    order = sorted(range(len(times)), key=times.__getitem__)  # stable: older before newer
    return Chunk([times[at] for at in order], [values[at] for at in order])


def _summarise_families(
    window: Window, records: ChunkRecords, aggregates: Sequence[Aggregate]
) -> None:
    """Bring the summaries to the aggregates that are read now, where one is missing."""
    names = [aggregate.name for aggregate in aggregates if aggregate.end is None]
    if set(names) <= set(window.families):
        return
    window.families = names
    for summary in window.chunks:
        summary.states = _states(window, records.get(_suffix(window, summary.number)))


def _states(window: Window, chunk: Chunk) -> list[State]:
    times, values = chunk.times, chunk.values
    aggregates = [AGGREGATES[name] for name in window.families]
    return [one.compact(one.gather(times, values, 0, len(times))) for one in aggregates]


def _store(window: Window, records: ChunkRecords, chunk: Chunk, number: int) -> ChunkSummary:
    records.put(_suffix(window, number), chunk)
    times = chunk.times
    return ChunkSummary(number, len(times), times[0], times[-1], _states(window, chunk))


def _new_number(window: Window) -> int:
    number = window.next_number
    window.next_number = number + 1
    return number


def _suffix(window: Window, number: int) -> bytes:
    return window.series_id.to_bytes(8) + number.to_bytes(4)
