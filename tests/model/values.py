"""What the naive model does with values: extract, compare, aggregate, and decide a tree."""

import json
import math
import re
from fractions import Fraction
from typing import Any

from tests.model.enriched import Line
from tests.model.published import Attribute, Json, leaves

Value = str | int | float | bool | None
ID_CHARS_MAX = 256
# The smallest float above zero is 1 / SMALLEST.
SMALLEST = 2**1074


def id_text(value: Value) -> str:
    """The id of a profile; empty where the event has none."""
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= ID_CHARS_MAX else ""


def contribution(attribute: Attribute, event: Line) -> tuple[bool, Value]:
    """Does the event contribute to the attribute, and with what value (a counter has none)?"""
    definition = attribute.definition
    selectors = definition.get("events", [])
    if selectors and not any(selects(one, event) for one in selectors):
        return False, None
    if not meets(definition.get("criteria") or {}, event):
        return False, None
    if definition["aggregation"] == "counter":
        return True, None
    value = of_type(event.value(definition["property"]), definition["type"])
    return value is not None, value


def selects(selector: Json, event: Line) -> bool:
    """Are all given parts of the selector equal to the event's?"""
    parts = ("name", "vendor", "version")
    return all(selector[one] == event[f"event_{one}"] for one in parts if selector.get(one))


def meets(criteria: Json, event: Line) -> bool:
    """Does the event meet every one of `all`, and at least one of `any` where that is given?"""

    def one(criterion: Json) -> bool:
        value = event.value(criterion["property"])
        return compare(value, criterion["operator"], criterion.get("value"))

    met = all(one(criterion) for criterion in criteria.get("all") or [])
    either = criteria.get("any")
    return met and (either is None or any(one(criterion) for criterion in either))


def of_type(value: Value, wanted: str) -> Value:
    """The value as the attribute's type takes it; None where it is of another."""
    if wanted in {"string", "timestamp", "bytes"}:
        return value if isinstance(value, str) else None
    if wanted == "bool":
        return value if isinstance(value, bool) else None
    if isinstance(value, str | bool) or value is None:
        return None
    if wanted in {"int32", "int64"}:
        whole = value == int(value) and -(2**63) <= value < 2**63
        return int(value) if whole else None
    return value


def aggregate(attribute: Attribute, rows: list[tuple[int, Value]]) -> Value:
    """The result over (time, value) in the order of arrival; None where there is none."""
    kind, wanted = attribute.definition["aggregation"], attribute.definition["type"]
    if not rows:
        return None
    if kind == "counter":
        return len(rows)
    if kind == "first":
        return min(rows, key=lambda row: row[0])[1]
    if kind == "last":
        return max(reversed(rows), key=lambda row: row[0])[1]
    numbers: list[Any] = [value for _, value in rows]
    if kind == "mean":
        return float(exact_sum(numbers) / len(numbers))
    result: Any = total(numbers) if kind == "sum" else (min if kind == "min" else max)(numbers)
    return rounded(result) if wanted in {"double", "float"} else result


def total(numbers: list[Any]) -> Any:
    """The exact sum; already rounded where that is the same and quicker."""
    if all(isinstance(one, float) and abs(one) < 1e300 for one in numbers):
        return math.fsum(numbers)
    if all(isinstance(one, int) for one in numbers):
        return sum(numbers)
    return exact_sum(numbers)


def exact_sum(numbers: list[Any]) -> Fraction:
    """The sum without rounding: every finite float is a whole number of the smallest one."""
    ratios = (one.as_integer_ratio() for one in numbers)
    return Fraction(sum(top * (SMALLEST // bottom) for top, bottom in ratios), SMALLEST)


def rounded(number: Any) -> float | None:
    """The nearest float; None beyond the greatest one."""
    try:
        return float(number)
    except OverflowError:
        return None


def compare(value: Value, operator: str, wanted: Any) -> bool:
    """One criterion: only values of one kind compare, a missing value is only null."""
    if operator == "is null":
        return value is None
    if value is None:
        return False
    if operator == "is not null":
        return True
    if operator == "in":
        return any(compare(value, "=", one) for one in wanted)
    same_kind = kind_of(value) == kind_of(wanted)
    if operator == "!=":
        return not (same_kind and value == wanted)
    if operator == "=":
        return same_kind and value == wanted
    if not same_kind or isinstance(value, bool):
        return False
    if operator == "like":
        return isinstance(value, str) and is_like(value, wanted)
    return bool(
        {"<": value < wanted, ">": value > wanted, "<=": value <= wanted, ">=": value >= wanted}[
            operator
        ]
    )


def kind_of(value: Any) -> str:
    """The kinds that compare with each other."""
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def is_like(text: str, pattern: str) -> bool:
    """SQL LIKE: % is any run, _ one character, a backslash takes the next one as it is."""
    wild = {"%": ".*", "_": "."}
    parts = re.findall(r"\\.|[^\\]", pattern, re.DOTALL)
    regex = "".join(wild.get(one) or re.escape(one[-1]) for one in parts)
    return re.fullmatch(regex, text, re.DOTALL) is not None


def is_met(tree: Json, values: dict[str, Value]) -> bool:
    """Is the tree of criteria met: every one of `all`, one of `any`, none of `none`?"""
    if "all" in tree:
        return all(is_met(child, values) for child in tree["all"])
    if "any" in tree:
        return any(is_met(child, values) for child in tree["any"])
    if "none" in tree:
        return not any(is_met(child, values) for child in tree["none"])
    return compare(values[tree["attribute"]], tree["operator"], tree.get("value"))


def deciding(tree: Json, values: dict[str, Value]) -> list[Json]:
    """The criteria that made a met tree met, in its order."""
    if "none" in tree:
        return leaves(tree)
    if "all" in tree or "any" in tree:
        children = tree["all"] if "all" in tree else tree["any"]
        met = [one for one in children if is_met(one, values)]
        return [leaf for child in met for leaf in deciding(child, values)]
    return [tree]
