"""How the naive model compares values, and when a tree of criteria is met."""

import re
from typing import Any

import re2

from tests.model.published import Json, leaves

Scalar = str | int | float | bool
Value = Scalar | None | list[Scalar] | dict[str, int]
OPPOSITES = {"!=": "=", "not in": "in", "not like": "like", "not rlike": "rlike"}


def compare(value: Value, operator: str, wanted: Any) -> bool:
    """One criterion: only values of one kind compare, a missing value is only null."""
    if operator == "is null":
        return value is None
    if value is None:
        return False
    if operator == "is not null":
        return True
    if operator in OPPOSITES:
        return not compare(value, OPPOSITES[operator], wanted)
    if operator == "in":
        return any(compare(value, "=", one) for one in wanted)
    if isinstance(value, list | dict) or kind_of(value) != kind_of(wanted):
        return False
    if operator == "=":
        return bool(value == wanted)
    if operator in {"like", "rlike"}:
        if not isinstance(value, str):
            return False
        return is_like(value, wanted) if operator == "like" else is_found(value, wanted)
    if isinstance(value, bool):
        return False
    orders = {"<": value < wanted, ">": value > wanted}
    orders |= {"<=": value <= wanted, ">=": value >= wanted}
    return bool(orders[operator])


def kind_of(value: Any) -> str:
    """The kinds that compare with each other."""
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def same(left: Any, right: Any) -> bool:
    """Equal as JSON values: 1 is 1.0, true is not 1, and a list has its order."""
    if isinstance(left, list) and isinstance(right, list):
        pairs = zip(left, right, strict=False)
        return len(left) == len(right) and all(same(*pair) for pair in pairs)
    return kind_of(left) == kind_of(right) and bool(left == right)


def is_like(text: str, pattern: str) -> bool:
    """SQL LIKE: % is any run, _ one character, a backslash takes the next one as it is."""
    wild = {"%": ".*", "_": "."}
    parts = re.findall(r"\\.|[^\\]", pattern, re.DOTALL)
    regex = "".join(wild.get(one) or re.escape(one[-1]) for one in parts)
    return re.fullmatch(regex, text, re.DOTALL) is not None


def is_found(text: str, pattern: str) -> bool:
    """Does the regular expression match anywhere in the text, as RE2 understands it?"""
    return re2.search(pattern, text) is not None


def is_met(tree: Json, values: dict[str, Value], earlier: dict[str, Value] | None) -> bool:
    """Is the tree of criteria met: every one of `all`, one of `any`, none of `none`?

    `changed` compares with the earlier values, and is not met where there are none to compare with.
    """
    if "all" in tree:
        return all(is_met(child, values, earlier) for child in tree["all"])
    if "any" in tree:
        return any(is_met(child, values, earlier) for child in tree["any"])
    if "none" in tree:
        return not any(is_met(child, values, earlier) for child in tree["none"])
    name = tree["attribute"]
    if tree["operator"] == "changed":
        return earlier is not None and not same(values[name], earlier[name])
    return compare(values[name], tree["operator"], tree.get("value"))


def deciding(tree: Json, values: dict[str, Value], earlier: dict[str, Value]) -> list[Json]:
    """The criteria that made a met tree met, in its order."""
    if "none" in tree:
        return leaves(tree)
    if "all" in tree or "any" in tree:
        children = tree["all"] if "all" in tree else tree["any"]
        met = [one for one in children if is_met(one, values, earlier)]
        return [leaf for child in met for leaf in deciding(child, values, earlier)]
    return [tree]
