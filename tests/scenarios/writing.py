"""A short way to write definitions: registry JSON, under the names of the scenario.

Properties are written as the columns of the scenario's table are called: `tr_total` is a column of
the event, `.price` is in the data of the event's own schema `com.example/buy/1`, `product.price` in
the first entity `com.example/product/1`, `product[1].price` in the second.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]
OWNER = "a@example.com"
VENDOR = "com.example"
SNOWPLOW = "com.snowplowanalytics.snowplow"
# The attribute keys by what they are called in tables.
KEYS = {"user": "domain_userid", "session": "domain_sessionid", "account": "user_id"}
BUILT_IN_KEYS = {*KEYS.values(), "network_userid", "user", "session"}
# The names that events have in tables; any other name is one of com.example, version 1-0-0.
EVENTS = {
    "page_view": (SNOWPLOW, "page_view", "1-0-0"),
    "page_ping": (SNOWPLOW, "page_ping", "1-0-0"),
    "struct": ("com.google.analytics", "event", "1-0-0"),
}
_UNITS = {"s": "PT{}S", "min": "PT{}M", "h": "PT{}H", "d": "P{}D"}
_ENTITY = re.compile(r"(?P<name>\w+)(?:\[(?P<index>\d+)\])?\.(?P<path>.+)")
_ONE = re.compile(
    r"(?P<name>\S+) (?P<operator>is not null|is null|changed|not like|not rlike|not in"
    r"|!=|<=|>=|=|<|>|like|rlike|in)(?: (?P<value>.+))?"
)


def cell_value(text: str) -> Any:
    """A cell as JSON where it is, else as text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def duration(text: str) -> str:
    """`15min`, `1h` or `7d` as ISO 8601; anything else as it is."""
    found = re.fullmatch(r"(\d+)(s|min|h|d)", text)
    return _UNITS[found[2]].format(found[1]) if found else text


def prop(text: str, **more: Any) -> Json:
    """A property by the header of its column; `more` is `date_part`, or another event's name."""
    event, major = more.pop("event", "buy"), more.pop("major_version", 1)
    if text.startswith("."):
        schema = {"vendor": VENDOR, "name": event, "major_version": major}
        return {"type": "event", **schema, "path": text[1:], **more}
    entity = _ENTITY.fullmatch(text)
    if entity:
        schema = {"vendor": VENDOR, "name": entity["name"], "major_version": major}
        index = int(entity["index"] or 0)
        return {"type": "entity", **schema, "index": index, "path": entity["path"], **more}
    return {"type": "atomic", "name": text, **more}


def calculated(operation: str, *properties: str | Json, separator: str | None = None) -> Json:
    """A value made of several properties."""
    parts = [one if isinstance(one, dict) else prop(one) for one in properties]
    more = {} if separator is None else {"separator": separator}
    return {"type": "calculated", "operation": operation, "properties": parts, **more}


def where(*criteria: str, any_of: Iterable[str] | None = None, **of: Any) -> Json:
    """Criteria of an attribute: `.price > 5`; all of them, and one of `any_of`."""
    found: Json = {}
    if criteria:
        found["all"] = [_criterion(one, of) for one in criteria]
    if any_of is not None:
        found["any"] = [_criterion(one, of) for one in any_of]
    return found


def _criterion(text: str, of: Json) -> Json:
    name, operator, value = _parsed(text)
    return {"property": prop(name, **of), "operator": operator, **value}


def _parsed(text: str) -> tuple[str, str, Json]:
    found = _ONE.fullmatch(text)
    assert found, f"not `name operator value`: {text}"
    return found["name"], found["operator"], {} if found["value"] is None else {
        "value": cell_value(found["value"])
    }  # fmt: skip


def events(*names: str) -> list[Json]:
    """Selectors of events by their names in tables."""
    return [dict(zip(("vendor", "name", "version"), kind(name), strict=True)) for name in names]


def kind(name: str) -> tuple[str, str, str]:
    """Vendor, name and version of an event by its name in tables."""
    if name in EVENTS:
        return EVENTS[name]
    parts = name.split("/")
    if len(parts) == 3:
        return parts[0], parts[1], parts[2]
    return VENDOR, parts[0], parts[1] if len(parts) == 2 else "1-0-0"


def attribute(name: str, aggregation: str, of: str | Json = "", **more: Any) -> Json:
    """An attribute of every event; its type follows from the aggregation where none is given."""
    if of:
        more["property"] = of if isinstance(of, dict) else prop(of)
    for field in ("period", "ttl"):
        if field in more:
            more[field] = duration(more[field])
    kinds = {"category_count": "dict", "unique_list": "string_list", "counter": "int32",
             "approx_count_distinct": "int64"}  # fmt: skip
    given = {"name": name, "aggregation": aggregation, "events": []}
    return {**given, "type": kinds.get(aggregation, "double"), **more}


def key(name: str, of: str | Json | None = None, **more: Any) -> Json:
    """An attribute key with its property, or a link to one."""
    found = {"name": KEYS.get(name, name), **more}
    if of is not None:
        found["property"] = of if isinstance(of, dict) else prop(of)
    if "ttl" in more:
        found["ttl"] = duration(more["ttl"])
    return found


def registered(given: Json) -> tuple[str, Json]:
    """An attribute key as a definition of its own."""
    return f"attribute_key/{given['name']}", {"owner": OWNER, **given}


def group(name: str, *attributes: Json, of: str | Json = "user", **more: Any) -> tuple[str, Json]:
    """An attribute group kept by a key: `user`, `session`, `account`, or a key of one's own."""
    if "ttl" in more:
        more["ttl"] = duration(more["ttl"])
    found = {
        "name": name,
        "version": 1,
        "attribute_key": of if isinstance(of, dict) else key(of),
        "owner": OWNER,
        "attributes": list(attributes),
        **more,
    }
    return f"attribute_group/{name}/{found['version']}", found


def service(name: str, *links: str) -> tuple[str, Json]:
    """A service over groups, each `name` or `name/version`."""
    return f"service/{name}", {
        "name": name, "owner": OWNER, "attribute_groups": [_link(one) for one in links]
    }  # fmt: skip


def rule(name: str, criteria: str | Json, **more: Any) -> tuple[str, Json]:
    """An intervention; `targets` are keys and `payload` groups, by name or name/version."""
    if "targets" in more:
        wanted = more.pop("targets")
        more["target_attribute_keys"] = [{"name": KEYS.get(one, one)} for one in wanted]
    if "payload" in more:
        more["payload_attribute_groups"] = [_link(one) for one in more.pop("payload")]
    if "cooldown" in more:
        more["cooldown"] = duration(more["cooldown"])
    found = {"name": name, "version": 1, "owner": OWNER, "criteria": met(criteria), **more}
    return f"intervention/{name}/{found['version']}", found


def met(criteria: str | Json) -> Json:
    """A criterion of a rule, `web:views >= 3`, or a tree as it is."""
    if isinstance(criteria, dict):
        return criteria
    name, operator, value = _parsed(criteria)
    return {"attribute": name, "operator": operator, **value}


def all_of(*nodes: str | Json) -> Json:
    return {"all": [met(node) for node in nodes]}


def any_of(*nodes: str | Json) -> Json:
    return {"any": [met(node) for node in nodes]}


def none_of(*nodes: str | Json) -> Json:
    return {"none": [met(node) for node in nodes]}


def _link(text: str) -> Json:
    name, _, version = text.partition("/")
    return {"name": name, "version": int(version or 1)}
