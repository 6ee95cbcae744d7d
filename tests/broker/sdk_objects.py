"""Definitions made of the official SDK's classes, and columns of the events that they count."""

import json
from datetime import timedelta
from typing import Any

from snowplow_signals import (
    AtomicProperty,
    Attribute,
    CalculatedProperty,
    Criteria,
    Criterion,
    EntityProperty,
    Event,
    EventProperty,
    PageView,
    StreamAttributeGroup,
    domain_userid,
)

from tests.broker.visits import Json

OWNER = "owner@example.com"
PRICE = EntityProperty(vendor="com.example", name="product", major_version=1, path="price")
PATH = AtomicProperty(name="page_urlpath")


def counter(name: str = "views", **more: Any) -> Attribute:
    given = {"type": "int32", "aggregation": "counter", "events": [PageView()], **more}
    return Attribute(name=name, **given)


def group_of(name: str, *attributes: Attribute, **more: Any) -> StreamAttributeGroup:
    given = {"attribute_key": domain_userid, "owner": OWNER, **more}
    return StreamAttributeGroup(name=name, attributes=list(attributes) or [counter()], **given)


def every_kind_of_attribute() -> list[Attribute]:
    def over(name: str, type_: str, aggregation: str, prop: Any, **more: Any) -> Attribute:
        given = {"type": type_, "aggregation": aggregation, "property": prop}
        return Attribute(name=name, **given, **{"events": [PageView()], **more})

    label = CalculatedProperty(
        operation="concat",
        separator="-",
        properties=[AtomicProperty(name="app_id"), AtomicProperty(name="platform")],
    )
    hour = AtomicProperty(name="derived_tstamp", date_part="hour_of_day")
    given = EventProperty(vendor="com.example", name="consent", major_version=1, path="given")
    second = EntityProperty(
        vendor="com.example", name="product", major_version=1, path="$.price", index=1
    )
    url = AtomicProperty(name="page_url")
    priced = Criteria(
        all=[Criterion.like(url, "%/pricing%"), Criterion.is_not_null(PATH)],
        any=[Criterion.in_list(PATH, ["/pricing", "/p"]), Criterion.gt(PRICE, 1_000)],
    )
    day, year = timedelta(days=1), timedelta(days=365)
    return [
        counter("views", description="page views", period=day, default_value=0),
        counter("priced", criteria=priced, ttl=timedelta(hours=36)),
        counter("specified", events=[Event(event_specification_id="of-nobody")]),
        over("spent", "double", "sum", PRICE, ttl=year),
        over("cheapest", "double", "min", PRICE, period=year),
        over("dearest", "float", "max", PRICE, period=timedelta(days=30)),
        over("average", "double", "mean", PRICE, period=timedelta(days=400)),
        over("entry", "string", "first", PATH),
        over("exit", "string", "last", PATH),
        over("paths", "string_list", "unique_list", PATH, period=day),
        over("usual", "string", "most_frequent", PATH, period=day),
        over("unusual", "string", "least_frequent", PATH, period=day),
        over("by_path", "dict", "category_count", PATH, period=day),
        over("distinct", "int64", "approx_count_distinct", PATH),
        over("idle", "double", "time_since_last", None, time_unit="min"),
        over("age", "float", "time_since_first", None, time_unit="h"),
        over("label", "string", "last", label, events=[Event(vendor=PageView().vendor)]),
        over("hour", "int32", "most_frequent", hour, period=day),
        over("given", "bool", "last", given, events=[Event(name="consent", version="1-0-0")]),
        over("second", "double", "last", second, default_value=2.5),
        over("no_text", "string", "last", second, default_value="", events=[]),
        over("no_flag", "bool", "last", second, default_value=False, events=[]),
        over("no_list", "string_list", "unique_list", second, default_value=[], events=[]),
    ]


def as_json(model: Any) -> Any:
    return model.model_dump(mode="json", exclude_none=True, by_alias=True)


def contexts(**entities: Json) -> str:
    """The column of entities of com.example, each by its name."""
    data = [
        {"schema": f"iglu:com.example/{name}/jsonschema/1-0-0", "data": entity}
        for name, entity in entities.items()
    ]
    return json.dumps({"schema": "", "data": data})


def own_event(name: str, data: Json) -> dict[str, str]:
    """The columns of an event of com.example."""
    inner = {"schema": f"iglu:com.example/{name}/jsonschema/1-0-0", "data": data}
    return {
        "event": "unstruct",
        "event_vendor": "com.example",
        "event_name": name,
        "unstruct_event": json.dumps({"schema": "", "data": inner}),
    }
