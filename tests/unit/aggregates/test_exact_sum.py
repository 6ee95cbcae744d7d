"""Sums against the exact fractions of the texts of their inputs."""

import math
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.aggregates import plain_state
from processor.aggregates.exact_sum import (
    add_exact,
    gather_exact,
    gather_parts,
    merge_exact,
    quotient,
    to_float,
    to_int,
)
from processor.aggregates.total import DecimalTotal, plain_total

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
INT64 = st.integers(-(2**63), 2**63 - 1)
PRICES = st.builds(lambda n, k: n / 10**k, st.integers(-99_999, 99_999), st.integers(0, 4))
NUMBERS = st.one_of(PRICES, FLOATS, INT64, st.integers(-9, 9))
# Of one kind or mixed: prices alone go another way than what has more digits.
VALUES = st.one_of(st.lists(PRICES, min_size=1), st.lists(NUMBERS, min_size=1))


def written(values) -> Fraction:
    return sum((Fraction(repr(value)) for value in values), Fraction())


def rounded(exact: Fraction) -> float | None:
    try:
        return float(exact)
    except OverflowError:
        return None


def stored(total):
    """The total as it comes back from a store."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(total, enc_hook=plain_state))


def added(values, total=0):
    for value in values:
        total = add_exact(total, value)
    return total


@settings(deadline=None)
@given(VALUES)
def test_a_sum_is_that_of_the_written_numbers_rounded_once(values):
    expected = rounded(written(values))
    assert to_float(added(values)) == expected
    assert to_float(gather_exact(values)) == expected
    assert to_float(merge_exact([gather_exact(values), 0])) == expected


@settings(deadline=None)
@given(VALUES, st.integers(1, 10**12))
def test_a_mean_is_that_of_the_written_numbers_rounded_once(values, count):
    for total in (added(values), gather_exact(values), stored(gather_exact(values))):
        assert quotient(total, len(values)) == rounded(written(values) / len(values))
        assert quotient(total, count) == rounded(written(values) / count)


@settings(deadline=None)
@given(st.data())
def test_no_order_partition_or_storing_shows_in_a_sum(data):
    values = data.draw(VALUES)
    floats = any(isinstance(value, float) for value in values)
    shuffled = data.draw(st.permutations(values))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(values)), max_size=6)))
    parts = [
        shuffled[start:stop]
        for start, stop in zip([0, *cuts], [*cuts, len(values)], strict=True)
        if start < stop
    ]
    totals = []
    for part in parts:
        total = data.draw(st.sampled_from([added, gather_exact]))(part)
        totals.append(stored(total) if data.draw(st.booleans()) else total)
    while len(totals) > 1:
        count = data.draw(st.integers(2, len(totals)))
        total = merge_exact(totals[:count])
        totals[:count] = [stored(total) if data.draw(st.booleans()) else total]
    (total,) = totals
    assert to_float(total) == rounded(written(values))
    assert stored(total) == stored(gather_exact(values))
    assert isinstance(stored(total), int) is (not floats and abs(sum(values)) < 2**63)


@settings(deadline=None)
@given(st.data())
def test_what_a_window_leaves_is_as_if_it_had_never_come(data):
    values = data.draw(VALUES)
    part = gather_parts(values)
    for _ in range(5):
        start = data.draw(st.integers(0, len(values) - 1))
        stop = data.draw(st.integers(start + 1, len(values)))
        inside = values[start:stop]
        assert to_float(part(start, stop)) == rounded(written(inside))
        assert to_float(merge_exact([part(start, stop), 0])) == to_float(gather_exact(inside))


@settings(deadline=None)
@given(VALUES)
def test_what_is_added_and_taken_back_leaves_nothing(values):
    total = added([-value for value in values], added(values, gather_exact([0.25])))
    assert stored(total) == [0.25]


@settings(deadline=None)
@given(VALUES)
def test_a_plain_total_is_small(values):
    plain = plain_total(gather_exact(values))
    assert not isinstance(plain, list) or len(plain) <= 45
    assert not isinstance(plain, str) or len(plain) <= 1_000


@settings(deadline=None)
@given(st.lists(INT64, min_size=1))
def test_integer_sums_are_exact_at_any_size(values):
    assert to_int(added(values)) == to_int(gather_exact(values)) == sum(values)
    part = gather_parts(values)
    assert to_int(part(0, len(values))) == sum(values)
    assert to_int(merge_exact([part(0, 1), added(values)])) == values[0] + sum(values)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([26.9, 5.78, 67.32], 100.0),
        ([29.95, 29.95, 29.95, -89.85], 0.0),
        ([0.1, 0.2, -0.3], 0.0),
        ([19.99, 5.01, -25], 0.0),
        ([16.8, 34.3], 51.1),
        ([4.35] * 100, 435.0),
        ([0.1] * 10, 1.0),
        ([-0.0], 0.0),
        ([-0.0, 0], 0.0),
        ([0.30000000000000004, -0.3], 4e-17),
        ([1e308, -1e308, 5e-324], 5e-324),
        ([1e308, 0.1, -1e308], 0.1),
        ([1e16, 1.0, -1e16], 1.0),
        ([2**53 + 1, 0.5, -(2**53)], 1.5),
        ([2**63 - 1, 0.5, -(2**63)], -0.5),
        ([3.0, 2, 1.0], 6.0),
        ([9007199254740993, -9007199254740992.0], 1.0),
    ],
)
def test_sums_that_people_can_check_by_hand(values, expected):
    for order in (values, values[::-1]):
        for total in (added(order), gather_exact(order), merge_exact([gather_exact(order), 0])):
            assert to_float(total) == expected
            assert math.copysign(1, to_float(total)) == math.copysign(1, expected)


def test_an_integer_sum_beyond_64_bits_comes_back_into_them():
    total = add_exact(add_exact(2**63 - 1, 2**63 - 1), 1)
    assert total == str(2**64 - 1)
    assert add_exact(total, -(2**63)) == 2**63 - 1
    assert to_float(add_exact(total, 0.5)) == 2.0**64


@pytest.mark.parametrize("store", [stored, plain_total, lambda total: total])
def test_a_sum_beyond_all_floats_has_no_value_and_comes_back(store):
    total = store(gather_exact([1e308, 1e308, 0.1]))
    assert to_float(total) is None
    assert quotient(total, 2) == 1e308
    assert to_float(add_exact(total, 1e308)) is None
    back = store(add_exact(total, -1e308))
    assert to_float(back) == 1e308
    assert plain_total(add_exact(back, -1e308)) == [0.1]


def test_a_mean_beyond_all_floats_has_no_value():
    assert quotient(gather_exact([1.7e308] * 3), 1) is None


def test_prices_take_the_quick_way():
    prices = [19.99, 5.25, 129.5, 7, 0.1]
    assert type(added(prices)) is type(gather_exact(prices)) is list
    assert type(gather_parts(prices)(1, 4)) is type(merge_exact([[5.25], [0.1], 3])) is list


def test_a_total_in_memory_is_never_changed():
    total = gather_exact([1 / 3, 1e-9])
    assert isinstance(total, DecimalTotal)
    before = plain_total(total)
    add_exact(total, 0.1)
    merge_exact([total, total, [0.1]])
    to_float(total)
    quotient(total, 3)
    assert plain_total(total) == before
