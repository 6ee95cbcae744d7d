"""The public pages about Signals in ../shared/seeds, beside the project's directory.

Where they are not there, their tests are skipped, and say so.
"""

import ast
import json
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

from definitions import AtomicProperty, Attribute, EntityProperty, EventProperty
from tests.examples.page_code import statements
from tests.model.enriched import COLUMNS

PAGES = Path(__file__).parents[3] / "shared" / "seeds"
NUMBERS = ("000", "001", "002", "003")
FOUND = [path for number in NUMBERS for path in sorted(PAGES.glob(f"{number}_*"))]
REASON = f"there are no pages in {PAGES}"


def code_of(page: Path) -> list[ast.stmt]:
    return statements(page.read_text(encoding="utf-8"))


def left_to_the_reader(sdk: ModuleType) -> dict[str, Any]:
    """What the pages speak of without defining it: placeholders, names of earlier pages.

    `sdk` is the module whose classes it is made of.
    """

    def counter(name: str, *events: Any) -> Any:
        return sdk.Attribute(name=name, type="int32", aggregation="counter", events=events)

    value = sdk.AtomicProperty(name="se_value")
    rate = sdk.Attribute(
        name="rate", type="double", aggregation="mean", events=[sdk.PageView()], property=value
    )
    views = counter("views", sdk.PageView())
    group = {
        "attribute_key": sdk.domain_sessionid, "owner": "me@example.com", "attributes": [views],
    }  # fmt: skip
    return {
        "page_view_count": views,
        "products_added_to_cart_feature": counter("added", sdk.Event(name="add_to_cart")),
        "session_duration": counter("pings", sdk.Event(name="page_ping")),
        "conversion_rate": rate,
        "data_source": sdk.BatchSource(
            name="warehouse", database="d", schema="s", table="t", timestamp_field="at"
        ),
        "my_attribute_group": sdk.StreamAttributeGroup(name="my_attribute_group", **group),
        "my_other_attribute_group": sdk.StreamAttributeGroup(name="other", **group),
        "timedelta": timedelta,
    }


def publishes(statement: ast.stmt) -> list[ast.expr]:
    """Return what `publish` is called with."""
    return [
        call.args[0]
        for call in ast.walk(statement)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "publish"
    ]


def line_for(attribute: Attribute, **more: str) -> bytes:
    """An enriched event that the attribute counts, with `more` columns."""
    selector = attribute.events[0]
    criteria = attribute.criteria.all if attribute.criteria else None
    wanted = [(one.property, one.value) for one in criteria or ()]
    if attribute.property is not None:
        wanted.append((attribute.property, "a" if attribute.type == "string" else 2.5))
    columns = {
        **dict.fromkeys(("domain_userid", "domain_sessionid", "user_id"), "id"),
        "event_vendor": selector.vendor or "com.example",
        "event_name": selector.name or "thing",
        "event_version": selector.version or "1-0-0",
        **more,
    }
    columns |= {one.name: str(value) for one, value in wanted if isinstance(one, AtomicProperty)}
    of_event = [
        {"schema": schema_of(one), "data": {one.path: value}}
        for one, value in wanted
        if isinstance(one, EventProperty)
    ]
    entities = [
        {"schema": schema_of(one), "data": {one.path: value}}
        for one, value in wanted
        if isinstance(one, EntityProperty)
    ]
    if of_event:
        columns["unstruct_event"] = json.dumps({"schema": "", "data": of_event[0]})
    if entities:
        columns["contexts"] = json.dumps({"schema": "", "data": entities})
    return "\t".join(columns.get(name, "") for name in COLUMNS).encode()


def schema_of(one: EventProperty | EntityProperty) -> str:
    return f"iglu:{one.vendor}/{one.name}/jsonschema/{one.major_version}-0-0"
