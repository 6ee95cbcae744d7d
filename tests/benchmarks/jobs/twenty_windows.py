"""Job (c): twenty windowed attributes over three attribute keys, and ten rules."""

from datetime import timedelta
from typing import Any

from definitions import (
    AtomicProperty,
    Attribute,
    InterventionCriterion,
    PagePing,
    PageView,
    RuleIntervention,
    StreamAttributeGroup,
    domain_sessionid,
    domain_userid,
    user_id,
)
from definitions.examples.ecommerce import (
    OWNER,
    ecommerce_action,
    product_name,
    product_price,
    product_viewed,
    put_into_cart,
)

QUARTER, HOUR, DAY, WEEK = (timedelta(minutes=one) for one in (15, 60, 1_440, 10_080))

path = AtomicProperty(name="page_urlpath")
title = AtomicProperty(name="page_title")

VIEWS: dict[str, Any] = {"events": [PageView()]}
PINGS: dict[str, Any] = {"events": [PagePing()]}
ANY: dict[str, Any] = {"events": []}
LOOKED: dict[str, Any] = {"events": [ecommerce_action], "criteria": product_viewed}
ADDED: dict[str, Any] = {"events": [ecommerce_action], "criteria": put_into_cart}


def attribute(
    name: str, period: timedelta, aggregation: str, kind: str, which: dict[str, Any], **more: Any
) -> Attribute:
    """An attribute with a period."""
    return Attribute(name=name, period=period, aggregation=aggregation, type=kind, **which, **more)


visitor = StreamAttributeGroup(
    name="visitor",
    version=1,
    attribute_key=domain_userid,
    owner=OWNER,
    attributes=[
        attribute("views_15m", QUARTER, "counter", "int32", VIEWS),
        attribute("views_7d", WEEK, "counter", "int32", VIEWS),
        attribute("looked_1h", HOUR, "counter", "int32", LOOKED),
        attribute("prices_7d", WEEK, "sum", "double", LOOKED, property=product_price),
        attribute("dearest_1d", DAY, "max", "double", LOOKED, property=product_price),
        attribute("last_path", DAY, "last", "string", VIEWS, property=path),
        attribute("products_1d", DAY, "unique_list", "string_list", LOOKED, property=product_name),
        attribute("cart_1d", DAY, "sum", "double", ADDED, property=product_price),
    ],
)

session = StreamAttributeGroup(
    name="visit",
    version=1,
    attribute_key=domain_sessionid,
    owner=OWNER,
    attributes=[
        attribute("events_15m", QUARTER, "counter", "int32", ANY),
        attribute("views_1h", HOUR, "counter", "int32", VIEWS),
        attribute("pings_1h", HOUR, "counter", "int32", PINGS),
        attribute("first_path", DAY, "first", "string", VIEWS, property=path),
        attribute("mean_price_1h", HOUR, "mean", "double", LOOKED, property=product_price),
        attribute("added_1h", HOUR, "counter", "int32", ADDED),
    ],
)

account = StreamAttributeGroup(
    name="account",
    version=1,
    attribute_key=user_id,
    owner=OWNER,
    attributes=[
        attribute("events_7d", WEEK, "counter", "int32", ANY),
        attribute("views_1d", DAY, "counter", "int32", VIEWS),
        attribute("titles_1d", DAY, "most_frequent", "string", VIEWS, property=title),
        attribute("cheapest_7d", WEEK, "min", "double", LOOKED, property=product_price),
        attribute("carts_7d", WEEK, "counter", "int32", ADDED),
        attribute("cart_7d", WEEK, "sum", "double", ADDED, property=product_price),
    ],
)


def rule(name: str, wanted: str, operator: str, value: float) -> RuleIntervention:
    """A rule over one attribute."""
    criteria = InterventionCriterion(attribute=wanted, operator=operator, value=value)
    return RuleIntervention(name=name, version=1, owner=OWNER, criteria=criteria)


rules = [
    rule("busy", "visitor:views_15m", ">=", 8),
    rule("regular", "visitor:views_7d", ">=", 20),
    rule("looking", "visitor:looked_1h", ">=", 5),
    rule("spender", "visitor:cart_1d", ">", 250.005),
    rule("lively", "visit:events_15m", ">=", 15),
    rule("reading", "visit:pings_1h", ">=", 6),
    rule("undecided", "visit:views_1h", ">=", 10),
    rule("collecting", "visit:added_1h", ">=", 2),
    rule("known", "account:views_1d", ">=", 10),
    rule("buyer", "account:cart_7d", ">", 500.005),
]
busy, regular, looking, spender, lively, reading, undecided, collecting, known, buyer = rules
