"""Everything that can be wrong with definitions, and what is live of them."""

from datetime import timedelta

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
    Event,
    EventProperty,
    InterventionCriteriaAll,
    InterventionCriterion,
    LinkAttributeKey,
    RuleIntervention,
    Service,
    StreamAttributeGroup,
    VersionedLinkAttributeGroup,
    domain_userid,
    user_id,
)
from definitions.catalog import Catalog
from definitions.limits import DURATION_MAX
from definitions.problems import ProblemCode

PRICE = EntityProperty(vendor="com.a", name="product", major_version=1, path="price")
URL = AtomicProperty(name="page_url")


def attribute(**changes) -> Attribute:
    return Attribute(
        **{"name": "total", "type": "double", "aggregation": "sum", "events": [], "property": PRICE}
        | changes
    )


def counter(**changes) -> Attribute:
    return Attribute(
        **{"name": "n", "type": "int32", "aggregation": "counter", "events": []} | changes
    )


def group(*attributes: Attribute, **changes) -> StreamAttributeGroup:
    return StreamAttributeGroup(
        **{
            "name": "g",
            "attribute_key": domain_userid,
            "owner": "a@b.com",
            "attributes": attributes or [attribute(), counter()],
            "is_published": True,
        }
        | changes
    )


def leaf(name: str = "g:n", operator: str = ">", value: object = 1) -> InterventionCriterion:
    return InterventionCriterion(attribute=name, operator=operator, value=value)


def rule(criteria=None, **changes) -> RuleIntervention:
    return RuleIntervention(
        **{
            "name": "r",
            "owner": "a@b.com",
            "criteria": criteria or leaf(),
            "is_published": True,
        }
        | changes
    )


def service(*groups, **changes) -> Service:
    return Service(
        **{"name": "s", "owner": "a@b.com", "attribute_groups": groups, "is_published": True}
        | changes
    )


def where(criterion: Criterion) -> Attribute:
    return counter(criteria=Criteria(all=[criterion]))


def event_property(path: str) -> EventProperty:
    return EventProperty(vendor="com.a", name="e", major_version=1, path=path)


def problems(*objects):
    return Catalog.empty().with_objects(objects).problems()


TIER = AttributeKey(name="tier", property=event_property("tier"))
OTHER_TIER = AttributeKey(name="tier", property=event_property("level"))
WAREHOUSE_KEY = AttributeKey(name="crm", external_column="crm", is_published=True)
SHOP_KEY = AttributeKey(name="shop", property=AtomicProperty(name="app_id"))

# Attributes that are wrong, with the code and the end of the place of the one problem.
WRONG_ATTRIBUTES = [
    (attribute(property=None), "property_missing", "property"),
    (counter(property=URL), "property_unused", "property"),
    (attribute(type="string"), "aggregation_type", "type"),
    (attribute(aggregation="mean", type="int64"), "aggregation_type", "type"),
    (attribute(aggregation="max", type="bool"), "aggregation_type", "type"),
    (attribute(aggregation="last", type="dict"), "aggregation_type", "type"),
    (counter(type="double"), "aggregation_type", "type"),
    (counter(period=timedelta(0)), "duration", "period"),
    (counter(period=timedelta(days=-1)), "duration", "period"),
    (counter(period=DURATION_MAX + timedelta(days=1)), "duration", "period"),
    (counter(ttl=timedelta(microseconds=1500)), "duration", "ttl"),
    (
        counter(period=timedelta(days=1), ttl=timedelta(days=1)),
        "period_and_ttl",
        "ttl",
    ),
    (counter(default_value="0"), "default_value", "default_value"),
    (counter(default_value=True), "default_value", "default_value"),
    (counter(default_value=2**31), "default_value", "default_value"),
    (attribute(default_value=2**63), "default_value", "default_value"),
    (counter(default_value=[1]), "default_value", "default_value"),
    (
        attribute(aggregation="last", type="string", default_value="x" * 5000),
        "default_value",
        "default_value",
    ),
    (counter(time_unit="s"), "time_unit", "time_unit"),
    (counter(criteria=Criteria()), "criteria_empty", "criteria"),
    (counter(criteria=Criteria(all=[])), "criteria_empty", "all"),
    (where(Criterion(property=URL, operator="in", value="x")), "criterion_value", "value"),
    (where(Criterion(property=URL, operator="in", value=[])), "criterion_value", "value"),
    (where(Criterion(property=URL, operator="like", value=1)), "criterion_value", "value"),
    (where(Criterion(property=URL, operator="like", value="a\\")), "criterion_value", "value"),
    (where(Criterion(property=URL, operator="like", value="_" * 900)), "criterion_value", "value"),
    (where(Criterion(property=URL, operator="=", value=2**63)), "criterion_value", "value"),
    (where(Criterion(property=URL, operator="in", value=[1, 2**63])), "criterion_value", "value"),
    (where(Criterion(property=URL, operator="in", value=["x" * 5000])), "criterion_value", "value"),
    (where(Criterion(property=URL, operator="is null", value=1)), "criterion_value", "value"),
    (where(Criterion(property=URL, operator="=")), "criterion_value", "value"),
    (where(Criterion(property=URL, operator="=", value=["x"])), "criterion_value", "value"),
    (where(Criterion(property=URL, operator="<", value=True)), "criterion_value", "value"),
    (where(Criterion(property=URL, operator="=", value="x" * 5000)), "criterion_value", "value"),
    (
        counter(events=[Event(event_specification_id="x", name="n")]),
        "event_selector",
        "event_specification_id",
    ),
    (attribute(property=event_property("a[*]")), "path", "path"),
    (attribute(property=event_property("$..a")), "path", "path"),
    (where(Criterion.is_null(event_property("a[-1]"))), "path", "path"),
    (
        attribute(property=AtomicProperty(name="derived_tstamp", date_part="hour_of_day")),
        "date_part",
        "date_part",
    ),
    (
        attribute(property=CalculatedProperty(operation="sum", properties=[PRICE])),
        "calculated",
        "properties",
    ),
]

# Sets of definitions with one problem each: its code and its place.
WRONG_SETS = [
    (
        [group(counter(), counter())],
        "duplicate_attribute",
        "attribute_group g v1 / attribute n",
    ),
    (
        [group(ttl=timedelta(0))],
        "duration",
        "attribute_group g v1 / ttl",
    ),
    (
        [group(attribute_key=LinkAttributeKey(name="tier"))],
        "unknown_attribute_key",
        "attribute_group g v1 / attribute_key",
    ),
    (
        [TIER, group(attribute_key=OTHER_TIER)],
        "attribute_key_conflict",
        "attribute_group g v1 / attribute_key / property",
    ),
    (
        [group(attribute_key=TIER), group(name="h", attribute_key=OTHER_TIER)],
        "attribute_key_conflict",
        "attribute_group h v1 / attribute_key / property",
    ),
    (
        [AttributeKey(name="user_id", property=URL)],
        "attribute_key_conflict",
        "attribute_key user_id / property",
    ),
    (
        [AttributeKey(name="tier", property=event_property("a[*]"))],
        "path",
        "attribute_key tier / property / path",
    ),
    ([service({"name": "g"})], "unknown_group", "service s / attribute group g v1"),
    (
        [group(), service({"name": "g", "version": 2})],
        "unknown_group",
        "service s / attribute group g v2",
    ),
    (
        [group(is_published=False), service(group())],
        "unpublished_group",
        "service s / attribute group g v1",
    ),
    (
        [group(online=False), service(group())],
        "unpublished_group",
        "service s / attribute group g v1",
    ),
    (
        [group(), service(group(), group())],
        "duplicate_object",
        "service s / attribute group g v1",
    ),
    (
        [group(), group(counter(), name="h"), service(group(), {"name": "h"})],
        "duplicate_attribute",
        "service s / attribute group h v1 / attribute n",
    ),
    ([rule()], "unknown_group", "intervention r v1 / criteria / attribute"),
    (
        [group(), rule(InterventionCriteriaAll(all=[leaf(), leaf("g:m")]))],
        "unknown_attribute",
        "intervention r v1 / criteria / all 2 / attribute",
    ),
    (
        [group(), rule(leaf("g_v1:n"))],
        "unknown_group",
        "intervention r v1 / criteria / attribute",
    ),
    (
        [group(is_published=False), rule()],
        "unpublished_group",
        "intervention r v1 / criteria / attribute",
    ),
    (
        [group(), group(counter(name="m"), version=2, is_published=False), rule(leaf("g:m"))],
        "unpublished_group",
        "intervention r v1 / criteria / attribute",
    ),
    (
        [group(), rule(payload_attribute_groups=[VersionedLinkAttributeGroup(name="h")])],
        "unknown_group",
        "intervention r v1 / payload_attribute_group h v1",
    ),
    (
        [group(), rule(target_attribute_keys=[LinkAttributeKey(name="tier")])],
        "unknown_attribute_key",
        "intervention r v1 / target_attribute_key tier",
    ),
    (
        [group(), WAREHOUSE_KEY, rule(target_attribute_keys=[LinkAttributeKey(name="crm")])],
        "unknown_attribute_key",
        "intervention r v1 / target_attribute_key crm",
    ),
    (
        [group(), SHOP_KEY, rule(target_attribute_keys=[LinkAttributeKey(name="shop")])],
        "unknown_attribute_key",
        "intervention r v1 / target_attribute_key shop",
    ),
    (
        [
            group(),
            group(name="h", attribute_key=SHOP_KEY, is_published=False),
            rule(target_attribute_keys=[LinkAttributeKey(name="shop")]),
        ],
        "unknown_attribute_key",
        "intervention r v1 / target_attribute_key shop",
    ),
    (
        [group(), rule(leaf(operator="is null"))],
        "criterion_value",
        "intervention r v1 / criteria / value",
    ),
    (
        [rule(InterventionCriteriaAll(all=[]))],
        "criteria_empty",
        "intervention r v1 / criteria",
    ),
    (
        [group(where(Criterion.in_list(URL, ["x" * 4000] * 250)))],
        "too_large",
        "attribute_group g v1",
    ),
]

# Fields that pydantic refuses, in definitions that were built unchecked.
WRONG_FIELDS = [
    (group().model_copy(update={"name": "a b"}), "name", "attribute_group a b v1 / name"),
    (group().model_copy(update={"owner": "me"}), "owner", "attribute_group g v1 / owner"),
    (group().model_copy(update={"owner": None}), "owner", "attribute_group g v1 / owner"),
    (group().model_copy(update={"version": -1}), "range", "attribute_group g v-1 / version"),
    (group().model_copy(update={"ttl": "soon"}), "duration", "attribute_group g v1 / ttl"),
    (group().model_copy(update={"online": "x"}), "type", "attribute_group g v1 / online"),
    (
        group().model_copy(update={"fields": [{"name": "f", "type": "string"}]}),
        "type",
        "attribute_group g v1 / fields",
    ),
    (group().model_copy(update={"attributes": ()}), "range", "attribute_group g v1 / attributes"),
    (
        group().model_copy(update={"attribute_key": {}}),
        "missing",
        "attribute_group g v1 / attribute_key / name",
    ),
    (
        group().model_copy(update={"description": "\0"}),
        "text",
        "attribute_group g v1 / description",
    ),
    (
        group(counter().model_copy(update={"type": "int"})),
        "choice",
        "attribute_group g v1 / attribute n / type",
    ),
    (
        group(attribute().model_copy(update={"property": {"name": "page_ulr"}})),
        "atomic_field",
        "attribute_group g v1 / attribute total / property / name",
    ),
    (
        group(attribute().model_copy(update={"property": {"type": "column"}})),
        "choice",
        "attribute_group g v1 / attribute total / property",
    ),
    (
        group(
            attribute().model_copy(update={"property": {"vendor": "v", "name": "n", "path": "p"}})
        ),
        "missing",
        "attribute_group g v1 / attribute total / property / major_version",
    ),
    (
        group(counter().model_copy(update={"default_value": float("inf")})),
        "type",
        "attribute_group g v1 / attribute n / default_value",
    ),
    (
        group(counter(events=[Event().model_copy(update={"version": "1.0"})])),
        "name",
        "attribute_group g v1 / attribute n / event 1 / version",
    ),
    (
        rule().model_copy(update={"criteria": {"all": [], "any": []}}),
        "shape",
        "intervention r v1 / criteria",
    ),
    (
        Service.model_construct(name="s", owner="a@b.com", attribute_groups=[{"name": "g"}] * 101),
        "range",
        "service s / attribute_groups",
    ),
    (
        Service.model_construct(name="s", attribute_groups=[{"name": "g"}]),
        "owner",
        "service s / owner",
    ),
]


@pytest.mark.parametrize(("wrong", "code", "field"), WRONG_ATTRIBUTES)
def test_a_wrong_attribute_has_one_problem_where_it_is(wrong, code, field):
    (problem,) = problems(group(wrong))
    assert problem.code == code
    assert problem.place.startswith(f"attribute_group g v1 / attribute {wrong.name} / ")
    assert problem.place.endswith(field)
    assert problem.message
    assert problem.hint


@pytest.mark.parametrize(("objects", "code", "place"), WRONG_SETS)
def test_a_wrong_set_has_one_problem_where_it_is(objects, code, place):
    (problem,) = problems(*objects)
    assert (problem.code, problem.place) == (code, place)
    assert problem.hint


@pytest.mark.parametrize(("wrong", "code", "place"), WRONG_FIELDS)
def test_an_object_built_unchecked_has_the_problems_of_its_fields(wrong, code, place):
    (problem,) = Catalog.empty().with_objects([group(), wrong]).problems()
    assert (problem.code, problem.place) == (code, place)
    assert problem.hint


def test_an_event_specification_alone_selects_events():
    chosen = counter(events=[Event(event_specification_id="x"), Event(name="n")])
    assert Catalog.empty().with_objects([group(chosen)]).problems() == []


def test_every_code_of_a_catalog_is_seen_here():
    seen = {code for _, code, _ in WRONG_ATTRIBUTES + WRONG_SETS + WRONG_FIELDS}
    elsewhere = {"file", "record_key", "published_content", "key_in_use", "never_met"}
    elsewhere |= {"unknown_object", "published", "in_use", "exists", "unsupported"}
    assert seen | elsewhere == {code.value for code in ProblemCode}


def test_mistakes_of_all_kinds_are_found_at_once():
    wrong = StreamAttributeGroup.model_construct(
        name="g",
        attribute_key=domain_userid,
        owner="me",
        attributes=[
            {"name": "a", "type": "double", "aggregation": "sum", "events": []},
            {
                "name": "b",
                "type": "int33",
                "aggregation": "counter",
                "events": [],
                "period": "PT0S",
            },
            {
                "name": "c",
                "type": "string",
                "aggregation": "last",
                "events": [],
                "property": {"name": "app_id"},
                "criteria": {
                    "all": [
                        {"property": {"name": "app_id"}, "operator": "in", "value": "x"},
                        {"property": {"name": "app"}, "operator": "is null", "value": 1},
                    ]
                },
            },
        ],
    )
    nudge = rule({"any": [{"attribute": "g:d", "operator": "=", "value": 1}]}, is_published=False)
    assert sorted((problem.code, problem.place) for problem in problems(wrong, nudge)) == [
        ("atomic_field", "attribute_group g v1 / attribute c / criteria / all 2 / property / name"),
        ("choice", "attribute_group g v1 / attribute b / type"),
        ("criterion_value", "attribute_group g v1 / attribute c / criteria / all 1 / value"),
        ("criterion_value", "attribute_group g v1 / attribute c / criteria / all 2 / value"),
        ("duration", "attribute_group g v1 / attribute b / period"),
        ("owner", "attribute_group g v1 / owner"),
        ("property_missing", "attribute_group g v1 / attribute a / property"),
        ("unknown_attribute", "intervention r v1 / criteria / any 1 / attribute"),
    ]


def test_hints_name_what_was_meant():
    (attribute_problem,) = problems(group(), rule(leaf("g:totle")))
    assert "total" in attribute_problem.hint
    (version_problem,) = problems(group(), rule(leaf("g_v1:n")))
    assert "g:n" in version_problem.hint


def test_problems_say_whose_they_are_and_quote_the_value():
    (problem,) = problems(group(counter(default_value="0")))
    assert problem.record == "attribute_group/g/1"
    assert problem.value == '"0"'
    assert str(problem) == (
        "attribute_group g v1 / attribute n / default_value: "
        '"0": not a value of type int32 - write a value of type int32, or none'
    )


def test_what_is_right_has_no_problem():
    assert problems(group(), service(group()), rule()) == []
    assert problems(TIER, group(attribute_key=LinkAttributeKey(name="tier"))) == []
    assert problems(group(attribute_key=TIER), group(name="h", attribute_key=TIER)) == []
    both = Criteria(all=[Criterion.eq(URL, "a")], any=[Criterion.is_null(URL)])
    assert problems(group(counter(criteria=both))) == []


def test_warehouse_groups_may_hold_what_is_not_computed():
    listed = attribute(name="l", aggregation="unique_list", type="string_list")
    batch = BatchAttributeGroup(
        name="b", attribute_key=domain_userid, owner="a@b.com", attributes=[listed]
    )
    assert problems(batch) == []


def test_a_rule_on_a_warehouse_group_is_refused():
    batch = BatchAttributeGroup(
        name="g",
        attribute_key=domain_userid,
        owner="a@b.com",
        attributes=[counter()],
        is_published=True,
    )
    (problem,) = problems(batch, rule())
    assert problem.code == "unsupported"


def test_a_service_may_read_groups_of_different_keys_with_equal_names():
    other = group(name="h", attribute_key=user_id)
    assert problems(group(), other, service(group(), other)) == []


def target(name):
    return [LinkAttributeKey(name=name)]


@pytest.mark.parametrize(
    "objects",
    [
        [
            group(name="h", attribute_key=user_id),
            rule(InterventionCriteriaAll(all=[leaf(), leaf("h:n")])),
        ],
        [rule(target_attribute_keys=target("user_id"))],
        [rule(target_attribute_keys=target("user_id") + target("domain_userid"))],
        [group(name="h", attribute_key=SHOP_KEY), rule(target_attribute_keys=target("shop"))],
        [
            SHOP_KEY.model_copy(update={"is_published": True}),
            rule(target_attribute_keys=target("shop")),
        ],
        [SHOP_KEY, rule(target_attribute_keys=target("shop"), is_published=False)],
        [
            group(name="h", attribute_key=user_id),
            rule(payload_attribute_groups=[VersionedLinkAttributeGroup(name="h")]),
        ],
    ],
    ids=["criteria", "target", "targets", "embedded", "registered", "draft", "payload"],
)
def test_a_rule_may_name_several_attribute_keys(objects):
    assert problems(group(), *objects) == []


def test_the_latest_version_with_the_attribute_is_meant():
    old, new = group(counter(name="m")), group(counter(), version=2)
    catalog = Catalog.empty().with_objects([old, new])
    assert catalog.group_with("g", "m") == old
    assert catalog.group_with("g", "n") == new
    assert catalog.group_with("g", "x") is None


def test_built_in_keys_and_keys_inside_of_groups_are_known():
    catalog = Catalog.empty().with_objects([group(attribute_key=TIER)])
    assert catalog.attribute_keys["tier"] == TIER
    assert catalog.attribute_keys["user_id"] == user_id


def test_published_groups_have_their_complete_key():
    registered = TIER.model_copy(update={"is_published": True, "ttl": timedelta(days=7)})
    linked = group(attribute_key=LinkAttributeKey(name="tier"))
    live = Catalog.empty().with_objects([registered, linked]).published()
    assert live.attribute_groups["g", 1].attribute_key == registered
    embedded = group(attribute_key=TIER)
    live = Catalog.empty().with_objects([registered, embedded]).published()
    assert live.attribute_groups["g", 1].attribute_key.ttl == timedelta(days=7)


@pytest.mark.parametrize(
    "objects",
    [
        [group(is_published=False), service(group()), rule()],
        [group(online=False), service(group()), rule()],
        [TIER, group(attribute_key=TIER), service(group()), rule()],
    ],
    ids=["unpublished", "offline", "key unpublished"],
)
def test_what_names_something_that_is_not_live_is_not_live(objects):
    live = Catalog.empty().with_objects(objects).published()
    assert (live.attribute_groups, live.services, live.interventions) == ({}, {}, {})


def test_published_leaves_drafts_out():
    drafts = [service(group(), is_published=False), rule(is_published=False)]
    live = Catalog.empty().with_objects([group(), *drafts]).published()
    assert list(live) == [group()]
    everything = Catalog.empty().with_objects([group(), service(group()), rule()])
    assert list(everything.published()) == list(everything)


def test_an_object_replaces_the_one_of_its_name_and_can_be_taken_out():
    catalog = Catalog.empty().with_objects([group(), group(version=2), service(group()), rule()])
    changed = catalog.with_objects([group(description="new")])
    assert changed.attribute_groups["g", 1].description == "new"
    for key in ("attribute_group/g/1", "attribute_group/g/2", "service/s", "intervention/r/1"):
        catalog = catalog.without(key)
    assert catalog == Catalog.empty()
    assert catalog.without("service/unknown") == catalog
