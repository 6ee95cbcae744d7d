import json

import pytest

from definitions import (
    AtomicProperty,
    AttributeKey,
    Criteria,
    Criterion,
    EntityProperty,
    EventProperty,
    user_id,
)
from definitions import Event as Selector
from processor.errors import MalformedEventError
from processor.limits import IDENTIFIER_CHARS_MAX
from tests.by_hand import SOURCE

APP = AtomicProperty(name="app_id")
KIND = EventProperty(vendor="com.acme", name="click", major_version=1, path="kind")
AMOUNT = EventProperty(vendor="com.acme", name="click", major_version=1, path="amount")
PRICE = EntityProperty(vendor="com.acme", name="product", major_version=1, path="price")


def data(**fields):
    inner = {"schema": "iglu:com.acme/click/jsonschema/1-0-0", "data": fields}
    schema = "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0"
    return json.dumps({"schema": schema, "data": inner})


def values(plan, event):
    return [value for one in plan.contributions(event, SOURCE, 7) for _, value in one.values]


def kind(value):
    return Criteria(all=[Criterion.eq(KIND, value)])


def test_a_contribution_names_the_event_and_the_profile(write):
    plan = write.plan(write.group(write.attribute("a")))
    (one,) = plan.contributions(write.event(derived_tstamp="2026-11-22 10:00:00.1"), SOURCE, 7)
    assert (one.trigger.source, one.trigger.offset) == (SOURCE, 7)
    assert (one.key, one.id) == ("domain_userid", "u1")
    assert one.trigger.event_id == "0b6b5c6a-9a4f-4c0e-8f4f-6f6f3a1c2d3e"
    assert one.trigger.event_name == "click"
    assert one.trigger.derived_tstamp == "2026-11-22 10:00:00.1"
    time_ms = write.event(derived_tstamp="2026-11-22 10:00:00.1").time_ms
    assert one.trigger.time_ms == time_ms
    assert one.values == [(plan.group_attributes("g")[0].series_id, None)]


def test_an_event_that_no_selector_matches_contributes_nothing(write):
    plan = write.plan(write.group(write.attribute("a", events=[Selector(name="view")])))
    assert plan.contributions(write.event(), SOURCE, 0) == []
    assert len(plan.contributions(write.event(event_name="view"), SOURCE, 0)) == 1


def followed(*specifications):
    schema = "iglu:com.snowplowanalytics.snowplow/event_specification/jsonschema/1-0-3"
    entities = [{"schema": schema, "data": {"id": one}} for one in specifications]
    return json.dumps({"schema": "", "data": entities})


def test_an_event_specification_selects_events_of_any_schema(write):
    chosen = Selector(event_specification_id="buy")
    plan = write.plan(write.group(write.attribute("a", events=[chosen])))
    for name in ("click", "view"):
        for wanted, contexts in enumerate(["", followed("sell"), followed("sell", "buy")]):
            event = write.event(event_name=name, contexts=contexts)
            assert len(plan.contributions(event, SOURCE, 0)) == (wanted == 2)


def test_an_event_is_counted_by_its_specification_and_by_its_schema(write):
    plan = write.plan(
        write.group(
            write.attribute("a", events=[Selector(event_specification_id="buy")]),
            write.attribute("b", events=[Selector(name="click")]),
            write.attribute("c", events=[Selector(event_specification_id="sell")]),
        )
    )
    a, b, c = (one.series_id for one in plan.group_attributes("g"))

    def series(contexts, **columns):
        found = plan.contributions(write.event(contexts=contexts, **columns), SOURCE, 0)
        return {series_id for one in found for series_id, _ in one.values}

    assert series("") == {b}
    assert series(followed("buy")) == {a, b}
    assert series(followed("buy", "sell")) == {a, b, c}
    assert series(followed("other")) == {b}
    assert series(followed("sell"), event_name="view") == {c}


def test_entities_are_read_only_where_a_definition_asks_for_event_specifications(write):
    broken = write.event(contexts="{")
    without = write.plan(write.group(write.attribute("a")))
    assert len(without.contributions(broken, SOURCE, 0)) == 1
    asked = write.attribute("a", events=[Selector(event_specification_id="buy")])
    with pytest.raises(MalformedEventError):
        write.plan(write.group(asked)).contributions(broken, SOURCE, 0)
    others = write.plan(write.group(asked), app_ids=("shop",))
    assert others.contributions(broken, SOURCE, 0) == []


@pytest.mark.parametrize("identifier", ["", "x" * (IDENTIFIER_CHARS_MAX + 1)])
def test_an_event_without_a_usable_id_contributes_nothing(write, identifier):
    plan = write.plan(write.group(write.attribute("a")))
    assert plan.contributions(write.event(domain_userid=identifier), SOURCE, 0) == []
    assert (
        len(plan.contributions(write.event(domain_userid="é" * IDENTIFIER_CHARS_MAX), SOURCE, 0))
        == 1
    )


def test_an_id_that_is_too_long_is_counted_once(write):
    plan = write.plan(write.group(write.attribute("a")))
    plan.contributions(write.event(domain_userid="x" * 300), SOURCE, 0)
    assert plan.take_rejected() == {("domain_userid", "identifier"): 1}
    assert plan.take_rejected() == {}


@pytest.mark.parametrize(
    ("value", "text"),
    [(7, "7"), (True, "true"), (1.5, "1.5"), ("a", "a"), ("", None), (None, None)],
)
def test_numbers_and_booleans_of_a_key_are_their_json(write, value, text):
    key = AttributeKey(name="amount", property=AMOUNT)
    plan = write.plan(write.group(write.attribute("a"), attribute_key=key))
    found = plan.contributions(write.event(unstruct_event=data(amount=value)), SOURCE, 0)
    assert [one.id for one in found] == ([] if text is None else [text])


def test_an_event_contributes_once_to_each_key(write):
    groups = [
        write.group(write.attribute("a"), write.attribute("b", "sum", property=AMOUNT)),
        write.group(write.attribute("a"), name="h", attribute_key=user_id),
    ]
    plan = write.plan(*groups)
    found = plan.contributions(write.event(user_id="u2", unstruct_event=data(amount=3)), SOURCE, 0)
    assert [(one.key, one.id, len(one.values)) for one in found] == [
        ("domain_userid", "u1", 2),
        ("user_id", "u2", 1),
    ]
    assert len(plan.contributions(write.event(unstruct_event=data(amount=3)), SOURCE, 0)) == 1


def test_only_events_of_the_app_ids_count(write):
    plan = write.plan(write.group(write.attribute("a")), app_ids=("shop", "blog"))
    assert plan.contributions(write.event(app_id="other"), SOURCE, 0) == []
    assert plan.contributions(write.event(), SOURCE, 0) == []
    assert len(plan.contributions(write.event(app_id="blog"), SOURCE, 0)) == 1


def test_criteria_lead_to_the_series_of_their_value(write):
    attributes = [
        write.attribute("view", criteria=kind("view")),
        write.attribute("cart", criteria=kind("cart")),
        write.attribute("sum", "sum", criteria=kind("cart"), property=AMOUNT),
    ]
    plan = write.plan(write.group(*attributes))
    assert values(plan, write.event(unstruct_event=data(kind="view"))) == [None]
    assert sorted(
        values(plan, write.event(unstruct_event=data(kind="cart", amount=3))), key=str
    ) == [
        3,
        None,
    ]
    assert values(plan, write.event(unstruct_event=data(kind=1))) == []
    assert values(plan, write.event()) == []


def test_criteria_beside_an_equal_text_are_asked_too(write):
    criteria = Criteria(
        all=[Criterion.gt(AMOUNT, 5), Criterion.eq(KIND, "cart"), Criterion.eq(APP, "shop")],
        any=[Criterion.is_null(PRICE), Criterion.eq(PRICE, 1)],
    )
    plan = write.plan(write.group(write.attribute("a", criteria=criteria)))
    good = {"app_id": "shop", "unstruct_event": data(kind="cart", amount=6)}
    assert len(plan.contributions(write.event(**good), SOURCE, 0)) == 1
    for other in (
        {"app_id": "blog"},
        {"unstruct_event": data(kind="cart", amount=5)},
        {"unstruct_event": data(kind="view", amount=6)},
    ):
        assert plan.contributions(write.event(**{**good, **other}), SOURCE, 0) == []


@pytest.mark.parametrize(
    ("kind", "value", "accepted"),
    [
        ("string", "a", True),
        ("string", 1, False),
        ("timestamp", "2026-01-01", True),
        ("bytes", "YQ==", True),
        ("bool", True, True),
        ("bool", 1, False),
        ("int32", 3, True),
        ("int64", 3.0, True),
        ("int64", 3.5, False),
        ("int64", True, False),
        ("int64", "3", False),
        ("double", 3, True),
        ("double", 3.5, True),
        ("double", False, False),
        ("unix_timestamp", 1_700_000_000, True),
    ],
)
def test_values_are_of_the_attributes_type_or_counted_as_rejected(write, kind, value, accepted):
    plan = write.plan(write.group(write.attribute("a", "last", type=kind, property=AMOUNT)))
    assert values(plan, write.event(unstruct_event=data(amount=value))) == [value] * accepted
    assert plan.take_rejected() == ({} if accepted else {("g_v1:a", "wrong_type"): 1})


def test_a_float_without_a_fraction_becomes_an_integer(write):
    plan = write.plan(write.group(write.attribute("a", "sum", type="int64", property=AMOUNT)))
    (value,) = values(plan, write.event(unstruct_event=data(amount=3.0)))
    assert type(value) is int


def test_the_least_float_of_64_bits_is_an_integer(write):
    plan = write.plan(write.group(write.attribute("a", "min", type="int64", property=AMOUNT)))
    assert values(plan, write.event(unstruct_event=data(amount=-(2.0**63)))) == [-(2**63)]


@pytest.mark.parametrize("value", [{"x": 1}, [1], 2**63, 1e300, "x" * 5_000])
def test_values_that_cannot_be_used_are_counted_as_rejected(write, value):
    kind = "string" if isinstance(value, str) else "int64"
    plan = write.plan(write.group(write.attribute("a", "last", type=kind, property=AMOUNT)))
    assert values(plan, write.event(unstruct_event=data(amount=value))) == []
    assert plan.take_rejected() == {("g_v1:a", "rejected"): 1}


@pytest.mark.parametrize("fields", [{}, {"amount": None}])
def test_a_missing_value_contributes_nothing_and_is_not_counted(write, fields):
    plan = write.plan(write.group(write.attribute("a", "last", type="string", property=AMOUNT)))
    assert values(plan, write.event(unstruct_event=data(**fields))) == []
    assert plan.take_rejected() == {}


def test_broken_json_in_a_column_that_is_read_is_the_events_fault(write):
    plan = write.plan(write.group(write.attribute("a", "sum", property=AMOUNT)))
    with pytest.raises(MalformedEventError):
        plan.contributions(write.event(unstruct_event="{"), SOURCE, 0)
