"""Sums against the exact fractions of their inputs."""

import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from processor.aggregates.exact_sum import (
    add_exact,
    compact_exact,
    gather_exact,
    merge_exact,
    quotient,
    to_float,
    to_int,
)

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
INT64 = st.integers(-(2**63), 2**63 - 1)
NUMBERS = st.one_of(FLOATS, INT64)


def rounded(exact: Fraction) -> float | None:
    try:
        return float(exact)
    except OverflowError:
        return None


@given(st.lists(NUMBERS, min_size=1))
def test_a_sum_is_the_exact_one_rounded_once(values):
    exact = sum(map(Fraction, values), Fraction())
    total = 0
    for value in values:
        total = add_exact(total, value)
    for one in (total, gather_exact(list(values)), merge_exact([gather_exact(list(values)), 0])):
        assert to_float(one) == rounded(exact)


@given(st.lists(NUMBERS, min_size=1))
def test_a_mean_is_the_exact_one_rounded_once(values):
    exact = sum(map(Fraction, values), Fraction())
    assert quotient(gather_exact(list(values)), len(values)) == rounded(exact / len(values))


@given(st.lists(FLOATS.filter(lambda value: abs(value) < 1e300), min_size=1, max_size=50))
def test_float_sums_equal_fsum(values):
    assert to_float(gather_exact(list(values))) == math.fsum(values)


@given(st.lists(INT64, min_size=1))
def test_integer_sums_are_exact_at_any_size(values):
    total = 0
    for value in values:
        total = add_exact(total, value)
    assert to_int(total) == to_int(gather_exact(list(values))) == sum(values)


def test_an_integer_sum_beyond_64_bits_comes_back_into_them():
    total = add_exact(add_exact(2**63 - 1, 2**63 - 1), 1)
    assert total == str(2**64 - 1)
    assert add_exact(total, -(2**63)) == 2**63 - 1


def test_a_float_sum_that_overflows_has_no_value_and_comes_back():
    total = add_exact(add_exact(0, 1e308), 1e308)
    assert isinstance(total, str)
    assert to_float(total) is None
    assert quotient(total, 2) == 1e308
    assert add_exact(total, -1e308) == [1e308]


def test_an_overflow_on_the_way_alone_is_none():
    assert to_float(gather_exact([1e308, 1e308, -1e308])) == 1e308


def test_integers_that_no_float_holds_stay_exact_beside_floats():
    total = add_exact(add_exact(0, 2**53 + 1), 0.5)
    assert to_float(add_exact(total, -(2**53))) == 1.5


@given(st.lists(FLOATS.filter(lambda value: abs(value) < 1e300), min_size=1, max_size=200))
def test_a_compact_total_does_not_grow_with_its_inputs(values):
    assert len(compact_exact(gather_exact(list(values)))) <= 40
