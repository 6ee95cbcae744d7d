"""Definitions that are too large are refused for that, and what is said of them stays short."""

import json
from typing import Any

import pytest

from definitions import limits
from definitions.catalog import Catalog
from definitions.life_cycle import publish_stored
from definitions.records import RecordError, from_registry
from tests.unit.definitions.test_any_json import ATOMIC, GROUP, LEAF, LOG, OBJECTS, RULE

Json = dict[str, Any]
ATTRIBUTE = GROUP["attributes"][0]
CRITERION = {"property": ATOMIC, "operator": "=", "value": 1}


def attribute_with(**fields: Any) -> Json:
    return {**GROUP, "attributes": [{**ATTRIBUTE, **fields}]}


def criterion_of(values: list[Any]) -> Json:
    return attribute_with(criteria={"all": [{**CRITERION, "operator": "in", "value": values}]})


# Kind, the object with a list of these items, and how many there may be.
LISTS = {
    "attributes": (
        "attribute_group", lambda items: {**GROUP, "attributes": items},
        limits.ATTRIBUTES_PER_GROUP_MAX,
    ),
    "fields": (
        "attribute_group", lambda items: {**OBJECTS["warehouse"], "fields": items},
        limits.ATTRIBUTES_PER_GROUP_MAX,
    ),
    "events": (
        "attribute_group", lambda items: attribute_with(events=items),
        limits.EVENTS_PER_ATTRIBUTE_MAX,
    ),
    "all": (
        "attribute_group", lambda items: attribute_with(criteria={"all": items}),
        limits.CRITERIA_MAX,
    ),
    "any": (
        "attribute_group", lambda items: attribute_with(criteria={"any": items}),
        limits.CRITERIA_MAX,
    ),
    "properties": (
        "attribute_group",
        lambda items: attribute_with(property={"operation": "concat", "properties": items}),
        limits.CALCULATED_PROPERTIES_MAX,
    ),
    "rule": ("intervention", lambda items: {**RULE, "criteria": {"any": items}},
             limits.RULE_PARTS_MAX),
    "targets": ("intervention", lambda items: {**RULE, "target_attribute_keys": items},
                limits.RULE_TARGETS_MAX),
    "payload": ("intervention", lambda items: {**RULE, "payload_attribute_groups": items},
                limits.GROUPS_PER_SERVICE_MAX),
    "groups": ("service", lambda items: {**OBJECTS["service"], "attribute_groups": items},
               limits.GROUPS_PER_SERVICE_MAX),
    "selections": ("event_log", lambda items: {**LOG, "events": items},
                   limits.EVENT_LOG_SELECTIONS_MAX),
}  # fmt: skip


def problems(kind: str, raw: Json) -> list[Any]:
    with pytest.raises(RecordError) as caught:
        from_registry(kind, json.dumps(raw).encode())
    return caught.value.problems


@pytest.mark.parametrize("item", [{}, [], 1, None, "x"], ids=repr)
@pytest.mark.parametrize("what", LISTS)
def test_a_list_that_is_too_long_is_one_problem_whatever_is_in_it(what: str, item: Any) -> None:
    kind, make, most = LISTS[what]
    found = [one for one in problems(kind, make([item] * (most + 1))) if "more than" in one.message]
    assert [one.code for one in found] == ["range"]
    assert str(most) in found[0].hint
    assert len(problems(kind, make([item] * (most + 1)))) < 10


@pytest.mark.parametrize("values", [[1], ["x"], [1.5], [True]])
def test_as_many_values_as_may_be_are_read(values: list[Any]) -> None:
    assert from_registry(
        "attribute_group", json.dumps(criterion_of(values * limits.CRITERION_VALUES_MAX)).encode()
    )
    too_many = criterion_of(values * (limits.CRITERION_VALUES_MAX + 1))
    assert len(problems("attribute_group", too_many)) == 1


def test_as_many_attributes_as_may_be_are_read() -> None:
    many = [
        {**ATTRIBUTE, "name": f"a{number}"} for number in range(limits.ATTRIBUTES_PER_GROUP_MAX)
    ]
    assert from_registry("attribute_group", json.dumps({**GROUP, "attributes": many}).encode())


LONG = "a" * 900_000


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("attribute_group", {**GROUP, "name": LONG}),
        ("attribute_group", {**GROUP, "name": LONG, "attributes": [{}] * 500}),
        ("attribute_group", {**GROUP, "attributes": [{"name": LONG}] * 3}),
        ("attribute_group", {**GROUP, "owner": LONG}),
        ("attribute_group", {**GROUP, "ttl": LONG}),
        ("attribute_group", attribute_with(aggregation=LONG)),
        ("attribute_group", attribute_with(property={"type": "atomic", "name": LONG})),
        ("attribute_group", attribute_with(default_value=[[LONG]] * 5)),
        ("attribute_key", {"name": LONG}),
        ("service", {**OBJECTS["service"], "name": LONG, "attribute_groups": [{}] * 100}),
        ("intervention", {**RULE, "criteria": {**LEAF, "operator": LONG, "attribute": LONG}}),
        ("intervention", {**RULE, "target_attribute_keys": [{"name": LONG}]}),
        ("event_log", {**LOG, "prompt": LONG, "name": LONG}),
    ],
)
def test_what_is_said_of_a_long_text_is_short(kind: str, raw: Json) -> None:
    assert all(len(str(problem)) < 3_000 for problem in problems(kind, raw))


def test_near_names_are_told_for_ten_of_many() -> None:
    names = [f"attribute_group/webb{number}/1" for number in range(3_000)]
    known = Catalog.empty().with_objects(
        [
            from_registry("attribute_group", json.dumps({**GROUP, "name": f"web{n}"}).encode())
            for n in range(50)
        ]
    )
    found = publish_stored(known, names).problems
    assert len(found) == 3_000
    told = ["did you mean" in problem.hint for problem in found]
    assert told == [True] * limits.NEAR_PROBLEMS_MAX + [False] * 2_990


def test_near_choices_are_told_for_ten_of_many() -> None:
    wrong = [{**ATTRIBUTE, "aggregation": "lastt", "name": f"a{number}"} for number in range(50)]
    found = problems("attribute_group", {**GROUP, "attributes": wrong})
    assert sum("did you mean 'last'" in problem.hint for problem in found) == 10
    assert all("choices: " in problem.hint for problem in found)
