"""Windows against a plain list of all entries."""

from contextlib import nullcontext
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.aggregates import AGGREGATES
from processor.limits import EXACT_DISTINCT_MAX
from tests.unit.aggregates.numeric import NUMERIC
from tests.unit.windows.conftest import Stored, low_limits

NAMES = sorted(AGGREGATES)
OF_TEXTS = sorted(set(AGGREGATES) - NUMERIC)


def expected(entries, name, after_ms, until_ms):
    """The result over entries in the order in which they arrived."""
    family = AGGREGATES[name]
    inside = [entry for entry in entries if after_ms < entry[0] <= until_ms]
    inside.sort(key=lambda entry: entry[0])
    times, values = [one[0] for one in inside], [one[1] for one in inside]
    return family.result_float(family.gather(times, values, 0, len(times))) if inside else None


def run(stored, random, values, *, spread, lateness, count, kept_ms=None):
    """Insert entries, some of them late, store now and then, and drop what is old."""
    entries, clock = [], 0
    for _ in range(count):
        clock += random.randrange(0, spread)
        late = lateness and random.randrange(lateness * 3) == 0
        entry = (random.randrange(0, clock + 1) if late else clock, random.choice(values))
        if kept_ms is not None:
            stored.drop(clock - kept_ms)
        if kept_ms is not None and entry[0] <= clock - kept_ms:
            continue
        entries.append(entry)
        stored.insert(*entry)
        if random.randrange(60) == 0:
            stored.save()
    stored.save()
    return entries, clock


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32),
    spread=st.sampled_from([3, 400, 100_000]),
    lateness=st.sampled_from([0, 5, 1]),
    deep=st.booleans(),
    texts=st.booleans(),
)
def test_any_part_of_any_history_has_the_result_of_a_plain_list(
    seed, spread, lateness, deep, texts
):
    random = Random(seed)
    names = OF_TEXTS if texts else NAMES
    values = [*"abcdefgh", True, "x" * 600] if texts else [1.5, -2, 7, 0.1, 3, 10**15]
    with low_limits() if deep else nullcontext():
        stored = Stored(*names)
        count = random.randrange(1, 900)
        entries, clock = run(stored, random, values, spread=spread, lateness=lateness, count=count)
        for _ in range(5):
            after, until = sorted(random.randrange(-1, clock + 2) for _ in range(2))
            for name in names:
                assert stored.result(name, after, until) == expected(entries, name, after, until)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32), spread=st.sampled_from([1, 3, 40]), lateness=st.sampled_from([0, 3])
)
def test_what_is_dropped_changes_nothing_of_what_is_kept(seed, spread, lateness):
    random = Random(seed)
    with low_limits():
        stored, kept_ms = Stored(), random.randrange(1, 300)
        entries, clock = run(
            stored,
            random,
            [1, 2.5, -3],
            spread=spread,
            lateness=lateness,
            count=600,
            kept_ms=kept_ms,
        )
        assert sorted(stored.store) == sorted(map(stored.window.suffix, stored.numbers()))
        assert all(chunk.last_ms > clock - kept_ms for chunk in stored.chunks())
        for _ in range(5):
            after = random.randrange(clock - kept_ms, clock + 1)
            until = random.randrange(after, clock + 2)
            for name in NAMES:
                assert stored.result(name, after, until) == expected(entries, name, after, until)
        stored.drop(clock)
        stored.save()
        assert not stored.store
        assert not stored.window.children


@pytest.mark.parametrize("count", [5, 40, 700])
def test_the_edges_are_exact_to_the_millisecond(stored, count):
    one = stored()
    for number in range(count):
        one.insert(number * 10, 1)
    last = (count - 1) * 10
    assert one.result("counter", last - 20, last) == 2
    assert one.result("counter", last - 21, last) == 3
    assert one.result("counter", last - 21, last - 1) == 2
    assert one.result("counter", -1, last) == count
    assert one.result("counter", last, last + 5) is None


def test_of_equal_times_across_chunks_arrival_decides(stored):
    one = stored()
    for number in range(600):
        one.insert(5, number)
    one.save()
    assert len(one.chunks()) > 1
    assert one.result("first", 0, 9) == 0
    assert one.result("last", 0, 9) == 599
    assert one.result("unique_list", 0, 9) == list(range(500, 600))
    assert one.result("most_frequent", 0, 9) == 599


def test_a_late_entry_goes_behind_those_of_the_same_time(stored):
    one = stored()
    one.fill(300)
    one.insert(7, "late")
    assert one.result("last", 6, 7) == "late"


def test_a_read_of_small_states_opens_the_two_chunks_at_the_edges_and_the_nodes_above(stored):
    one = stored("counter", "sum", "min", "max", "mean", "first", "last")
    one.fill(20_000, lambda number: 1.5)
    one.save()
    assert one.window.level == 1
    for name in ("counter", "sum", "min", "max", "mean", "first", "last"):
        one.save()
        one.reads = 0
        one.result(name, 100, 19_300)
        assert one.reads <= 4


def test_a_read_of_large_states_opens_a_few_parts_of_many(stored):
    one = stored("unique_list", "category_count", "approx_count_distinct")
    one.fill(60_000, lambda number: number % 7)
    one.save()
    total = len(one.store)
    for name in ("unique_list", "category_count", "approx_count_distinct"):
        one.save()
        one.reads = 0
        one.result(name, 100, 59_300)
        assert one.reads <= 70 < total / 3


def test_the_inside_of_a_window_is_united_once_until_it_changes(stored):
    one = stored("category_count")
    one.fill(6_000, lambda number: number % 7)
    one.save()
    one.result("category_count", 100, 5_900)
    one.parts.take_changes()
    one.reads = 0
    assert one.result("category_count", 105, 5_905)["3"] == 829
    assert one.reads <= 4
    one.insert(3_000, 3)
    assert one.result("category_count", 105, 5_905)["3"] == 830
    for number in range(40):
        one.insert(2_000 + number, 3)
    assert one.result("category_count", 105, 5_905)["3"] == 870


def test_a_state_that_is_too_large_to_keep_is_made_of_its_parts(stored):
    one = stored("category_count")
    one.fill(9_000, lambda number: f"{number % 4_500:040}")
    one.save()
    assert max(len(plain) for _, plain in one.store.values()) < 64 * 1024
    counts = one.result("category_count", -1, 9_000)
    assert len(counts) == 100
    assert set(counts.values()) == {2}


def test_many_distinct_values_are_counted_within_a_few_percent(stored):
    one = stored("approx_count_distinct")
    one.fill(5_000)
    one.save()
    assert one.result("approx_count_distinct", -1, EXACT_DISTINCT_MAX - 1) == EXACT_DISTINCT_MAX
    assert abs(one.result("approx_count_distinct", 99, 4_099) - 4_000) < 200
