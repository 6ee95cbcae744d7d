"""Numbers as people write them: a float counts as the decimal number of its shortest text.

The float for 26.9 is a binary fraction close to 26.9. The number that somebody wrote is the
shortest decimal number that rounds to the float, with at most 17 digits: the text that `repr`
returns (G. L. Steele and J. L. White, "How to Print Floating-Point Numbers Accurately", 1990).
Integers count as they are. Sums and products are `Decimal`s of any size, which EXACT computes
without rounding.

The fast path covers prices and similar numbers. No two decimal numbers of at most 15 digits round
to the same float (DBL_DIG of the C standard), so each is the shortest text of its float. If an
integer m is less than 10**15 and m / 10**6, rounded, is the number, then the number counts as
m / 10**6. Such an integer is exact as a float, and so is a sum of them that is less than 10**15.
"""

import math
from collections.abc import Sequence
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, Inexact, InvalidOperation
from functools import reduce
from typing import Final

import msgspec

Number = int | float

# It has all the digits that a sum or product can need; with too few digits it would raise.
EXACT: Final = Context(
    prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[Inexact, InvalidOperation]
)

_write = msgspec.json.Encoder().encode
_read = msgspec.json.Decoder(list[Decimal]).decode
_read_one = msgspec.json.Decoder(Decimal).decode
_ZERO: Final = Decimal(0)
_ONE: Final = Decimal(1)
# The fast path is for numbers with at most six decimals, as most amounts have.
MILLION: Final = 1e6
# Adding this to a float below 2**51 leaves no bits for a fraction: the nearest integer remains.
_ROUND: Final = 1.5 * 2.0**52
# An integer up to here has 15 digits, and is a float.
_MILLIONTHS_MAX: Final = 9e14


def as_decimals(numbers: Sequence[Number]) -> list[Decimal]:
    """Return finite numbers (floats or 64-bit integers) as the decimal numbers that they count as.

    JSON also writes a float as its shortest text. A round trip through JSON takes half the time of
    `Decimal(repr(number))`.
    """
    return _read(_write(numbers))


def as_decimal(number: Number) -> Decimal:
    """Return one number as `as_decimals` does."""
    return _read_one(_write(number))


def exact_sum(numbers: Sequence[Number]) -> Decimal:
    """Return the exact sum of finite numbers."""
    return reduce(EXACT.add, as_decimals(numbers), _ZERO)


def exact_product(numbers: Sequence[Number]) -> Decimal:
    """Return the exact product of finite numbers."""
    return reduce(EXACT.multiply, as_decimals(numbers), _ONE)


def nearest_float(exact: Decimal) -> float | None:
    """Return the float nearest to a decimal number, never -0.0; None beyond the range of floats."""
    nearest = float(exact) + 0.0
    return nearest if math.isfinite(nearest) else None


def in_millionths(number: Number) -> float | None:
    """Return the integer m if a number counts as m / 10**6, by the fast path; else None."""
    whole = number * MILLION + _ROUND - _ROUND
    return whole if whole / MILLION == number and abs(whole) <= _MILLIONTHS_MAX else None


def sum_in_millionths(left: Number, right: Number) -> float | None:
    """Return the integer m if the sum of two numbers is m / 10**6, by the fast path; else None."""
    first = left * MILLION + _ROUND - _ROUND
    second = right * MILLION + _ROUND - _ROUND
    if first / MILLION != left or second / MILLION != right:
        return None
    return first + second if abs(first) + abs(second) <= _MILLIONTHS_MAX else None


def all_in_millionths(numbers: Sequence[Number]) -> list[float] | None:
    """Return `in_millionths` of each number; None unless all of them, and their sums, qualify."""
    millionths = [
        whole
        for number in numbers
        if (whole := number * MILLION + _ROUND - _ROUND) / MILLION == number
    ]
    if len(millionths) < len(numbers):
        return None
    # The length of a vector is not less than the absolute value of any component.
    longest = math.hypot(*millionths) * len(millionths)
    return millionths if longest <= _MILLIONTHS_MAX else None
