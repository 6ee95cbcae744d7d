"""definitions/README.md says of aggregations and operators what their tables say."""

import re
from pathlib import Path
from typing import get_args

from definitions.aggregations import AGGREGATIONS, TIME_UNITS_MS
from definitions.attribute_types import AttributeType
from definitions.operators import OPERATORS

PAGE = (Path(__file__).parents[2] / "definitions" / "README.md").read_text()


def chapter(title: str) -> str:
    (found,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return found


def rule(number: str) -> str:
    (found,) = re.findall(
        rf"^- \*\*{number}\*\* (.*?)(?=^- \*\*|^#|\n\n)", PAGE, re.MULTILINE | re.DOTALL
    )
    return found


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def rows() -> dict[str, tuple[str, str]]:
    """The cells of the table of aggregations, by the name of each."""
    cells = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
    return {
        name: (takes, types)
        for names, takes, types in cells.findall(chapter("Aggregations and types"))
        for name in names.split(", ")
        if name in AGGREGATIONS
    }


def test_the_page_has_a_row_of_each_aggregation() -> None:
    assert set(rows()) == set(AGGREGATIONS)


def test_a_row_says_whether_a_property_is_read() -> None:
    said = {name: takes for name, (takes, _) in rows().items()}
    assert said == {
        name: "yes" if row.takes_property else "none" for name, row in AGGREGATIONS.items()
    }


def test_a_row_lists_the_types_of_the_attribute() -> None:
    wrong = []
    for name, (_, types) in rows().items():
        said = words(types) & set(get_args(AttributeType))
        wanted = AGGREGATIONS[name].types
        if types.endswith("…"):  # the first ones stand for all
            said = {kind for kind in said if kind.endswith("_list")}
            wanted = wanted & said
        if said != wanted or not said:
            wrong.append(f"{name}: the page has {sorted(said)}, the table {sorted(wanted)}")
    assert not wrong, "\n".join(wrong)


def test_the_page_names_the_aggregations_of_parts_of_dates() -> None:
    of_dates = {name for name, row in AGGREGATIONS.items() if row.date_parts}
    assert words(rule("P7")) & set(AGGREGATIONS) == of_dates


def test_the_page_names_the_time_units_and_what_has_one() -> None:
    assert set(re.findall(r"`(\w+)`", rule("A11"))) - {"time_unit"} == {
        *TIME_UNITS_MS,
        *(name for name, row in AGGREGATIONS.items() if row.time_unit),
    }


def test_the_page_names_each_operator_where_it_can_stand() -> None:
    of_rules = chapter("Interventions")
    of_all = chapter("Criteria") + of_rules
    missing = [
        name
        for name, row in OPERATORS.items()
        if f"`{name}`" not in (of_rules if row.rule_only else of_all)
    ]
    assert not missing, f"definitions/README.md: name these operators: {missing}"
