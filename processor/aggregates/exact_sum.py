"""Exact sums over decimal numbers: the result does not depend on the order of adding and merging.

Every number counts as the decimal number that people wrote (processor/events/decimals.py). The form
of a total is described in processor/aggregates/total.py. Most totals of floats are lists of one
float, for which there is a fast path.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import reduce
from itertools import accumulate, chain
from typing import Final

from processor.aggregates.total import (
    DecimalTotal,
    PlainTotal,
    Total,
    decimal_terms,
    exact_total,
    of_integers,
    rounded_total,
    total_of_millionths,
)
from processor.events.decimals import (
    EXACT,
    Number,
    all_in_millionths,
    as_decimal,
    as_decimals,
    exact_sum,
    in_millionths,
    sum_in_millionths,
)
from processor.limits import INTEGER_MAX

_add = EXACT.add
# The most frequent merge: the chunks of a window, and its entries outside the chunks.
_PAIR: Final = 2


def add_exact(total: Total, value: Number) -> Total:
    """Return the total plus `value`, which is finite."""
    if type(total) is DecimalTotal:
        return DecimalTotal(_add(total.exact, as_decimal(value)))
    whole = None
    if type(total) is list:
        if len(total) <= 1:
            whole = sum_in_millionths(total[0] if total else 0, value)
    elif type(value) is int and of_integers(total):
        return _integer(to_int(total) + value)
    elif type(total) is int:
        whole = sum_in_millionths(total, value)
    if whole is not None:
        return total_of_millionths(whole)
    return DecimalTotal(_add(exact_total(total), as_decimal(value)))


def gather_exact(values: Sequence[Number]) -> Total:
    """Return the total of finite numbers, of which there is at least one."""
    first = values[0]
    if len(values) == 1 and type(first) is float:  # in a window, most often
        whole = in_millionths(first)
        return DecimalTotal(as_decimal(first)) if whole is None else total_of_millionths(whole)
    if type(first) is int and float not in map(type, values):
        return _integer(sum(values))  # type: ignore[arg-type]  # all are int
    millionths = all_in_millionths(values)
    if millionths is not None:
        return total_of_millionths(sum(millionths))
    return DecimalTotal(exact_sum(values))


def gather_parts(values: Sequence[Number]) -> Callable[[int, int], Total]:
    """Return a function like `gather_exact` for a start and a stop (excluded), by running sums.

    The values are finite, and never change.
    """
    if float not in map(type, values):
        integers = list(accumulate(values, initial=0))
        return lambda start, stop: _integer(integers[stop] - integers[start])  # type: ignore[arg-type]  # all are int
    millionths = all_in_millionths(values)
    if millionths is not None:
        quick = list(accumulate(millionths, initial=0.0))
        return lambda start, stop: total_of_millionths(quick[stop] - quick[start])
    exact = list(accumulate(as_decimals(values), _add, initial=Decimal(0)))
    return lambda start, stop: DecimalTotal(EXACT.subtract(exact[stop], exact[start]))


def merge_exact(totals: Sequence[Total]) -> Total:
    """Return the total of totals, of which there is at least one."""
    if len(totals) == _PAIR:
        left, right = totals
        if type(left) is list and type(right) is list and len(left) == len(right) == 1:
            whole = sum_in_millionths(left[0], right[0])
            if whole is not None:
                return total_of_millionths(whole)
    kinds = set(map(type, totals))
    if kinds == {list}:
        return _merge_lists(totals)  # type: ignore[arg-type]  # lists
    if kinds == {int}:
        return _integer(sum(totals))  # type: ignore[arg-type]  # all are int
    if kinds == {int, list}:
        lists = [one if type(one) is list else [one] for one in totals]
        return _merge_lists(lists)  # type: ignore[arg-type]  # int or list
    if all(map(of_integers, totals)):
        return _integer(sum(map(to_int, totals)))
    return DecimalTotal(reduce(_add, map(exact_total, totals)))


def _merge_lists(totals: Sequence[list[Number]]) -> Total:
    """Return the total of totals that are lists, or one integer in a list.

    The fast path adds up all their terms. It applies to an older total only if that is a single
    number: if the first term is small enough for the fast path, a second one is far below a
    millionth.
    """
    terms = list(chain.from_iterable(totals))
    millionths = all_in_millionths(terms)
    if millionths is not None:
        return total_of_millionths(sum(millionths))
    return DecimalTotal(exact_sum(list(chain.from_iterable(map(decimal_terms, totals)))))


def to_int(total: Total) -> int:
    """Return the total of integers, of any size."""
    return total if type(total) is int else int(total)  # type: ignore[arg-type]  # int or str


def to_float(total: Total) -> float | None:
    """Return the total rounded to the nearest float; None beyond the range of floats."""
    if type(total) is list and len(total) == 1 and in_millionths(total[0]) is not None:
        return total[0]
    return float(total) if type(total) is int else rounded_total(total)


def quotient(total: Total, count: int) -> float | None:
    """Return total / count, rounded once; None beyond the range of floats."""
    if type(total) is list and len(total) == 1:
        millionths = in_millionths(total[0])
        if millionths is not None:
            return int(millionths) / (1_000_000 * count)
    above, below = (total, 1) if type(total) is int else exact_total(total).as_integer_ratio()
    try:
        return above / (below * count)
    except OverflowError:
        return None


def _integer(total: int) -> PlainTotal:
    return total if -INTEGER_MAX <= total <= INTEGER_MAX else str(total)
