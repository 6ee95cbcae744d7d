"""Which attributes can take a part of a date, or a calculated value; what is refused otherwise."""

import pytest

from definitions import (
    AtomicProperty,
    Attribute,
    AttributeKey,
    BatchAttributeGroup,
    CalculatedProperty,
    Criteria,
    Criterion,
    EntityProperty,
    StreamAttributeGroup,
    domain_userid,
)
from definitions.catalog import Catalog
from definitions.checks.aggregations import check_values
from definitions.problems import ProblemList

PRICE = EntityProperty(vendor="com.a", name="product", major_version=1, path="price")
AT = EntityProperty(
    vendor="com.a", name="visit", major_version=1, path="at", date_part="active_week"
)
URL = AtomicProperty(name="page_url")


def date_part(part, column="derived_tstamp"):
    return AtomicProperty(name=column, date_part=part)


def calculated(operation, *properties, **fields):
    return CalculatedProperty(operation=operation, properties=properties, **fields)


def attribute(aggregation, kind, prop, **fields):
    return Attribute(
        name="a", type=kind, aggregation=aggregation, events=[], property=prop, **fields
    )


def problems(*attributes, group=StreamAttributeGroup, key=domain_userid):
    made = group(name="g", attribute_key=key, owner="a@b.com", attributes=attributes)
    return [
        (problem.code, problem.place.removeprefix("attribute_group g v1 / "))
        for problem in Catalog.empty().with_objects([made]).problems()
    ]


DAY, HOUR = date_part("active_day"), date_part("hour_of_day")
SUM, TEXT = calculated("sum", PRICE, PRICE), calculated("concat", URL, URL)
EITHER = calculated("coalesce", URL)


@pytest.mark.parametrize(
    ("aggregation", "kind", "prop", "code", "place"),
    [
        # A part of a date is kept or counted,
        ("last", "string", DAY, None, None),
        ("first", "string", AT, None, None),
        ("last", "int32", HOUR, None, None),
        ("first", "int64", HOUR, None, None),
        ("unique_list", "string_list", DAY, None, None),
        ("unique_list", "int32_list", HOUR, None, None),
        ("most_frequent", "int32", HOUR, None, None),
        ("least_frequent", "string", DAY, None, None),
        ("category_count", "dict", DAY, None, None),
        ("approx_count_distinct", "int64", DAY, None, None),
        # never added up or compared,
        ("sum", "int64", HOUR, "date_part", "property / date_part"),
        ("mean", "double", HOUR, "date_part", "property / date_part"),
        ("min", "int32", HOUR, "date_part", "property / date_part"),
        ("max", "int32", HOUR, "date_part", "property / date_part"),
        # unless it is calculated with.
        ("max", "int32", calculated("sum", HOUR, HOUR), None, None),
        # Days, weeks and months are texts, their numbers are integers.
        ("last", "int32", DAY, "aggregation_type", "type"),
        ("last", "string", HOUR, "aggregation_type", "type"),
        ("last", "bool", HOUR, "aggregation_type", "type"),
        ("unique_list", "string_list", HOUR, "aggregation_type", "type"),
        ("unique_list", "int64_list", AT, "aggregation_type", "type"),
        # Calculations give texts or numbers; a coalesce what it finds.
        ("sum", "double", SUM, None, None),
        ("last", "int64", SUM, None, None),
        ("last", "string", SUM, "aggregation_type", "type"),
        ("last", "string", TEXT, None, None),
        ("last", "int64", TEXT, "aggregation_type", "type"),
        ("unique_list", "double_list", TEXT, "aggregation_type", "type"),
        ("category_count", "dict", TEXT, None, None),
        ("last", "string", EITHER, None, None),
        ("last", "bool", EITHER, None, None),
    ],
)
def test_an_attribute_takes_what_its_property_gives(aggregation, kind, prop, code, place):
    found = ProblemList("g")
    check_values(attribute(aggregation, kind, prop), "a", found)
    expected = [] if code is None else [(code, f"a / {place}")]
    assert [(problem.code, problem.place) for problem in found.items] == expected
    assert all(problem.hint for problem in found.items)


@pytest.mark.parametrize(
    ("prop", "code", "place"),
    [
        (date_part("active_day", "true_tstamp"), None, None),
        (date_part("active_day", "refr_dvce_tstamp"), None, None),
        (date_part("active_day", "user_id"), "date_part", "date_part"),
        (AtomicProperty(name="contexts"), "atomic_field", "name"),
        (AtomicProperty(name="derived_contexts"), "atomic_field", "name"),
        (AtomicProperty(name="unstruct_event"), "atomic_field", "name"),
        (calculated("coalesce", URL), None, None),
        (calculated("concat", URL, URL, separator="-"), None, None),
        (calculated("concat", URL), "calculated", "properties"),
        (calculated("coalesce", URL, URL, separator="-"), "calculated", "separator"),
        (calculated("coalesce", URL, date_part("active_day", "event_id")), "date_part",
         "property 2 / date_part"),
        (calculated("coalesce", PRICE.model_copy(update={"path": "a[*]"})), "path",
         "property 1 / path"),
    ],
)  # fmt: skip
def test_a_property_is_refused_where_it_cannot_be_read(prop, code, place):
    expected = [] if code is None else [(code, f"attribute a / property / {place}")]
    assert problems(attribute("last", "string", prop)) == expected


def test_criteria_take_parts_of_dates_and_calculated_values():
    criteria = Criteria(
        all=[Criterion.gte(HOUR, 9), Criterion.gt(SUM, 100)], any=[Criterion.like(TEXT, "a%")]
    )
    counted = Attribute(name="n", type="int32", aggregation="counter", events=[], criteria=criteria)
    assert problems(counted) == []


def test_criteria_are_refused_where_a_property_of_theirs_cannot_be_read():
    criteria = Criteria(any=[Criterion.eq(calculated("sum", PRICE), 1)])
    counted = Attribute(name="n", type="int32", aggregation="counter", events=[], criteria=criteria)
    place = "attribute n / criteria / any 1 / property / properties"
    assert problems(counted) == [("calculated", place)]


@pytest.mark.parametrize(
    ("prop", "expected"),
    [
        (URL, []),
        (PRICE, []),
        (AtomicProperty(name="domain_sessionidx"), []),
        (DAY, [("date_part", "attribute_key / property / date_part")]),
        (AtomicProperty(name="contexts"), [("atomic_field", "attribute_key / property / name")]),
    ],
)
def test_a_key_is_any_value_of_an_event_but_no_part_of_a_date(prop, expected):
    key = AttributeKey(name="k", property=prop)
    assert problems(attribute("sum", "double", PRICE), key=key) == expected


def test_what_is_only_stored_may_hold_what_is_not_computed():
    stored = [
        attribute("sum", "double", HOUR),
        attribute("last", "string", calculated("sum", PRICE)).model_copy(update={"name": "b"}),
    ]
    assert problems(*stored, group=BatchAttributeGroup) == []
