"""The table of counted events beside a plain dictionary, over whatever can happen to it."""

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processor.engine.counted_segment import SEGMENT_BYTES, SLOTS, SPARE_SLOTS, Entries
from processor.engine.counted_table import BUILT, GRANULES_SPAN, CountedTable

HORIZON = 128
# Enough for all that these tests add.
MANY = 1_000


class Beside:
    """A table, and the dictionary that it is compared with, from hash to granule.

    What is older than the granules that the table tells apart may be known for longer there, and
    stands in the dictionary as it stands in the table.
    """

    def __init__(self, segments_max=MANY):
        self.table = CountedTable(segments_max)
        self.known = {}
        self.floor = self.newest = 0

    def add(self, numbers, granule):
        self.newest = max(self.newest, granule)
        told_apart = self.newest - GRANULES_SPAN
        hashes = list(map(mixed, numbers))
        answers = self.table.add(hashes, granule)
        assert len(answers) == len(hashes)
        for one, answer in zip(hashes, answers, strict=True):
            arrived = self.known.get(one, -1)
            expected = arrived >= max(granule - HORIZON, self.floor, 0)
            older = self.floor <= arrived < told_apart
            assert answer == expected or (answer and older), (arrived, granule)
            if not answer:
                self.known[one] = max(granule, self.floor, told_apart)

    def load(self, pairs):
        while self.table.tend():
            pass
        hashes = np.array([mixed(number) for number, _ in pairs], np.uint64)
        granules = np.array([granule for _, granule in pairs], np.int64)
        for _ in self.table.load(Entries(hashes, granules)):
            pass
        self.newest = max([self.newest, *granules.tolist()])
        for one, granule in zip(hashes.tolist(), granules.tolist(), strict=True):
            if granule >= self.floor:
                self.known[one] = max(self.known.get(one, -1), granule)

    def forget_before(self, granule):
        self.floor = max(self.floor, granule)
        self.table.forget_before(granule)

    def check(self):
        left = {one: granule for one, granule in self.known.items() if granule >= self.floor}
        held = {}
        taken = 0
        places = {}
        for place, segment in enumerate(self.table._directory):
            places.setdefault(segment, []).append(place)
        shift = self.table._shift
        for segment, mine in places.items():
            assert mine == list(range(mine[0], mine[-1] + 1))
            entries = segment.entries(mine[0] << shift, (mine[-1] + 1 << shift) - 1)
            taken += len(entries.hashes)
            held.update(zip(*map(np.ndarray.tolist, entries), strict=True))
        held = {one: granule for one, granule in held.items() if granule >= self.floor}
        told_apart = self.newest - GRANULES_SPAN
        for one in left.keys() | held.keys():
            mine, its = self.known[one], held.get(one, -1)
            assert mine == its or (mine < told_apart and mine < its <= told_apart), (mine, its)
        assert self.table.floor == self.floor
        assert len(self.table) == len(held)
        assert (self.table._taken, self.table._segments) == (taken, len(places))


def mixed(number):
    """A hash for a number, each for one alone, as even as those of XXH3 (SplitMix64)."""
    number = (number + 1) * 0x9E3779B97F4A7C15 % 2**64
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    number = (number ^ number >> 27) * 0x94D049BB133111EB % 2**64
    return number ^ number >> 31 or 1


# Granules around the edges of the horizon, and of what 16 bits hold.
moves = st.sampled_from(
    [0, 0, 1, 1, 2, 127, 128, 129, -1, -128, -129, -500, 16_385, 50_000, 70_000]
)
few = st.lists(st.integers(0, 60), max_size=30)
operations = st.one_of(
    st.tuples(st.just("add"), few, moves),
    st.tuples(st.just("add many"), st.integers(1, 9_000), moves),
    st.tuples(st.just("forget"), st.integers(0, 200), moves),
    st.tuples(st.just("load"), st.integers(1, 9_000), moves),
    st.tuples(st.just("tend"), st.integers(1, 5), moves),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(operations, max_size=25), st.integers(0, 100_000))
def test_it_is_what_a_dictionary_would_be(steps, granule):
    both, number = Beside(), 1_000
    for kind, size, move in steps:
        granule = max(granule + move, 0)
        if kind == "add":
            both.add(size, granule)
        elif kind == "add many":
            # New ones, and as many that were there, perhaps.
            both.add(range(number - size // 2, number + size // 2), granule)
            number += size // 2
        elif kind == "load":
            first = number - size // 3
            pairs = [(first + one, granule + one % 300) for one in range(size)]
            both.load(pairs + pairs[:100])
            number += size
        elif kind == "forget":
            both.forget_before(granule - size)
        else:
            for _ in range(size):
                both.table.tend()
        both.check()
    both.add(range(number + 10), granule)


def test_it_grows_and_shrinks_with_what_it_holds():
    both = Beside()
    sizes = []
    for granule in range(300):
        both.add(range(granule * 400, granule * 400 + 400), granule)
        both.forget_before(granule - HORIZON)
        sizes.append(both.table.bytes // SEGMENT_BYTES)
    both.check()
    needed = HORIZON * 400 / (SLOTS * 0.5)
    assert max(sizes) <= needed * 1.5
    both.forget_before(299)
    while both.table.tend():
        pass
    assert both.table.bytes == SEGMENT_BYTES
    both.add(range(200 * 400, 300 * 400), 300)


def test_a_move_is_paid_for_little_by_little():
    both = Beside()
    most = 0
    for start in range(0, 200_000, 200):
        before = set(both.table._directory)
        both.add(range(start, start + 200), 7)
        most = max(most, len(set(both.table._directory) - before))
    assert most <= 3
    assert both.table._segments > 25


def test_events_that_come_back_after_the_horizon_take_no_new_slots():
    both = Beside()
    for round_ in range(20):
        both.add(range(3_000), round_ * 129)
    both.check()
    assert both.table.bytes == SEGMENT_BYTES


def test_segments_are_even():
    both = Beside()
    both.add(range(300_000), 7)
    segments = dict.fromkeys(both.table._directory)
    taken = [len(one.entries(0, 2**64 - 1).hashes) for one in segments]
    assert max(taken) < SLOTS * 0.85
    assert len(segments) == both.table._segments


@pytest.mark.parametrize("segments", [1, 2, 7])
def test_the_oldest_go_first_where_the_memory_does_not_suffice(segments):
    table, known, floor = CountedTable(segments), {}, 0
    for granule in range(60):
        hashes = [mixed(granule * 1_000 + one) for one in range(1_000)]
        assert True not in table.add(hashes, granule)
        known.update(dict.fromkeys(hashes, granule))
        assert table.bytes <= (segments + 2) * SEGMENT_BYTES
        assert table.floor >= floor
        floor = table.floor
    while table.tend():
        pass
    assert table.bytes <= segments * SEGMENT_BYTES
    assert 0 < table.floor < 60
    assert len(table) >= segments * BUILT - 1_000
    for one, granule in known.items():
        if granule >= table.floor:
            assert table.add([one], 60) == [True]


def test_memory_that_is_taken_away_is_given_back():
    table = CountedTable(MANY)
    for granule in range(100):
        table.add([mixed(granule * 1_000 + one) for one in range(1_000)], granule)
    table.segments_max = 6
    while table.tend():
        pass
    assert table.bytes <= 6 * SEGMENT_BYTES
    held = range(table.floor * 1_000, 100_000)
    assert len(held) >= 5 * BUILT
    assert table.add(list(map(mixed, held)), 99) == [True] * len(held)


def test_more_than_the_memory_holds_in_one_granule_is_forgotten_and_goes_on():
    table = CountedTable(1)
    recognised = 0
    for start in range(0, 30_000, 500):
        hashes = [mixed(start + one) for one in range(500)]
        assert table.add(hashes, 5) == [False] * 500
        recognised += table.add(hashes, 5).count(True)
    assert 25_000 < recognised < 30_000
    assert table.bytes <= 2 * SEGMENT_BYTES


def test_a_table_that_was_loaded_holds_just_that():
    chance = random.Random(8)
    pairs = [(number, chance.randrange(1_000, 1_129)) for number in range(100_000)]
    both = Beside()
    both.load(pairs)
    both.check()
    assert both.table.bytes <= SEGMENT_BYTES * (100_000 / BUILT + 2)
    both.add(range(150_000), 1_128)
    both.check()


def test_what_lies_at_the_edges_of_segments_is_loaded():
    edges = [(place << 55) - one for place in range(1, 512) for one in (0, 1)]
    hashes = np.array([*edges, *map(mixed, range(100_000))], np.uint64)
    table = CountedTable(MANY)
    for _ in table.load(Entries(hashes, np.full(len(hashes), 5))):
        pass
    assert len(table) == len(hashes)
    assert table.add(edges, 5) == [True] * len(edges)


def test_a_load_of_more_than_fits_keeps_the_newest():
    table = CountedTable(4)
    hashes = np.array([mixed(number) for number in range(60_000)], np.uint64)
    for _ in table.load(Entries(hashes, np.arange(60_000) // 500)):
        pass
    assert table.bytes <= 4 * SEGMENT_BYTES
    assert table.floor > 0
    held = hashes[table.floor * 500 :].tolist()
    assert table.add(held, 119) == [True] * len(held)


def test_hashes_that_were_chosen_to_collide_stop_nothing():
    """All name the last slot of a segment: what finds no room is not remembered."""
    table = CountedTable(MANY)
    hashes = [(number << 13) | (SLOTS - 1) for number in range(900)]
    assert table.add(hashes, 3) == [False] * 900
    again = table.add(hashes, 3)
    assert again.count(True) >= SPARE_SLOTS
    others = list(map(mixed, range(20_000)))
    assert table.add(others, 3) == [False] * 20_000
    assert table.add(others, 3) == [True] * 20_000
