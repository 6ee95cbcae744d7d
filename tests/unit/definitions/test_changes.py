"""What may not change once it is published."""

from datetime import timedelta

import pytest

from definitions import (
    AtomicProperty,
    Attribute,
    AttributeKey,
    InterventionCriterion,
    LinkAttributeKey,
    RuleIntervention,
    Service,
    StreamAttributeGroup,
)
from definitions.catalog import Catalog
from definitions.changes import refusals

KEY = AttributeKey(name="app", property=AtomicProperty(name="app_id"), is_published=True)


def counter(name: str = "n", **changes) -> Attribute:
    return Attribute(
        **{"name": name, "type": "int32", "aggregation": "counter", "events": []} | changes
    )


def group(**changes) -> StreamAttributeGroup:
    return StreamAttributeGroup(
        **{
            "name": "g",
            "attribute_key": KEY,
            "owner": "a@b.com",
            "attributes": [counter(), counter("m")],
            "is_published": True,
        }
        | changes
    )


def rule(value: float = 1, **changes) -> RuleIntervention:
    return RuleIntervention(
        **{
            "name": "r",
            "owner": "a@b.com",
            "criteria": InterventionCriterion(attribute="g:n", operator=">", value=value),
            "is_published": True,
        }
        | changes
    )


OLD = Catalog.empty().with_objects([KEY, group(), group(version=4, is_published=False), rule()])


@pytest.mark.parametrize(
    "definition",
    [
        group(),
        group(is_published=False, online=False, description="d", owner="c@d.com"),
        group(attributes=[counter("m", description="d"), counter()]),
        group(attribute_key=LinkAttributeKey(name="app")),
        group(version=2, ttl=timedelta(days=1)),
        group(version=4, ttl=timedelta(days=1)),
        rule(),
        rule(description="d"),
        KEY.model_copy(update={"ttl": timedelta(days=1)}),
        Service(name="s", owner="a@b.com", attribute_groups=[group()]),
    ],
)
def test_what_is_no_content_and_what_is_not_published_may_change(definition):
    assert refusals(OLD, [definition]) == []


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"ttl": timedelta(days=1)}, "ttl"),
        ({"attributes": [counter(), counter("m", default_value=0)]}, "attribute m"),
        ({"attributes": [counter()]}, "attribute m"),
        ({"attributes": [counter(), counter("m"), counter("o")]}, "attribute o"),
        ({"attribute_key": LinkAttributeKey(name="user_id")}, "attribute_key"),
    ],
)
def test_other_content_of_a_published_group_is_refused_with_the_next_free_version(changes, part):
    (problem,) = refusals(OLD, [group(**changes)])
    assert (problem.code, problem.place) == ("published_content", "attribute_group g v1")
    assert problem.message.endswith(f"different are {part}")
    assert problem.hint == "publish it as version 5"


def test_other_content_of_a_published_intervention_is_refused():
    (problem,) = refusals(OLD, [rule(2)])
    assert (problem.code, problem.hint) == ("published_content", "publish it as version 2")


def test_true_one_and_one_point_zero_are_different_content():
    assert refusals(OLD, [rule(True)])
    assert refusals(OLD, [rule(1.0)])


def test_the_property_of_a_key_in_use_is_refused():
    other = KEY.model_copy(update={"property": AtomicProperty(name="platform")})
    (problem,) = refusals(OLD, [other])
    assert (problem.code, problem.record) == ("key_in_use", "attribute_key/app")
    assert "attribute_group g v1" in problem.message
    assert refusals(Catalog.empty().with_objects([KEY]), [other]) == []
