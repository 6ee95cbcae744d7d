"""What is read from ranks, against the plain list of the entries."""

from contextlib import nullcontext
from random import Random
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.aggregates import AGGREGATES
from processor.limits import PARTS_LOADED_MAX, RANKED_VALUES_MIN, RANKINGS_OF_PERIOD_MAX
from processor.windows import ranks_between
from tests.unit.windows.conftest import Stored, low_limits

NAMES = ("most_frequent", "least_frequent", "category_count")
VALUES = [*map(str, range(40)), *range(40), 2.0, 3.0, True, False, *"ab" * 20]


def spelled(result):
    return [*map(repr, result.items())] if isinstance(result, dict) else repr(result)


class World(Stored):
    """A window that is written now and then, and what it was given."""

    def __init__(self):
        super().__init__(*NAMES)
        self.entries = []

    def take(self, time_ms, value):
        self.insert(time_ms, value)
        self.entries.append((time_ms, value))

    def forget(self, limit_ms):
        self.drop(limit_ms)
        self.entries = [one for one in self.entries if one[0] > limit_ms]

    def flush(self, *, renew):
        """Write what changed; `renew`: and read the head anew, as readers do, keeping ranks."""
        kept, written = self.parts, set(self.store)
        self.save()
        if renew:
            kept.read_anew(self, written | set(self.store))
        self.parts = kept

    def check(self, period_ms, until_ms):
        """Compare each aggregation; say if ranks were read."""
        inside = [one for one in self.entries if until_ms - period_ms < one[0] <= until_ms]
        inside.sort(key=lambda one: one[0])
        found = None
        for name in NAMES:
            aggregate = AGGREGATES[name]
            place = (self.window, self.parts, aggregate, until_ms - period_ms, until_ms)
            found = ranks_between(*place)
            if found is None:
                continue
            if not inside:
                assert len(found) == 0
                continue
            times, values = zip(*inside, strict=True)
            expected = aggregate.result(aggregate.gather(times, values, 0, len(times)))
            assert spelled(aggregate.ranked.result(found)) == spelled(expected)
        return found is not None

    def check_only(self, now_ms, period_ms=10**6):
        """Read the greatest counts of what `fill` put there; say if ranks were read."""
        aggregate = AGGREGATES["most_frequent"]
        found = ranks_between(self.window, self.parts, aggregate, now_ms - period_ms, now_ms)
        return found is not None


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    spread=st.sampled_from([2, 40]),
    late=st.sampled_from([0, 0.05, 0.5]),
    periods=st.sampled_from([[300], [300, 2_000], [20, 4_000]]),
    back=st.booleans(),
    deep=st.booleans(),
)
def test_ranks_are_those_of_the_entries_inside(seed, spread, late, periods, back, deep):
    random, world = Random(seed), World()
    clock, ranked = 0, 0
    with low_limits() if deep else nullcontext():
        for _ in range(400):
            clock += random.randrange(spread)
            if random.random() < 0.01:
                clock += random.choice([200, 2_000, 10_000])  # nothing happens for a while
            earliest_ms = clock - max(periods) - 2_000
            lateness_ms = random.randrange(clock - max(earliest_ms, -1))
            world.take(clock - lateness_ms * (random.random() < late), random.choice(VALUES))
            world.forget(earliest_ms)
            if random.random() < 0.1:
                world.flush(renew=random.random() < 0.5)
            if random.random() < 0.3:
                now_ms = clock - random.choice([0, 3, 30, 400, 1_500]) if back else clock
                ranked += world.check(random.choice(periods), max(now_ms, 0))
    assert ranked


@pytest.mark.parametrize("lag_ms", [1_500, 40_000])
def test_rules_with_clocks_of_their_own_read_what_each_sees(lag_ms, few):
    """Two rules over one window, one of which has seen a later event of another series."""
    random, world = Random(lag_ms), World()
    with few():
        for clock in range(0, 200_000, 500):
            world.take(clock, random.choice(VALUES))
            world.forget(clock - 120_000)
            for now_ms in (clock, clock + lag_ms, clock, clock + lag_ms):
                assert world.check(60_000, now_ms) or clock < 60_000
    (kept,) = {len(some) for some in world.parts.rankings.values()}
    assert kept == 2


def test_times_that_go_back_have_few_rankings(few):
    world = World()
    with few():
        for clock in range(0, 100_000, 100):
            world.take(clock, str(clock))
        for now_ms in (99_000, 98_500, *range(97_000, 60_000, -2_000), 99_000):
            assert world.check(60_000, now_ms)
    assert {len(some) for some in world.parts.rankings.values()} == {RANKINGS_OF_PERIOD_MAX}


def test_an_event_opens_few_parts_however_many_values_there_are():
    """As long as the profile is decoded, whatever was written meanwhile."""
    opened = []
    for count in (8_000, 32_000):
        world = World()
        world.fill(count, str)
        world.flush(renew=False)
        assert world.check_only(count)
        world.reads = 0
        for number in range(count, count + 300):
            world.insert(number, str(number))
            world.flush(renew=number % 2 == 0)
            assert world.check_only(number)
        opened.append(world.reads)
    assert opened[1] <= opened[0] + PARTS_LOADED_MAX


def test_a_window_of_few_values_is_read_from_its_states():
    world = World()
    world.fill(20_000, lambda number: number % 50)
    assert not world.check_only(20_000)
    world = World()
    world.fill(20_000, lambda number: number % RANKED_VALUES_MIN)
    assert world.check_only(20_000)


def test_the_rankings_of_a_profile_are_bounded():
    world = World()
    world.fill(1_000, str)
    with patch("processor.windows.ranked.RANKINGS_BYTES_MAX", 2_000_000):
        for period_ms in range(900, 1_000):
            assert world.check_only(1_000, period_ms)
    kept = sum(one.bytes for some in world.parts.rankings.values() for one in some)
    assert 1_500_000 < kept < 2_500_000
    assert world.check_only(1_000, 900)


def test_a_part_that_cannot_be_read_leaves_no_ranks_behind():
    world = World()
    world.fill(20_000, str)
    world.flush(renew=True)
    stored, world.store = world.store, {}
    with pytest.raises(KeyError):
        world.check_only(20_000)
    world.store = stored
    assert world.check_only(20_000)
