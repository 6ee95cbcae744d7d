"""The definitions of the storm: those that stay, and those that come and go under way.

Every event counts for something that stays at each of its keys, so that whether an event is a
duplicate never depends on the moment at which a definition changed. What comes and goes is of kinds
whose effect can be computed from what stands in the topics; see changes.py.

Windows have groups of their own: a rule tells all attributes of a group at the time of what it
reads, and entries that are more than an hour older than the newest of their series are gone.
"""

from typing import Any

Json = dict[str, Any]
OWNER = "storm@example.com"
ACTION = {
    "type": "event",
    "vendor": "com.snowplowanalytics.snowplow.ecommerce",
    "name": "snowplow_ecommerce_action",
    "major_version": 1,
    "path": "type",
}
PRICE = {
    "type": "entity",
    "vendor": "com.snowplowanalytics.snowplow.ecommerce",
    "name": "product",
    "major_version": 1,
    "path": "price",
}
PRODUCT = {**PRICE, "path": "id"}
PATH = {"type": "atomic", "name": "page_urlpath"}
SHOPPING = [{"name": "snowplow_ecommerce_action"}]
VIEWS = [{"name": "page_view", "vendor": "com.snowplowanalytics.snowplow"}]
KEYS = ("domain_userid", "domain_sessionid", "user_id")


def done(what: str) -> Json:
    """Criteria: something was done with a product."""
    return {"all": [{"property": ACTION, "operator": "=", "value": what}]}


def attribute(name: str, kind: str, aggregation: str, **more: Any) -> Json:
    """An attribute over every event unless `events` are given."""
    return {"name": name, "type": kind, "aggregation": aggregation, "events": [], **more}


def group(name: str, key: str, attributes: list[Json], version: int = 1, **more: Any) -> Json:
    """A published attribute group."""
    return {
        "name": name,
        "version": version,
        "attribute_key": {"name": key},
        "owner": OWNER,
        "is_published": True,
        "attributes": attributes,
        **more,
    }


def rule(name: str, targets: list[str], criteria: Json, **more: Any) -> Json:
    """A published intervention."""
    return {
        "name": name,
        "version": 1,
        "owner": OWNER,
        "is_published": True,
        "criteria": criteria,
        "target_attribute_keys": [{"name": one} for one in targets],
        **more,
    }


def criterion(name: str, operator: str, value: Any = None) -> Json:
    """A criterion of a rule."""
    found = {"attribute": name, "operator": operator}
    return found if operator in {"changed", "is null", "is not null"} else found | {"value": value}


def record_key(one: Json) -> str:
    """The key of a definition on its topic."""
    kind = "attribute_group" if "attribute_key" in one else "intervention"
    return f"{kind}/{one['name']}/{one['version']}"


PERMANENT: list[Json] = [
    group(
        "ecom",
        "domain_userid",
        [
            attribute("seen", "int32", "counter"),
            attribute("views", "int32", "counter", events=SHOPPING, criteria=done("product_view")),
            attribute(
                "cart_value", "double", "sum",
                events=SHOPPING, property=PRICE, criteria=done("add_to_cart"),
            ),
            attribute("dearest", "double", "max", events=SHOPPING, property=PRICE),
            attribute("products", "string_list", "unique_list", events=SHOPPING, property=PRODUCT),
            attribute("kinds", "dict", "category_count", property=PATH),
            attribute("idle", "double", "time_since_last", time_unit="s"),
        ],
    ),
    group(
        "visit",
        "domain_sessionid",
        [
            attribute("seen", "int32", "counter"),
            attribute("pages", "int32", "counter", events=VIEWS),
            attribute("landing", "string", "first", events=VIEWS, property=PATH),
            attribute("page", "string", "last", events=VIEWS, property=PATH),
        ],
    ),
    group(
        "lately",
        "domain_userid",
        [
            attribute("minute", "int32", "counter", period="PT45S", default_value=0),
            attribute("spent", "double", "sum", events=SHOPPING, property=PRICE, period="PT3M"),
        ],
    ),
    group(
        "pace",
        "domain_sessionid",
        [
            attribute("quick", "int32", "counter", period="PT10S"),
            attribute("often", "string", "most_frequent", property=PATH, period="PT1M"),
        ],
    ),
    group(
        "attention",
        "domain_sessionid",
        [
            attribute("views", "int32", "counter", events=VIEWS),
            attribute("held", "int32", "counter", events=SHOPPING),
        ],
        ttl="PT30S",
    ),
    group(
        "recent",
        "user_id",
        [
            attribute(
                "spent", "double", "sum",
                events=SHOPPING, property=PRICE, period="PT20M", criteria=done("add_to_cart"),
            ),
            attribute("mean", "double", "mean", events=SHOPPING, property=PRICE, period="PT2H"),
            attribute("least", "double", "min", events=SHOPPING, property=PRICE, period="PT45S"),
        ],
    ),
    group(
        "daily",
        "user_id",
        [
            attribute("seen", "int32", "counter", period="P1D", default_value=0),
            attribute("distinct", "int64", "approx_count_distinct", property=PATH),
        ],
    ),
    rule(
        "nudge", ["domain_userid"],
        {"all": [criterion("ecom:cart_value", ">", 100), criterion("ecom:views", ">=", 2)]},
    ),
    rule("reader", ["domain_sessionid"], criterion("visit:pages", ">=", 4)),
    rule("burst", ["domain_sessionid"], criterion("pace:quick", ">=", 2)),
    rule(
        "calm", ["domain_userid"],
        criterion("lately:minute", ">=", 2), cooldown="PT40S", max_fires=3,
    ),
    rule(
        "spender", ["user_id"],
        {
            "any": [
                criterion("recent:spent", ">=", 150),
                {"none": [criterion("recent:mean", "<", 60)]},
            ]
        },
    ),
    rule(
        "both", ["domain_userid"],
        {"all": [criterion("ecom:views", ">=", 2), criterion("attention:held", ">=", 3)]},
    ),
    rule("account", ["user_id"], criterion("ecom:cart_value", ">=", 150)),
    rule(
        "again", ["domain_sessionid"],
        {"all": [criterion("attention:held", "changed"), criterion("ecom:views", ">=", 2)]},
        max_fires=2,
    ),
]  # fmt: skip
