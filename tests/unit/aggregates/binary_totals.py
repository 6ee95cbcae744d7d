"""Totals as they were before they were decimal: exact over the binary numbers that floats are.

The program of that time, word for word but for this text; tests let it read what the new one
writes, and the other way round.

A total is one of three:
 - int: every input was an integer and 64 bits hold the sum
 - list of floats whose exact sum it is, from the greatest to the least, none of them zero
 - str: the total as an exact fraction `n` or `n/d`, where neither of the above holds it
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import chain

from processor.limits import INTEGER_MAX

Total = int | list[float] | str
Number = int | float


def add_exact(total: Total, value: Number) -> Total:
    """Return the total with `value`, which is finite."""
    if isinstance(value, float):
        if type(total) is list:
            return _partials([*total, value])
        if type(total) is int and (rounded := float(total)) == total:
            return _partials([rounded, value])
    elif type(total) is int:
        return _integer(total + value)
    elif type(total) is list and (rounded := float(value)) == value:
        return _partials([*total, rounded])
    return merge_exact([total, value if type(value) is int else _partials([value])])


def gather_exact(values: list[Number]) -> Total:
    """Return the total of finite numbers. The list is the caller's no longer."""
    kinds = set(map(type, values))
    if float not in kinds:
        return _integer(sum(values))  # type: ignore[arg-type]  # all are int
    if int not in kinds:
        return values  # all are float
    terms = list(map(float, values))
    if terms == values:
        return terms
    return _of_fraction(sum(map(Fraction, values), Fraction()), floats=True)


def merge_exact(totals: Sequence[Total]) -> Total:
    """Return the total of totals."""
    kinds = set(map(type, totals))
    if kinds == {list}:
        return list(chain.from_iterable(totals))  # type: ignore[arg-type]  # lists
    if kinds == {int}:
        return _integer(sum(totals))  # type: ignore[arg-type]
    floats = any(type(total) is list or (type(total) is str and "/" in total) for total in totals)
    return _of_fraction(sum(map(_fraction, totals), Fraction()), floats=floats)


def compact_exact(total: Total) -> Total:
    """Return the same total in bounded size."""
    return _partials(total.copy()) if type(total) is list else total


def to_int(total: Total) -> int:
    """Return the total of integers, of any size."""
    return total if type(total) is int else int(total)  # type: ignore[arg-type]


def to_float(total: Total) -> float | None:
    """Return the total correctly rounded; None where it overflows."""
    try:
        return math.fsum(total) if type(total) is list else float(_fraction(total))
    except OverflowError:  # perhaps on the way only
        return _to_float_slowly(_fraction(total))


def quotient(total: Total, count: int) -> float | None:
    """Return total / count, rounded once; None where it overflows."""
    compact = compact_exact(total)
    if type(compact) is list:
        if len(compact) == 1:
            return compact[0] / count
        ratios = [term.as_integer_ratio() for term in compact]
        scale = max((below for _, below in ratios), default=1)
        return sum(above * (scale // below) for above, below in ratios) / (scale * count)
    return _to_float_slowly(_fraction(compact) / count)


def _to_float_slowly(exact: Fraction) -> float | None:
    try:
        return float(exact)
    except OverflowError:
        return None


def _integer(total: int) -> Total:
    return total if -INTEGER_MAX <= total <= INTEGER_MAX else str(total)


def _partials(terms: list[float]) -> Total:
    given = len(terms)
    partials: list[float] = []
    try:
        rest = math.fsum(terms)
        while rest:
            partials.append(rest)
            terms.append(-rest)
            rest = math.fsum(terms)
    except OverflowError:
        return _of_fraction(sum(map(Fraction, terms[:given]), Fraction()), floats=True)
    return partials


def _fraction(total: Total) -> Fraction:
    if type(total) is list:
        return sum(map(Fraction, total), Fraction())
    return Fraction(total)  # type: ignore[arg-type]  # int or str


def _of_fraction(exact: Fraction, *, floats: bool) -> Total:
    if not floats:
        return _integer(exact.numerator)
    partials = []
    try:
        while exact:
            rest = float(exact)
            partials.append(rest)
            exact -= Fraction(rest)
    except OverflowError:
        return f"{exact.numerator}/{exact.denominator}"
    return partials
