"""What the naive model makes of the events of an attribute: what they give, and the result."""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any
from uuid import UUID

from tests.model.comparing import Scalar, Value, compare, kind_of, same
from tests.model.enriched import Line
from tests.model.properties import as_written, value_of
from tests.model.published import Attribute, Json

ID_CHARS_MAX = 256
# Columns whose UUIDs are one in any case, and the UUID that is nobody's.
COOKIES = ("domain_userid", "domain_sessionid", "network_userid")
NIL = UUID(int=0)
# A list or map of distinct values is given up to here.
SHOWN_MAX = 100
# Distinct values that an attribute without a period remembers, and of those the long texts.
REMEMBERED_MAX = 1_000
LONG_CHARS, LONG_MAX = 1_024, 200
# An approximate count is exact below as many, and elsewhere at most this far off.
EXACT_BELOW, APPROXIMATION = 100, 0.05
UNITS_MS = {"s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
WITHOUT_PROPERTY = {"counter", "time_since_last", "time_since_first"}
# The shortest text of a float has no digit below 1 / SMALLEST.
SMALLEST = 10**324


def id_text(value: Scalar | None, prop: Json, nobody: Collection[str] = ()) -> str:
    """The id that a key's property gives; empty where the event has none, or one of nobody."""
    text = "" if value is None else category(value)
    uuid = re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text.lower()) is not None
    if uuid and prop["type"] == "atomic" and prop["name"] in COOKIES:
        text = text.lower()
        nobody = [one.lower() if one.lower() == text else one for one in nobody]
    if text in nobody or text in {str(NIL), NIL.hex, f"{{{NIL}}}"}:
        return ""
    return text if len(text) <= ID_CHARS_MAX else ""


def contribution(attribute: Attribute, event: Line) -> tuple[bool, Scalar | None]:
    """Does the event contribute to the attribute, and with what value (a counter has none)?"""
    definition = attribute.definition
    selectors = definition.get("events", [])
    if selectors and not any(selects(one, event) for one in selectors):
        return False, None
    if not meets(definition.get("criteria") or {}, event):
        return False, None
    if definition["aggregation"] in WITHOUT_PROPERTY:
        return True, None
    counts_any = definition["aggregation"] == "approx_count_distinct"
    wanted = "any" if counts_any else definition["type"].removesuffix("_list")
    value = of_type(value_of(event, definition["property"]), wanted)
    return value is not None, value


def selects(selector: Json, event: Line) -> bool:
    """Are all given parts of the selector equal to the event's?"""
    parts = ("name", "vendor", "version")
    return all(selector[one] == event[f"event_{one}"] for one in parts if selector.get(one))


def meets(criteria: Json, event: Line) -> bool:
    """Does the event meet every one of `all`, and at least one of `any` where that is given?"""

    def one(criterion: Json) -> bool:
        value = value_of(event, criterion["property"])
        return compare(value, criterion["operator"], criterion.get("value"))

    met = all(one(criterion) for criterion in criteria.get("all") or [])
    either = criteria.get("any")
    return met and (either is None or any(one(criterion) for criterion in either))


def of_type(value: Scalar | None, wanted: str) -> Scalar | None:
    """The value as the attribute's type takes it; None where it is of another."""
    if wanted == "any" or value is None:
        return value
    if wanted == "dict":
        return category(value)
    if wanted in {"string", "timestamp", "bytes"}:
        return value if isinstance(value, str) else None
    if wanted == "bool":
        return value if isinstance(value, bool) else None
    if isinstance(value, str | bool):
        return None
    if wanted in {"int32", "int64"}:
        whole = value == int(value) and -(2**63) <= value < 2**63
        return int(value) if whole else None
    return value


def category(value: Scalar) -> str:
    """The text of a value, the same one for 1 and 1.0 where 64 bits hold it as an integer."""
    if isinstance(value, str):
        return value
    whole = isinstance(value, float) and value.is_integer() and -(2**63) <= value < 2**63
    return json.dumps(int(value) if whole else value)


def aggregate(attribute: Attribute, rows: list[tuple[int, Any]], now_ms: int) -> Value:
    """The result over (time, value) in the order of arrival; None where there is none."""
    kind, wanted = attribute.definition["aggregation"], attribute.definition["type"]
    if not rows:
        return None
    times_ms, values = [time_ms for time_ms, _ in rows], [value for _, value in rows]
    if kind == "counter":
        return len(rows)
    if kind == "first":
        return min(rows, key=lambda row: row[0])[1]
    if kind == "last":
        return max(reversed(rows), key=lambda row: row[0])[1]
    if kind in {"time_since_first", "time_since_last"}:
        then_ms = min(times_ms) if kind == "time_since_first" else max(times_ms)
        return max(0, now_ms - then_ms) / UNITS_MS[attribute.definition["time_unit"]]
    if kind == "approx_count_distinct":
        return len({(kind_of(value), value) for value in values})
    if kind in {"sum", "min", "max", "mean"}:
        return of_numbers(kind, wanted, values)
    return of_distinct(kind, distinct(rows, bounded=attribute.period_ms is None))


def of_numbers(kind: str, wanted: str, numbers: list[Any]) -> int | float | None:
    """Sum, mean, least or greatest of numbers."""
    if kind == "mean":
        return rounded(exact_sum(numbers) / len(numbers))
    result: Any = total(numbers) if kind == "sum" else (min if kind == "min" else max)(numbers)
    return rounded(result) if wanted in {"double", "float"} else result


def total(numbers: list[Any]) -> Any:
    """The exact sum of numbers; integers stay one."""
    if all(isinstance(one, int) for one in numbers):
        return sum(numbers)
    return exact_sum(numbers)


def exact_sum(numbers: list[Any]) -> Fraction:
    """The sum of numbers as they are written, without rounding."""
    return Fraction(sum(map(in_smallest, numbers)), SMALLEST)


# An integer and a float that are equal may be written differently.
@lru_cache(maxsize=100_000, typed=True)
def in_smallest(number: Any) -> int:
    """The number as it is written, in units of 1 / SMALLEST."""
    exact = as_written(number)
    return exact.numerator * (SMALLEST // exact.denominator)


def rounded(number: Any) -> float | None:
    """The nearest float; None beyond the greatest one."""
    try:
        return float(number)
    except OverflowError:
        return None


@dataclass
class Distinct:
    """One of the different values, how often it was seen, and its latest sighting by event time."""

    value: Scalar
    count: int = 0
    seen: tuple[int, int] = (-1, -1)  # event time, and arrival among those of one time


def distinct(rows: list[tuple[int, Scalar]], *, bounded: bool) -> list[Distinct]:
    """The different values, the one last seen longest ago first.

    Where they are bounded, the first of them is forgotten with its count whenever there are more.
    """
    found: dict[tuple[str, Scalar], Distinct] = {}
    for arrival, (time_ms, value) in enumerate(rows):
        one = found.setdefault((kind_of(value), value), Distinct(value))
        one.count += 1
        one.seen = max(one.seen, (time_ms, arrival))
        long = [one for one in found.values() if is_long(one.value)] if is_long(value) else []
        for few, most in ((long, LONG_MAX), (list(found.values()), REMEMBERED_MAX)):
            if bounded and len(few) > most:
                oldest = min(few, key=lambda one: one.seen)
                del found[kind_of(oldest.value), oldest.value]
    return sorted(found.values(), key=lambda one: one.seen)


def is_long(value: Scalar) -> bool:
    """Is it a text of which fewer are remembered?"""
    return isinstance(value, str) and len(value) > LONG_CHARS


def of_distinct(kind: str, found: list[Distinct]) -> Value:
    """What follows from the different values; of equal counts the one last seen goes first."""
    if kind == "unique_list":
        return [one.value for one in found[-SHOWN_MAX:]]
    newest_first = found[::-1]
    if kind == "least_frequent":
        return min(newest_first, key=lambda one: one.count).value
    if kind == "most_frequent":
        return max(newest_first, key=lambda one: one.count).value
    most_first = sorted(newest_first, key=lambda one: -one.count)
    return {str(one.value): one.count for one in most_first[:SHOWN_MAX]}


def agrees(attribute: Attribute, value: Any, expected: Value) -> bool:
    """Is the value right, as exact as its aggregation is?"""
    counts_any = attribute.definition["aggregation"] == "approx_count_distinct"
    if counts_any and isinstance(expected, int) and expected >= EXACT_BELOW:
        near = APPROXIMATION * expected
        return kind_of(value) == "number" and abs(value - expected) <= near
    return same(value, expected)
