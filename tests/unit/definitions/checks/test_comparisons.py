"""Which comparisons no value can meet, and what is said to be written instead."""

import pytest

from definitions import (
    AtomicProperty,
    Attribute,
    Criteria,
    Criterion,
    EventProperty,
    InterventionCriteriaAll,
    InterventionCriterion,
    RuleIntervention,
    StreamAttributeGroup,
    domain_userid,
)
from definitions.catalog import Catalog
from definitions.objects import record_key

COLUMNS = {"page_url": "string", "page_urlport": "integer", "br_cookies": "boolean"}
TYPES = {
    "n": ("int32", "counter"),
    "mean": ("double", "mean"),
    "text": ("string", "last"),
    "flag": ("bool", "last"),
    "at": ("unix_timestamp", "max"),
    "list": ("string_list", "unique_list"),
    "map": ("dict", "category_count"),
}


def group(version=1, **changes):
    where = AtomicProperty(name="page_url")
    attributes = [
        Attribute(
            name=name,
            type=kind,
            aggregation=aggregation,
            events=[],
            **({} if aggregation == "counter" else {"property": where}),
            **changes,
        )
        for name, (kind, aggregation) in TYPES.items()
    ]
    return StreamAttributeGroup(
        name="g",
        version=version,
        attribute_key=domain_userid,
        owner="a@example.com",
        attributes=attributes,
        is_published=True,
    )


def warnings(*objects):
    records = {record_key(one) for one in objects}
    catalog = Catalog.empty().with_objects([group(), *objects])
    assert catalog.problems() == []
    return catalog.never_met(records, COLUMNS)


def rule(attribute, operator, value=None):
    leaf = InterventionCriterion(attribute=f"g:{attribute}", operator=operator, value=value)
    always = InterventionCriterion(attribute="g:n", operator="is not null")
    return RuleIntervention(
        name="r",
        owner="a@example.com",
        is_published=True,
        criteria=InterventionCriteriaAll(all=[always, leaf]),
    )


@pytest.mark.parametrize(
    ("attribute", "operator", "value"),
    [
        ("n", ">=", "five"),
        ("n", "=", "5"),
        ("n", "=", True),
        ("mean", "<", "0.5"),
        ("at", ">", "2026-01-01"),
        ("text", "=", 5),
        ("text", "<", 5),
        ("flag", "=", "true"),
        ("flag", "=", 1),
        ("n", "in", ["1", "2"]),
        ("n", "like", "5%"),
        ("flag", "rlike", "t"),
        ("list", "=", "a"),
        ("list", "in", ["a"]),
        ("map", "like", "%a%"),
    ],
)
def test_a_value_of_another_type_is_told(attribute, operator, value):
    (found,) = warnings(rule(attribute, operator, value))
    assert found.code == "never_met"
    assert found.place == f"intervention r v1 / g:{attribute}"
    assert f"{operator!r} is never met" in found.message
    assert found.hint


@pytest.mark.parametrize(
    ("attribute", "operator", "value"),
    [
        ("n", ">=", 5),
        ("n", "=", 5.0),
        ("mean", "<", 1),
        ("text", ">", "5"),
        ("text", "like", "5%"),
        ("flag", "=", True),
        ("n", "in", ["1", 2]),
        ("n", "!=", "five"),
        ("n", "not in", ["1"]),
        ("n", "not like", "1%"),
        ("n", "changed", None),
        ("list", "is not null", None),
        ("list", "!=", "a"),
    ],
)
def test_what_a_value_can_meet_is_not_told(attribute, operator, value):
    assert warnings(rule(attribute, operator, value)) == []


def test_the_remedy_says_how_to_write_the_value():
    (number,) = warnings(rule("n", ">=", "five"))
    assert str(number) == (
        "intervention r v1 / g:n: \"five\": '>=' is never met: it is a number, and is compared "
        "with a text (of type int32) - write a number without quotes"
    )
    (text,) = warnings(rule("text", "=", 5))
    assert text.hint == "write a text in quotes"


def test_the_version_that_a_rule_reads_decides():
    texts = group().attributes[list(TYPES).index("text")].model_copy(update={"name": "n"})
    newer = group(2).model_copy(update={"attributes": (texts,)})
    assert warnings(rule("n", "=", "a"), newer) == []
    draft = newer.model_copy(update={"is_published": False})
    assert len(warnings(rule("n", "=", "a"), draft)) == 1


def of_event(where, operator, value):
    criteria = Criteria(all=[Criterion(property=where, operator=operator, value=value)])
    return group(2, criteria=criteria)


def test_a_column_of_events_has_a_type_for_sure():
    found = warnings(of_event(AtomicProperty(name="page_url"), "=", 5))
    assert len(found) == len(TYPES)
    assert found[0].place == "attribute_group g v2 / attribute n / page_url"
    assert warnings(of_event(AtomicProperty(name="page_urlport"), "=", "80"))
    assert not warnings(of_event(AtomicProperty(name="page_urlport"), "=", 80))


def test_what_only_events_tell_is_not_told():
    data = EventProperty(vendor="com.a", name="x", major_version=1, path="a")
    assert not warnings(of_event(data, "=", 5))
    assert not warnings(of_event(AtomicProperty(name="derived_tstamp"), "=", 5))
    hour = AtomicProperty(name="derived_tstamp", date_part="hour_of_day")
    assert not warnings(of_event(hour, "=", "5"))
