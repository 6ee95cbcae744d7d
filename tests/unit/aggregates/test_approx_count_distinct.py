import random
import statistics

import pytest

from processor.aggregates.approx_count_distinct import APPROX_COUNT_DISTINCT
from processor.limits import EXACT_DISTINCT_MAX


def gathered(values):
    return APPROX_COUNT_DISTINCT.gather([0] * len(values), values, 0, len(values))


def estimate(state):
    return APPROX_COUNT_DISTINCT.result(state)


def test_few_distinct_values_are_counted_exactly():
    state = None
    for number in range(3 * EXACT_DISTINCT_MAX):
        state = APPROX_COUNT_DISTINCT.add(state, 0, f"v{number % EXACT_DISTINCT_MAX}")
    assert estimate(state) == EXACT_DISTINCT_MAX


def test_equal_numbers_are_one_value_and_types_are_apart():
    assert estimate(gathered([1, 1.0, True, "1", "true", 2**53 + 1, 2.0**53])) == 6


@pytest.mark.parametrize("count", [300, 1_000, 30_000])
def test_the_error_is_small(count):
    errors = []
    for seed in range(12):
        values = [f"{seed}-{number}" for number in range(count)]
        errors.append(estimate(gathered(values)) / count - 1)
    assert max(map(abs, errors)) < 0.05
    assert statistics.pstdev(errors) < 0.025


def test_the_estimate_follows_from_the_values_alone():
    values = [f"v{number}" for number in range(3_000)]
    expected = estimate(gathered(values))
    shuffled = random.Random(5).sample(values, len(values))
    state = None
    for value in shuffled:
        state = APPROX_COUNT_DISTINCT.add(state, 0, value)
    assert estimate(state) == expected
    parts = [gathered(shuffled[start : start + 170]) for start in range(0, 3_000, 170)]
    assert estimate(APPROX_COUNT_DISTINCT.merge(parts)) == expected
    halves = [APPROX_COUNT_DISTINCT.merge(parts[:9]), APPROX_COUNT_DISTINCT.merge(parts[9:])]
    assert estimate(APPROX_COUNT_DISTINCT.merge(halves[::-1])) == expected


def test_a_value_that_is_known_changes_nothing():
    state = gathered([f"v{number}" for number in range(2_000)])
    assert estimate(APPROX_COUNT_DISTINCT.add(state, 9, "v77")) == estimate(state)


def test_the_state_is_bounded():
    assert APPROX_COUNT_DISTINCT.size(gathered(list(range(100_000)))) < 5_000
