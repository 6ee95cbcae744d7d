"""The comparison of core and model that, where they differ, tells a small case that does."""

import json
from typing import Any

from tests.model.comparison import Comparison, DifferenceError, compare
from tests.model.enriched import COLUMNS
from tests.model.generated import Happening
from tests.model.generated_values import Json


def check(
    definitions: list[Json], history: list[Happening], options: Json, name: str = ""
) -> Comparison:
    """Compare, and where that fails, tell the smallest case found that still fails so."""
    try:
        return compare(definitions, history, options)
    except Exception as error:
        definitions, history = smaller(definitions, history, options, type(error))
        found = failure(definitions, history, options) or error
        case = shown(definitions, history, options)
        text = f"{name!r}: {type(found).__name__} {found}\n{case}"
        raise DifferenceError(text) from found


def failure(definitions: list[Json], history: list[Happening], options: Json) -> Exception | None:
    """How the comparison fails."""
    try:
        compare(definitions, history, options)
    except Exception as error:
        return error
    return None


def smaller(
    definitions: list[Json], history: list[Happening], options: Json, kind: type[Exception]
) -> tuple[list[Json], list[Happening]]:
    """Leave away rules, groups, attributes and events for as long as it fails in the same way."""

    def fails(definitions: list[Json], history: list[Happening]) -> bool:
        return type(failure(definitions, history, options)) is kind

    size = len(history)
    while size:
        start = 0
        while start < len(history):
            less = history[:start] + history[start + size :]
            history, start = (less, start) if fails(definitions, less) else (history, start + size)
        size //= 2
    for candidate in fewer_definitions(definitions):
        if fails(candidate(definitions), history):
            definitions = candidate(definitions)
    return definitions, history


def fewer_definitions(definitions: list[Json]) -> list[Any]:
    """Ways to leave away one rule, group or attribute, by its name."""

    def without(number: tuple[str, int], attribute: str | None = None) -> Any:
        def left(definitions: list[Json]) -> list[Json]:
            found = []
            for one in definitions:
                if (one["name"], one["version"]) != number:
                    found.append(one)
                elif attribute is not None:
                    some = [each for each in one["attributes"] if each["name"] != attribute]
                    found.append({**one, "attributes": some})
            return found

        return left

    ways = [without((one["name"], one["version"])) for one in reversed(definitions)]
    return ways + [
        without((one["name"], one["version"]), each["name"])
        for one in definitions
        for each in one.get("attributes", [])
    ]


def shown(definitions: list[Json], history: list[Happening], options: Json) -> str:
    """The case as text."""
    lines = [f"options {options}", *(f"definition {json.dumps(one)}" for one in definitions)]
    for one in history:
        columns = dict(zip(COLUMNS, one.line.decode().split("\t"), strict=True))
        lines.append(f"event { ({name: text for name, text in columns.items() if text}) }")
        lines.append(f"  reads {one.reads_ms} store {one.store} expire {one.expire}")
        lines[-1] += f" reads_all {one.reads_all} order {one.order} arrival {one.arrival_ms}"
    return "\n".join(lines)
