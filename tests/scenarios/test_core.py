"""Every scenario on the core; and the runner notices what is not as a table says."""

from dataclasses import replace

import pytest

from tests.scenarios.chapters import SCENARIOS
from tests.scenarios.core import CoreRun
from tests.scenarios.scenario import Scenario
from tests.scenarios.writing import attribute, group, rule


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_it_is_as_the_table_says(scenario: Scenario) -> None:
    faults = CoreRun(scenario).go()
    assert not faults, "\n".join(["", *faults])


def test_every_scenario_has_a_title_of_its_own() -> None:
    titles = [scenario.title for scenario in SCENARIOS]
    assert sorted(set(titles)) == sorted(titles)


RIGHT = """
    time  | user | event || web:views | fires | dead letter
    10:00 | ann  | buy   || 1         | first |
    10:01 | ann  | buy   || 2         |       |
    > unpublish attribute_group/web/1
    > publish given
"""


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("|| 2 ", "|| 3 ", "web:views is 2, not 3"),
        ("|| 2 ", "|| null ", "web:views is 2, not None"),
        ("|| 2 ", "|| true ", "web:views is 2, not True"),
        ("first |", "      |", "fired: [('first', 'ann')]"),
        ("first |", "first>bob |", "fired: [('first', 'ann')]"),
        ("first |", "first, first |", "fired: [('first', 'ann')]"),
        ("2         |       |", "2         |       | json", "dead letter: none"),
        ("> publish given", "> publish given -> name", "refused: no"),
    ],
)
def test_what_is_not_as_the_table_says_is_noticed(right: str, wrong: str, says: str) -> None:
    given = [group("web", attribute("views", "counter")), rule("first", "web:views = 1")]
    scenario = Scenario("one", "", given, RIGHT, told={"e1": {"web:views": 1}})
    assert not CoreRun(scenario).go()
    assert right in RIGHT
    (fault,) = CoreRun(replace(scenario, table=RIGHT.replace(right, wrong))).go()
    assert fault.endswith(says)


@pytest.mark.parametrize(
    "wanted",
    [
        {"told": {"e1": {"web:views": 2}}},
        {"because": {"e1": [("web:views", 0, 1)]}},
        {"rejected": {("web_v1:views", "rejected"): 1}},
    ],
)
def test_a_message_or_a_count_of_another_content_is_noticed(wanted: dict[str, object]) -> None:
    given = [group("web", attribute("views", "counter")), rule("first", "web:views = 1")]
    assert len(CoreRun(Scenario("one", "", given, RIGHT, **wanted)).go()) == 1
