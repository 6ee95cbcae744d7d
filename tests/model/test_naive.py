"""The naive model itself, on cases that are small enough to be seen to be right."""

from typing import Any

import pytest

from tests.model.generated import START_MS, line_of
from tests.model.generated_cases import group_of
from tests.model.naive import Model
from tests.model.properties import computed
from tests.model.values import of_numbers

TITLE = {"type": "atomic", "name": "page_title"}
Step = tuple[int, str]  # milliseconds since the start, and the page title


def model(steps: list[Step], attribute: dict[str, Any], rule: dict[str, Any] | None = None) -> Any:
    """The model after the events, and the times at which the rule fired."""
    one = {"name": "a", "type": "string", "events": [], **attribute}
    definitions = [group_of("g", [one])]
    if rule is not None:
        definitions.append({"name": "r", "version": 1, "is_published": True, **rule})
    found, fired = Model(definitions), []
    for number, (at_ms, title) in enumerate(steps):
        columns = {"domain_userid": "u1", "page_title": title}
        messages = found.apply(line_of(START_MS + at_ms, number, columns), "enriched", 0, number)
        fired += [at_ms for _ in messages]
    return found, fired


def value(steps: list[Step], attribute: dict[str, Any], at_ms: int) -> Any:
    found, _ = model(steps, {"property": TITLE, **attribute})
    return found.attributes("domain_userid", "u1", "g", 1, START_MS + at_ms)["a"]


# home is seen last at 5, though an event of 1 comes after it; cart and help at the same time.
SEEN = [(0, "home"), (2, "help"), (5, "home"), (1, "home"), (2, "cart"), (3, "")]


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ({"aggregation": "unique_list", "type": "string_list"}, ["help", "cart", "home"]),
        ({"aggregation": "most_frequent"}, "home"),
        ({"aggregation": "least_frequent"}, "cart"),
        (
            {"aggregation": "category_count", "type": "dict"},
            [("home", 3), ("cart", 1), ("help", 1)],
        ),
        ({"aggregation": "approx_count_distinct", "type": "int32"}, 3),
        ({"aggregation": "first"}, "home"),
        ({"aggregation": "unique_list", "type": "string_list", "period": "PT0.006S"}, ["home"]),
        ({"aggregation": "most_frequent", "period": "PT0.005S", "default_value": "none"}, "none"),
    ],
    ids=str,
)
def test_distinct_values_are_ordered_by_their_last_sighting(
    attribute: dict[str, Any], expected: Any
) -> None:
    found = value(SEEN, attribute, 10)
    assert (list(found.items()) if isinstance(found, dict) else found) == expected


def test_the_value_that_was_seen_last_longest_ago_is_forgotten_with_its_count() -> None:
    steps = [(0, "old"), (0, "old"), *((one, str(one)) for one in range(1, 1_001))]
    count = {"aggregation": "most_frequent"}
    assert value([*steps[:-1], (1_001, "1")], count, 2_000) == "1"
    assert value(steps[:-1], count, 2_000) == "old"
    assert value([*steps, (2_000, "old")], count, 2_000) == "old"
    assert value([*steps, (2_000, "1")], count, 2_000) == "1"


@pytest.mark.parametrize(
    ("aggregation", "period", "expected"),
    [
        ("time_since_last", None, 1.0),
        ("time_since_first", None, 1.5),
        ("time_since_first", "PT1.5S", 1.0),
        ("time_since_last", "PT1S", None),
    ],
)
def test_the_time_since_an_event_is_by_its_time(
    aggregation: str, period: str | None, expected: float | None
) -> None:
    attribute = {"aggregation": aggregation, "type": "double", "time_unit": "s", "property": None}
    found = value([(1_000, ""), (500, "")], {**attribute, "period": period}, 2_000)
    assert found == expected


LAST = {"aggregation": "last", "property": TITLE}
CHANGED = {"attribute": "g:a", "operator": "changed"}
IS_SET = {"attribute": "g:a", "operator": "is not null"}
IS_B = {"attribute": "g:a", "operator": "=", "value": "b"}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"criteria": CHANGED}, [0, 20, 30, 40]),
        ({"criteria": {"all": [IS_B, CHANGED]}}, [20, 40]),
        ({"criteria": IS_B}, [20, 40]),
        ({"criteria": IS_SET}, [0]),
        ({"criteria": {"none": [IS_B]}}, [30]),
        ({"criteria": CHANGED, "cooldown": "PT0.011S"}, [0, 20, 40]),
        ({"criteria": CHANGED, "cooldown": "PT0.01S"}, [0, 20, 30, 40]),
        ({"criteria": CHANGED, "max_fires": 2}, [0, 20]),
        ({"criteria": CHANGED, "cooldown": "PT0.03S", "max_fires": 2}, [0, 30]),
    ],
    ids=str,
)
def test_a_rule_fires_when_it_becomes_met_and_as_often_as_it_may(
    rule: dict[str, Any], expected: list[int]
) -> None:
    steps = [(0, "a"), (10, "a"), (20, "b"), (5, "c"), (30, "a"), (40, "b")]
    assert model(steps, LAST, rule)[1] == expected


def test_a_group_has_its_value_per_version_and_a_rule_reads_the_highest() -> None:
    one = {"name": "a", "type": "int32", "aggregation": "counter", "events": []}
    views = {**one, "events": [{"name": "page_view"}]}
    reads = {"attribute": "g:a", "operator": "=", "value": 1}
    rule = {"name": "r", "version": 1, "is_published": True, "criteria": reads}
    found = Model([group_of("g", [one]), {**group_of("g", [views]), "version": 2}, rule])
    fired = []
    for number, name in enumerate(["other", "page_view"]):
        columns = {"domain_userid": "u1", "event_name": name}
        fired.append(found.apply(line_of(START_MS, number, columns), "enriched", 0, number))
    assert [len(one) for one in fired] == [0, 1]
    assert fired[1][0]["data"]["because"][0]["group_version"] == 2
    read = [found.attributes("domain_userid", "u1", "g", one, START_MS) for one in (1, 2)]
    assert read == [{"a": 2}, {"a": 1}]


@pytest.mark.parametrize(
    ("numbers", "total", "mean"),
    [
        ([26.9, 5.78, 67.32], 100.0, 33.333333333333336),
        ([29.95, 29.95, 29.95, -89.85], 0.0, 0.0),
        ([0.1, 0.2, 0.3], 0.6, 0.2),
        ([0.1, 0.2], 0.3, 0.15),
        ([1e308, 1e308], None, 1e308),
        ([1e308, 0.1, -1e308], 0.1, 0.03333333333333333),
        ([9007199254740993, 0.5, -9007199254740992], 1.5, 0.5),
        ([9223372036854775807, 9.223372036854776e18], 1.8446744073709552e19, 9.223372036854776e18),
        # 9.223372036854776e18 is written 9223372036854776000, but is the integer ...5808.
        ([9223372036854775807, -9.223372036854776e18], -193.0, -96.5),
    ],
    ids=str,
)
def test_numbers_add_up_as_they_are_written(
    numbers: list[float], total: float | None, mean: float
) -> None:
    assert of_numbers("sum", "double", numbers) == total
    assert of_numbers("sum", "double", numbers[::-1]) == total
    assert of_numbers("mean", "double", numbers) == mean


def test_calculations_take_numbers_as_they_are_written() -> None:
    assert computed([0.1, 3], "product") == 0.3
    assert computed([0.1, 0.2, -0.3], "sum") == 0.0
    assert computed([26.9, 5], "min") == 5.0
    assert computed([2, 3], "product") == 6
