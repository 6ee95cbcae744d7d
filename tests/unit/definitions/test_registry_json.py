"""The JSON of definitions is that of the registry, in both directions."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from jsonschema import Draft202012Validator

from definitions import (
    AtomicProperty,
    Attribute,
    AttributeKey,
    BatchAttributeGroup,
    BatchSource,
    CalculatedProperty,
    Criteria,
    Criterion,
    EntityProperty,
    Event,
    EventProperty,
    ExternalBatchAttributeGroup,
    Field,
    InterventionCriteriaAll,
    InterventionCriteriaAny,
    InterventionCriteriaNone,
    InterventionCriterion,
    LinkAttributeKey,
    PageView,
    RuleIntervention,
    Service,
    StreamAttributeGroup,
    VersionedLinkAttributeGroup,
    domain_userid,
)
from definitions.objects import class_for, kind_for
from definitions.schemas import schema_files

GROUP = {
    "name": "g",
    "version": 1,
    "attribute_key": {
        "name": "domain_userid",
        "description": domain_userid.description,
        "key": "domain_userid",
        "is_published": False,
    },
    "ttl": "P30D",
    "online": True,
    "offline": False,
    "owner": "a@b.com",
    "is_published": True,
    "backfill_since_tstamp": "2025-01-01T00:00:00Z",
    "attributes": [
        {
            "name": "c",
            "type": "int32",
            "aggregation": "counter",
            "period": "PT15M",
            "default_value": 0,
            "events": [
                {
                    "name": "page_view",
                    "vendor": "com.snowplowanalytics.snowplow",
                    "version": "1-0-0",
                }
            ],
            "criteria": {
                "all": [
                    {
                        "property": {"type": "atomic", "name": "page_url"},
                        "operator": "like",
                        "value": "%pricing%",
                    },
                    {
                        "property": {"type": "atomic", "name": "mkt_medium"},
                        "operator": "is not null",
                    },
                    {
                        "property": {
                            "vendor": "com.a",
                            "name": "e",
                            "major_version": 1,
                            "path": "type",
                            "type": "event",
                        },
                        "operator": "in",
                        "value": ["x", "y"],
                    },
                ]
            },
        },
        {
            "name": "s",
            "type": "double",
            "aggregation": "sum",
            "events": [],
            "ttl": "P7D",
            "property": {
                "vendor": "com.a",
                "name": "product",
                "major_version": 1,
                "path": "$.price",
                "type": "entity",
                "index": 0,
            },
        },
        {
            "name": "k",
            "type": "string",
            "aggregation": "last",
            "events": [{"vendor": "com.a"}],
            "property": {
                "type": "calculated",
                "operation": "concat",
                "separator": "-",
                "properties": [
                    {"type": "atomic", "name": "app_id"},
                    {"type": "atomic", "name": "platform"},
                ],
            },
        },
        {
            "name": "t",
            "type": "double",
            "aggregation": "time_since_last",
            "time_unit": "min",
            "events": [{"event_specification_id": "abc"}],
        },
        {
            "name": "h",
            "type": "int32",
            "aggregation": "most_frequent",
            "events": [],
            "property": {"type": "atomic", "name": "derived_tstamp", "date_part": "hour_of_day"},
        },
    ],
}

EXTERNAL = {
    "name": "x",
    "version": 1,
    "attribute_key": {
        "name": "CUSTOMER_ID",
        "external_column": "CUSTOMER_ID",
        "is_published": False,
    },
    "batch_source": {
        "name": "src",
        "timestamp_field": "UPDATED_AT",
        "owner": "a@b.com",
        "database": "DB",
        "schema": "SC",
        "table": "T",
    },
    "online": True,
    "offline": True,
    "owner": "a@b.com",
    "fields": [{"name": "TOTAL", "type": "int32"}],
    "is_published": True,
    "refresh_rate": "PT6H",
    "backfill_since_tstamp": "2026-06-01T00:00:00Z",
}

KEY = {
    "name": "tier",
    "property": {
        "vendor": "com.a",
        "name": "user",
        "major_version": 1,
        "path": "account.tier",
        "type": "entity",
        "index": 0,
    },
    "owner": "a@b.com",
    "ttl": "P1Y",
    "is_published": True,
}

SERVICE = {
    "name": "svc",
    "attribute_groups": [{"name": "g", "version": 1}],
    "owner": "a@b.com",
    "is_published": True,
}

RULE = {
    "name": "iv",
    "version": 1,
    "owner": "a@b.com",
    "is_published": True,
    "criteria": {
        "all": [
            {"attribute": "g:c", "operator": ">=", "value": 3},
            {"any": [{"attribute": "g:s", "operator": "is null"}]},
            {"none": [{"attribute": "g:k", "operator": "in", "value": ["a"]}]},
        ]
    },
    "target_attribute_keys": [{"name": "domain_userid"}],
    "payload_attribute_groups": [{"name": "g", "version": 1}],
}


def group() -> StreamAttributeGroup:
    return StreamAttributeGroup(
        name="g",
        attribute_key=domain_userid,
        ttl=timedelta(days=30),
        owner="a@b.com",
        is_published=True,
        backfill_since_tstamp=datetime(2025, 1, 1, tzinfo=UTC),
        attributes=[
            Attribute(
                name="c",
                type="int32",
                aggregation="counter",
                events=[PageView()],
                period=timedelta(minutes=15),
                default_value=0,
                criteria=Criteria(
                    all=[
                        Criterion.like(AtomicProperty(name="page_url"), "%pricing%"),
                        Criterion.is_not_null(AtomicProperty(name="mkt_medium")),
                        Criterion.in_list(
                            EventProperty(vendor="com.a", name="e", major_version=1, path="type"),
                            ["x", "y"],
                        ),
                    ]
                ),
            ),
            Attribute(
                name="s",
                type="double",
                aggregation="sum",
                events=[],
                ttl=timedelta(days=7),
                property=EntityProperty(
                    vendor="com.a", name="product", major_version=1, path="$.price"
                ),
            ),
            Attribute(
                name="k",
                type="string",
                aggregation="last",
                events=[Event(vendor="com.a")],
                property=CalculatedProperty(
                    operation="concat",
                    separator="-",
                    properties=[AtomicProperty(name="app_id"), AtomicProperty(name="platform")],
                ),
            ),
            Attribute(
                name="t",
                type="double",
                aggregation="time_since_last",
                time_unit="min",
                events=[Event(event_specification_id="abc")],
            ),
            Attribute(
                name="h",
                type="int32",
                aggregation="most_frequent",
                events=[],
                property=AtomicProperty(name="derived_tstamp", date_part="hour_of_day"),
            ),
        ],
    )


def external() -> ExternalBatchAttributeGroup:
    return ExternalBatchAttributeGroup(
        name="x",
        attribute_key=AttributeKey(external_column="CUSTOMER_ID"),
        batch_source=BatchSource(
            name="src",
            timestamp_field="UPDATED_AT",
            owner="a@b.com",
            database="DB",
            schema="SC",
            table="T",
        ),
        owner="a@b.com",
        fields=[Field(name="TOTAL", type="int32")],
        is_published=True,
        refresh_rate=timedelta(hours=6),
        backfill_since_tstamp=datetime(2026, 6, 1),
    )


def key() -> AttributeKey:
    return AttributeKey(
        property=EntityProperty(vendor="com.a", name="user", major_version=1, path="account.tier"),
        owner="a@b.com",
        ttl=timedelta(days=365),
        is_published=True,
    )


def service() -> Service:
    return Service(name="svc", attribute_groups=[group()], owner="a@b.com", is_published=True)


def rule() -> RuleIntervention:
    return RuleIntervention(
        name="iv",
        owner="a@b.com",
        is_published=True,
        criteria=InterventionCriteriaAll(
            all=[
                InterventionCriterion(attribute="g:c", operator=">=", value=3),
                InterventionCriteriaAny(
                    any=[InterventionCriterion(attribute="g:s", operator="is null")]
                ),
                InterventionCriteriaNone(
                    none=[InterventionCriterion(attribute="g:k", operator="in", value=["a"])]
                ),
            ]
        ),
        target_attribute_keys=[LinkAttributeKey(name="domain_userid")],
        payload_attribute_groups=[VersionedLinkAttributeGroup(name="g")],
    )


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (group(), GROUP),
        (external(), EXTERNAL),
        (key(), KEY),
        (service(), SERVICE),
        (rule(), RULE),
    ],
    ids=["group", "external", "key", "service", "rule"],
)
def test_python_and_json_say_the_same(definition, expected):
    assert json.loads(json.dumps(definition.registry_json())) == expected
    assert class_for(kind_for(expected), expected).model_validate(expected) == definition


def test_a_batch_group_is_offline_and_has_attributes():
    raw = {**GROUP, "offline": True}
    group = class_for("attribute_group", raw).model_validate(raw)
    assert isinstance(group, BatchAttributeGroup)
    assert group.registry_json() == raw


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(days=365), "P1Y"),
        (timedelta(days=400), "P1Y35D"),
        (timedelta(hours=36), "P1DT12H"),
        (timedelta(seconds=1.5), "PT1.5S"),
        (timedelta(minutes=15), "PT15M"),
    ],
)
def test_durations_are_iso_8601_with_years_of_365_days(duration, text):
    attribute = Attribute(name="c", type="int32", aggregation="counter", events=[], period=duration)
    assert attribute.registry_json()["period"] == text
    assert Attribute.model_validate(attribute.registry_json()) == attribute


@pytest.mark.parametrize(("text", "days"), [("P1M", 30), ("P1W", 7), ("P1Y2M", 425), ("PT24H", 1)])
def test_months_have_30_days_and_weeks_7(text, days):
    raw = {"name": "c", "type": "int32", "aggregation": "counter", "events": [], "period": text}
    assert Attribute.model_validate(raw).period == timedelta(days=days)


@pytest.mark.parametrize("value", [0, False, "", [], 0.0])
def test_default_values_that_are_empty_travel(value):
    attribute = Attribute(
        name="c", type="int32", aggregation="counter", events=[], default_value=value
    )
    raw = attribute.registry_json()
    assert repr(raw["default_value"]) == repr(value)
    assert Attribute.model_validate(raw) == attribute


def test_a_property_without_its_type_is_told_by_its_fields():
    base = {"vendor": "v", "name": "n", "major_version": 1, "path": "p"}
    for raw, kind in (
        ({"name": "app_id"}, AtomicProperty),
        (base, EventProperty),
        ({**base, "index": 1}, EntityProperty),
        ({"operation": "sum", "properties": [base]}, CalculatedProperty),
    ):
        attribute = Attribute.model_validate(
            {"name": "a", "type": "string", "aggregation": "last", "events": [], "property": raw}
        )
        assert type(attribute.property) is kind


def test_a_link_to_a_key_stands_for_the_key():
    linked = group().model_dump(by_alias=True) | {"attribute_key": LinkAttributeKey(name="tier")}
    assert StreamAttributeGroup(**linked).attribute_key == AttributeKey(name="tier")


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("attribute_group", GROUP),
        ("attribute_group", EXTERNAL),
        ("attribute_group", {**GROUP, "offline": True}),
        ("attribute_key", KEY),
        ("service", SERVICE),
        ("intervention", RULE),
    ],
)
def test_registry_json_satisfies_its_schema(kind, raw):
    schema = json.loads(schema_files()[f"definitions/{kind}.json"])
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(raw)
    wrong = {**raw, "name": "not a name"}
    assert not Draft202012Validator(schema).is_valid(wrong)
