"""Totals as bytes: golden ones, those of before, and the program of before that reads new ones."""

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
    merge_exact,
    quotient,
    to_float,
    to_int,
)
from processor.aggregates.total import exact_total, plain_total
from tests.unit.aggregates import binary_totals

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
ORDINARY = st.floats(-1e300, 1e300).filter(lambda one: one == 0 or abs(one) > 1e-290)
PRICES = st.builds(lambda n: n / 100, st.integers(-(10**6), 10**6))
INT64 = st.integers(-(2**63), 2**63 - 1)


def encoded(total) -> str:
    return msgspec.msgpack.encode(total, enc_hook=plain_state).hex()


def decoded(text: str):
    return msgspec.msgpack.decode(bytes.fromhex(text))


def to_15_digits(number: float) -> float:
    rounded = float(f"{number:.14e}")
    return rounded if math.isfinite(rounded) else number


def as_written(number: float) -> Fraction:
    return Fraction(repr(number))


def older(values):
    total = 0
    for value in values:
        total = binary_totals.add_exact(total, value)
    return total


# Values, and their total as it is written.
GOLDEN = [
    ([7, 8], "0f"),
    ([2**63 - 1, 1], "b339323233333732303336383534373735383038"),
    ([26.9, 5.78, 67.32], "91cb4059000000000000"),
    ([16.8, 34.3], "91cb40498ccccccccccd"),
    ([0.1, -0.1], "90"),
    ([0.1, 0.2], "91cb3fd3333333333333"),
    ([1 / 3], "92cb0000000000000000cb3fd5555555555555"),
    ([2**53 + 1, 0.5], "92cbbfe0000000000000cb4340000000000001"),
    ([1e20], "91cb4415af1d78b58c40"),
    ([5e-324], "91cb0000000000000001"),
]


@pytest.mark.parametrize(("values", "golden"), GOLDEN)
def test_a_total_is_written_and_read_as_the_golden_one(values, golden):
    assert encoded(gather_exact(values)) == golden
    assert exact_total(decoded(golden)) == exact_total(gather_exact(values))


@pytest.mark.parametrize(
    ("values", "above", "below"),
    [
        ([1e308, 1e308], "2" + "0" * 309, "10"),
        ([1e308, 1e308, 0.5], "2" + "0" * 308 + "5", "10"),
        ([-1e308, -1e308, 0.25], "-1" + "9" * 308 + "75", "100"),
        ([2.2250738585072014e-308, 5e-324], "22250738585072019", "1" + "0" * 324),
    ],
)
def test_what_floats_do_not_hold_is_a_fraction_of_a_power_of_ten(values, above, below):
    assert plain_total(gather_exact(values)) == f"{above}/{below}"
    assert exact_total(f"{above}/{below}") == exact_total(gather_exact(values))


# Values, their total as it was written before, what it is now, and with 0.01 more.
BINARY = [
    ([26.9, 5.78, 67.32], "92cb4058ffffffffffffcb3cfc000000000000", 100.0, 100.01),
    ([0.1, 0.2], "92cb3fd3333333333334cbbc80000000000000", 0.3, 0.31),
    ([16.8, 34.3], "92cb40498ccccccccccccb3cf0000000000000", 51.1, 51.11),
    ([4.35] * 100, "92cb407b2fffffffffffcb3d18000000000000", 435.0, 435.01),
    ([0.1], "91cb3fb999999999999a", 0.1, 0.11),
    ([1 / 3], "91cb3fd5555555555555", 0.333333333333333, 0.343333333333333),
    ([5, 0.5], "91cb4016000000000000", 5.5, 5.51),
    ([0.1, -0.1], "90", 0.0, 0.01),
    ([7, 8], "0f", 15.0, 15.01),
    ([1e308], "91cb7fe1ccf385ebc8a0", 1e308, 1e308),
    # The rest of a sum that should have been 0 stays: it has 15 digits of its own.
    (
        [29.95, 29.95, 29.95, -89.85],
        "91cb3cf0000000000000",
        3.5527136788005e-15,
        0.0100000000000035527,
    ),
]


@pytest.mark.parametrize(("values", "golden", "now", "more"), BINARY)
def test_an_older_total_is_its_rounded_value_at_15_digits(values, golden, now, more):
    assert encoded(binary_totals.compact_exact(older(values))) == golden
    total = decoded(golden)
    assert to_float(total) == now
    assert quotient(total, 2) == now / 2
    assert to_float(add_exact(total, 0.01)) == more
    assert to_float(merge_exact([total, [0.01]])) == more
    assert Fraction(exact_total(merge_exact([total, total, -1]))) == 2 * Fraction(repr(now)) - 1
    assert to_float(merge_exact([0, total])) == now
    assert exact_total(add_exact(total, -now)) == 0


@settings(deadline=None)
@given(st.lists(st.one_of(PRICES, FLOATS, INT64), min_size=1))
def test_any_older_total_of_floats_is_rounded_to_15_digits(values):
    total = older([*values, 0.5])
    if isinstance(total, list):
        assert to_float(total) == to_15_digits(binary_totals.to_float(total))
        assert to_float(add_exact(total, -to_float(total))) == 0.0
    else:
        assert to_float(total) is None
        assert len(exact_total(total).normalize().as_tuple().digits) <= 15
        assert abs(Fraction(exact_total(total)) / Fraction(total) - 1) < Fraction(1, 10**14)


@settings(deadline=None)
@given(st.lists(INT64, min_size=1))
def test_an_older_total_of_integers_is_itself(values):
    assert to_int(older(values)) == sum(values)
    assert to_int(add_exact(older(values), 1)) == sum(values) + 1


def test_the_greatest_float_keeps_its_17_digits_since_no_float_has_15_of_them():
    assert to_float([1.7976931348623157e308]) == 1.7976931348623157e308
    assert plain_total(gather_exact([1.7976931348623157e308])) == [1.7976931348623157e308]


def test_an_older_total_beyond_all_floats_comes_back():
    total = older([1e308, 1e308])
    assert total.endswith("/1")
    assert to_float(total) is None
    assert to_float(add_exact(total, -1e308)) == 1e308
    assert plain_total(add_exact(add_exact(total, -1e308), -1e308)) == []
    assert plain_total(add_exact(older([1e308, 1e308, 2.0**-30]), -1e308)) == [1e308]


@settings(deadline=None)
@given(st.data())
def test_older_parts_and_new_ones_are_merged(data):
    parts = data.draw(st.lists(st.lists(PRICES, min_size=1), min_size=1, max_size=6))
    totals, exact = [], Fraction()
    for part in parts:
        total = data.draw(st.sampled_from([older, gather_exact]))(part)
        was = to_15_digits(binary_totals.to_float(older(part)))
        old = isinstance(total, list) and total == older(part)
        exact += Fraction(repr(was)) if old else sum(map(as_written, part))
        totals.append(total)
    found = merge_exact(data.draw(st.permutations(totals)))
    assert to_float(found) == float(exact)
    assert Fraction(exact_total(found)) == exact


@settings(deadline=None)
@given(st.lists(st.one_of(PRICES, ORDINARY, INT64), min_size=1), ORDINARY)
def test_the_program_of_before_goes_on_from_a_new_total(values, value):
    new = plain_total(gather_exact([*values, 0.5]))
    if not isinstance(new, list):
        return  # beyond all floats
    exact = Fraction(exact_total(new))
    assert close(binary_totals.to_float(new), exact)
    assert close(binary_totals.quotient(new, 7), exact / 7)
    assert close(binary_totals.to_float(binary_totals.merge_exact([new, new, 3])), exact * 2 + 3)
    more = binary_totals.add_exact(new, value)
    if isinstance(more, list):
        size = max(abs(exact), abs(Fraction(value)))
        assert close(binary_totals.to_float(more), exact + Fraction(repr(value)), size)
        assert to_float(more) == to_15_digits(binary_totals.to_float(more))


def test_the_program_of_before_reads_what_lies_beyond_all_floats():
    new = plain_total(gather_exact([1e308, 1e308, 0.5]))
    assert binary_totals.to_float(new) is None
    assert binary_totals.quotient(new, 2) == 1e308
    assert close(binary_totals.to_float(binary_totals.add_exact(new, -1e308)), Fraction(10**308))


def test_an_encoder_is_told_of_what_is_no_state():
    with pytest.raises(NotImplementedError, match="Fraction"):
        encoded([1, Fraction(1, 3)])


def close(found: float, expected: Fraction, size: Fraction | None = None) -> bool:
    """Say whether a float is as near as binary numbers beside decimal ones can be."""
    bound = max(abs(expected), size or 0) / 2**50 + Fraction(5e-324)
    return abs(Fraction(found) - expected) <= bound
