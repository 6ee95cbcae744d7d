"""Windows against a plain list of all entries."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.aggregates import AGGREGATES
from processor.limits import CHUNK_ENTRIES_MAX, WINDOW_INLINE_CHARS_MAX, WINDOW_INLINE_ENTRIES_MAX
from processor.windows import (
    Chunk,
    ChunkRecords,
    Window,
    delete_chunks,
    drop_until,
    empty_window,
    insert,
    state_between,
)

FAMILIES = [AGGREGATES[name] for name in sorted(AGGREGATES)]


class Stored:
    """A window whose records go through bytes and a dictionary, as a store keeps them."""

    def __init__(self, aggregates=FAMILIES):
        self.store = {}
        self.reads = 0
        self.aggregates = aggregates
        self.window = empty_window(7)
        self.records = ChunkRecords(self.fetch)

    def fetch(self, suffix):
        self.reads += 1
        return Chunk.from_plain(*msgspec.msgpack.decode(self.store[suffix]))

    def insert(self, time_ms, value):
        insert(self.window, self.records, (time_ms, value), self.aggregates)

    def save(self):
        for suffix, chunk in self.records.take_changes():
            if chunk is None:
                self.store.pop(suffix, None)
            else:
                self.store[suffix] = msgspec.msgpack.encode(chunk.to_plain())
        self.window = msgspec.msgpack.decode(msgspec.msgpack.encode(self.window), type=Window)
        self.records = ChunkRecords(self.fetch)

    def result(self, name, after_ms, until_ms):
        family = AGGREGATES[name]
        state = state_between(self.window, self.records, family, after_ms, until_ms)
        return None if state is None else family.result_float(state)


def expected(entries, name, after_ms, until_ms):
    family = AGGREGATES[name]
    state = None
    for time_ms, value in entries:
        if after_ms < time_ms <= until_ms:
            state = family.add(state, time_ms, value)
    return None if state is None else family.result_float(state)


def check_invariants(stored):
    window = stored.window
    assert window.times == sorted(window.times)
    assert len(window.times) == len(window.values)
    assert len(window.times) <= WINDOW_INLINE_ENTRIES_MAX
    borders = [border for chunk in window.chunks for border in (chunk.first_ms, chunk.last_ms)]
    assert borders == sorted(borders)
    assert all(0 < chunk.count <= CHUNK_ENTRIES_MAX for chunk in window.chunks)
    assert len({chunk.number for chunk in window.chunks}) == len(window.chunks)
    assert set(stored.store) == {
        (7).to_bytes(8) + chunk.number.to_bytes(4) for chunk in window.chunks
    }


@settings(deadline=None, max_examples=60)
@given(
    data=st.data(), spread=st.sampled_from([3, 400, 100_000]), lateness=st.sampled_from([0, 5, 1])
)
def test_any_part_of_any_history_has_the_result_of_a_plain_list(data, spread, lateness):
    random = data.draw(st.randoms(use_true_random=False))
    stored, entries, clock = Stored(), [], 0
    for _ in range(random.randrange(1, 900)):
        clock += random.randrange(0, spread)
        late = lateness and random.randrange(lateness * 3) == 0
        entry = (random.randrange(0, clock + 1) if late else clock, random.uniform(-10, 10))
        entries.append(entry)
        stored.insert(*entry)
        if random.randrange(60) == 0:
            stored.save()
    stored.save()
    check_invariants(stored)
    for _ in range(10):
        after, until = sorted(random.randrange(-1, clock + 2) for _ in range(2))
        for name in AGGREGATES:
            assert stored.result(name, after, until) == expected(entries, name, after, until)


@pytest.mark.parametrize("count", [5, 40, 700])
def test_the_edges_are_exact_to_the_millisecond(count):
    stored = Stored()
    for number in range(count):
        stored.insert(number * 10, 1)
    last = (count - 1) * 10
    assert stored.result("counter", last - 20, last) == 2
    assert stored.result("counter", last - 21, last) == 3
    assert stored.result("counter", last - 21, last - 1) == 2
    assert stored.result("counter", -1, last) == count
    assert stored.result("counter", last, last + 5) is None


def test_of_equal_times_across_chunks_arrival_decides():
    stored = Stored()
    for number in range(600):
        stored.insert(5, number)
    stored.save()
    assert len(stored.window.chunks) > 1
    assert stored.result("first", 0, 9) == 0
    assert stored.result("last", 0, 9) == 599


def test_a_late_entry_goes_behind_those_of_the_same_time():
    stored = Stored()
    for number in range(300):
        stored.insert(number, number)
    stored.insert(7, "late")
    family = AGGREGATES["last"]
    assert family.result(state_between(stored.window, stored.records, family, 6, 7)) == "late"


def test_few_entries_make_no_chunk():
    stored = Stored()
    for number in range(WINDOW_INLINE_ENTRIES_MAX):
        stored.insert(number, 1)
    stored.save()
    assert not stored.store


def test_a_long_text_does_not_stay_inline():
    stored = Stored([AGGREGATES["last"]])
    stored.insert(1, "x" * (WINDOW_INLINE_CHARS_MAX + 1))
    assert not stored.window.times
    assert len(msgspec.msgpack.encode(stored.window)) < 100


def test_chunks_filled_in_order_are_full():
    stored = Stored()
    for number in range(3_000):
        stored.insert(number, 1)
    counts = [chunk.count for chunk in stored.window.chunks]
    assert counts[:-1] == [CHUNK_ENTRIES_MAX] * (len(counts) - 1)


def test_a_read_opens_at_most_the_two_chunks_at_the_edges():
    stored = Stored()
    for number in range(5_000):
        stored.insert(number, 1.5)
    stored.save()
    for name in AGGREGATES:
        stored.reads = 0
        stored.records = ChunkRecords(stored.fetch)
        stored.result(name, 100, 4_300)
        assert stored.reads <= 2


def test_an_append_changes_one_chunk_and_a_save_writes_it_once():
    stored = Stored()
    for number in range(2_000):
        stored.insert(number, 1)
    stored.save()
    for number in range(2_000, 2_000 + WINDOW_INLINE_ENTRIES_MAX):
        stored.insert(number, 1)
    assert len(stored.records.take_changes()) <= 2


def test_what_ends_at_the_limit_is_dropped_and_its_record_deleted():
    stored = Stored()
    for number in range(1_000):
        stored.insert(number, 1)
    stored.save()
    first = stored.window.chunks[0]
    assert not drop_until(stored.window, stored.records, first.last_ms - 1)
    assert drop_until(stored.window, stored.records, first.last_ms)
    stored.save()
    check_invariants(stored)
    assert stored.result("counter", -1, 1_000) == 1_000 - first.count
    assert drop_until(stored.window, stored.records, 1_000)
    stored.save()
    assert not stored.store
    assert not stored.window.times


def test_a_family_that_is_read_anew_is_summarised_for_old_chunks_too():
    stored = Stored([AGGREGATES["counter"]])
    for number in range(600):
        stored.insert(number, number)
    stored.save()
    assert stored.result("max", -1, 600) == 599
    stored.aggregates = [AGGREGATES["counter"], AGGREGATES["max"]]
    for number in range(600, 640):
        stored.insert(number, number)
    assert stored.window.families == ["counter", "max"]
    stored.save()
    stored.reads = 0
    assert stored.result("max", -1, 640) == 639
    assert stored.reads == 0


def test_deleting_a_window_deletes_all_its_chunks():
    stored = Stored()
    for number in range(600):
        stored.insert(number, 1)
    stored.save()
    delete_chunks(stored.window, stored.records)
    stored.save()
    assert not stored.store
