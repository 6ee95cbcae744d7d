"""The total of numbers: exact over decimal numbers, and its stored form.

A total has one of these forms. Only the last is not plain; `plain_total` converts it to another.

 - int: every number was an integer, and the total fits 64 bits
 - list of floats: at least one number was a float. [] is zero. [x] is the decimal number that x
   counts as, with at most 15 digits. [..., y, x], from the smallest to the largest, is the sum of
   the decimal numbers that they count as: x is the total rounded to a float, y the rest rounded,
   and so on until nothing is left. If nothing is left after x, 0.0 precedes x.
 - str: `n` is a total of integers that does not fit 64 bits. `n/d` is a total that floats cannot
   represent: it is beyond their range, or has digits below the smallest one. d is a power of ten,
   not 1.
 - DecimalTotal: at least one number was a float

The same numbers in any order have the same plain total.

Older totals of floats were exact over binary numbers: a list of floats from the largest to the
smallest, or a fraction `n/d` in lowest terms, where d is 1 or another power of two. They are read
as their value, rounded to 15 digits. For a list of one float with no more digits, that is the same
as above. The program that wrote them reads the lists above as binary numbers, and can continue from
there.
"""

import math
from decimal import Context, Decimal
from typing import Final

from processor.events.decimals import (
    EXACT,
    MILLION,
    Number,
    as_decimal,
    exact_sum,
    in_millionths,
    nearest_float,
)

_PLACES: Final = 15
_ROUNDED: Final = Context(prec=_PLACES)


class DecimalTotal:
    """A total in memory, for sums of floats with many digits. It is never changed."""

    __slots__ = ("exact",)

    def __init__(self, exact: Decimal) -> None:
        self.exact = exact


PlainTotal = int | list[float] | str
Total = PlainTotal | DecimalTotal


def total_of_millionths(whole: float) -> list[float]:
    """Return the total of floats that is m / 10**6, where m is an integer of the fast path."""
    return [whole / MILLION] if whole else []


def exact_total(total: Total) -> Decimal:
    """Return a total as a decimal number."""
    if isinstance(total, DecimalTotal):
        return total.exact
    if isinstance(total, list):
        return exact_sum(decimal_terms(total))
    if isinstance(total, int):
        return Decimal(total)
    top, _, bottom = total.partition("/")
    zeros = len(bottom) - 1
    if zeros > 0 and bottom == f"1{'0' * zeros}":
        return EXACT.scaleb(Decimal(top), -zeros)
    return _ROUNDED.divide(Decimal(top), Decimal(bottom)) if bottom else Decimal(top)


def rounded_total(total: Total) -> float | None:
    """Return the float nearest to a total; None beyond the range of floats."""
    if isinstance(total, list):
        return decimal_terms(total)[-1]
    return nearest_float(exact_total(total))


def decimal_terms(total: list[Number]) -> list[Number]:
    """Return the terms of a total that count as decimal numbers, of which there is at least one.

    An integer in a list is one, too.
    """
    if len(total) > 1:
        return total if abs(total[0]) < abs(total[1]) else [_settled(math.fsum(total))]
    return [_settled(one) if type(one) is float else one for one in total] or [0.0]


def of_integers(total: Total) -> bool:
    """Return whether every number was an integer."""
    return isinstance(total, int) or (isinstance(total, str) and "/" not in total)


def plain_total(total: Total) -> PlainTotal:
    """Return a total as plain data, of bounded size."""
    if not isinstance(total, DecimalTotal):
        return total
    terms = _terms(total.exact)
    if terms is None:
        return _fraction(total.exact)
    if len(terms) == 1 and terms[0] != _settled(terms[0]):
        terms.append(0.0)
    return terms[::-1]


def plain_state(state: object) -> PlainTotal:
    """Return the plain form of a state, or of a part of one, for an encoder.

    Raises:
        NotImplementedError: it is not such a state; an encoder of msgspec expects this error.
    """
    if isinstance(state, DecimalTotal):
        return plain_total(state)
    raise NotImplementedError(type(state).__name__)


def _settled(number: float) -> float:
    """Return a float rounded to 15 digits; unchanged if that is beyond the range of floats."""
    if in_millionths(number) is not None:
        return number
    settled = float(f"{number:.{_PLACES}g}")
    return settled if math.isfinite(settled) else number


def _terms(exact: Decimal) -> list[float] | None:
    """Return floats that count as decimal numbers whose sum is exact; None if there are none.

    Each leaves less than 2**-51 of the rest that the one before left.
    """
    terms = []
    while exact:
        term = nearest_float(exact)
        if not term:
            return None
        terms.append(term)
        exact = EXACT.subtract(exact, as_decimal(term))
    return terms


def _fraction(exact: Decimal) -> str:
    lowest = exact.normalize(EXACT)
    _, _, exponent = lowest.as_tuple()
    assert isinstance(exponent, int), "it is finite"
    places = max(-exponent, 1)
    return f"{int(EXACT.scaleb(lowest, places))}/{10**places}"
