"""Numbers as people write them, against fractions of their texts."""

import math
from concurrent.futures import ThreadPoolExecutor
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from processor.events.decimals import (
    all_in_millionths,
    as_decimal,
    as_decimals,
    exact_product,
    exact_sum,
    in_millionths,
    nearest_float,
    sum_in_millionths,
)

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
INT64 = st.integers(-(2**63), 2**63 - 1)
# What people write, and the floats beside it, which have 16 or 17 digits.
WRITTEN = st.builds(lambda n, k: n / 10**k, st.integers(-(10**15), 10**15), st.integers(0, 9))
BESIDE = st.builds(math.nextafter, WRITTEN, st.sampled_from([-math.inf, math.inf]))
NUMBERS = st.one_of(WRITTEN, BESIDE, FLOATS, INT64, st.integers(-9, 9))


def written(number: float) -> Fraction:
    return Fraction(repr(number))


def rounded(exact: Fraction) -> float | None:
    try:
        return float(exact)
    except OverflowError:
        return None


@settings(deadline=None)
@given(st.lists(NUMBERS))
@example([2.0**-44, 2.0**60, 5e-324, 2.2250738585072014e-308, 1e22, 1e23, 9007199254740993.0])
def test_a_number_counts_as_its_shortest_text(numbers):
    assert [Fraction(one) for one in as_decimals(numbers)] == [written(one) for one in numbers]
    assert [as_decimal(one) for one in numbers] == as_decimals(numbers)


def test_powers_of_two_and_their_neighbours_count_as_their_shortest_texts():
    powers = [math.ldexp(1, exponent) for exponent in range(-1074, 1024)]
    for numbers in (
        powers,
        [math.nextafter(one, 0.0) for one in powers],
        [math.nextafter(one, math.inf) for one in powers],
    ):
        assert [Fraction(one) for one in as_decimals(numbers)] == [written(one) for one in numbers]


@settings(deadline=None)
@given(st.lists(NUMBERS))
def test_sums_and_products_are_exact_and_rounded_once(numbers):
    total, product = exact_sum(numbers), exact_product(numbers)
    assert Fraction(total) == sum(map(written, numbers))
    assert Fraction(product) == math.prod(map(written, numbers))
    assert nearest_float(total) == rounded(Fraction(total))
    assert nearest_float(product) == rounded(Fraction(product))


def test_no_rounding_depends_on_the_context_of_a_thread():
    numbers = [1e308, 123456789.12345678, 5e-324]

    def in_another_thread() -> tuple[Decimal, Decimal]:
        return exact_sum(numbers), exact_product(numbers)

    with localcontext(Context(prec=3, Emax=9, Emin=-9)), ThreadPoolExecutor(1) as pool:
        found = [(exact_sum(numbers), exact_product(numbers)), pool.submit(in_another_thread)]
        found[1] = found[1].result()
    for total, product in found:
        assert Fraction(total) == sum(map(written, numbers))
        assert Fraction(product) == math.prod(map(written, numbers))


def test_zero_has_no_sign_and_beyond_all_floats_there_is_none():
    assert math.copysign(1, nearest_float(Decimal("-0.0"))) == 1
    assert math.copysign(1, nearest_float(Decimal("-1e-400"))) == 1
    assert nearest_float(Decimal("1.7976931348623158e308")) == 1.7976931348623157e308
    assert nearest_float(Decimal("1.797693134862316e308")) is None
    assert nearest_float(Decimal("-1e15400")) is None


@settings(deadline=None)
@given(st.lists(NUMBERS))
def test_the_quick_way_finds_the_exact_number_or_nothing(numbers):
    for number in numbers:
        whole = in_millionths(number)
        assert whole is None or Fraction(whole) / 10**6 == written(number)
    found = all_in_millionths(numbers)
    if found is not None:
        assert [Fraction(whole) / 10**6 for whole in found] == [written(one) for one in numbers]
        assert written(sum(found) / 1e6) == sum(map(written, numbers))
    for left, right in pairwise(numbers):
        whole = sum_in_millionths(left, right)
        assert whole is None or Fraction(whole) / 10**6 == written(left) + written(right)
        assert whole is None or written(whole / 1e6) == written(left) + written(right)


@pytest.mark.parametrize(
    "numbers",
    [
        [26.9, 5.78, 67.32],
        [0.1, -0.0, 0.000001, -123456.654321],
        [5, 19.99, -25, 0],
        [4.35] * 224,
        [449_999_999.999999, -9.9],
    ],
)
def test_the_quick_way_takes_prices(numbers):
    assert all_in_millionths(numbers) is not None
    assert None not in map(in_millionths, numbers)
    assert sum_in_millionths(numbers[0], numbers[1]) is not None


@pytest.mark.parametrize(
    "number", [0.30000000000000004, 1e-7, 99.99999999999999, 1e9, -1e16, 2**63 - 1, 1e308, 5e-324]
)
def test_the_quick_way_leaves_out_what_it_cannot_be_sure_of(number):
    assert in_millionths(number) is None
    assert all_in_millionths([1.5, number]) is None
    assert sum_in_millionths(1.5, number) is None
    assert sum_in_millionths(number, 1.5) is None


def test_the_quick_way_ends_where_a_sum_might_have_more_than_15_digits():
    assert all_in_millionths([8e8, 8e8]) is None
    assert all_in_millionths([8e8, -8e8, 1e-6]) is None
    assert sum_in_millionths(8e8, -8e8) is None
