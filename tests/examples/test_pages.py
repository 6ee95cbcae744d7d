"""The Python code of public pages about Signals works here: only the import is another.

The pages lie in ../shared/seeds, beside the project's directory. Where they are not there, these
tests are skipped, and say so.
"""

import ast
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from definitions import (
    AtomicProperty,
    Attribute,
    AttributeGroup,
    BatchSource,
    EntityProperty,
    Event,
    EventProperty,
    PageView,
    RuleIntervention,
    Service,
    StreamAttributeGroup,
    domain_sessionid,
)
from definitions.catalog import Catalog
from definitions.life_cycle import publish
from definitions.objects import Definition
from processor.engine import Source, WhatIf, compile_plan
from tests.examples.page_code import names, statements
from tests.model.enriched import COLUMNS

PAGES = Path(__file__).parents[3] / "shared" / "seeds"
NUMBERS = ("000", "001", "002", "003")
FOUND = [path for number in NUMBERS for path in sorted(PAGES.glob(f"{number}_*"))]
CONNECTION = {"Signals", "sp_signals"}
NOW_MS = 1_767_225_600_000
EVENTS = 10

pytestmark = pytest.mark.skipif(not FOUND, reason=f"there are no pages in {PAGES}")


@pytest.fixture
def left_to_the_reader() -> dict[str, Any]:
    """What the pages speak of without defining it: placeholders, names of earlier pages."""

    def counter(name: str, *events: Event) -> Attribute:
        return Attribute(name=name, type="int32", aggregation="counter", events=events)

    value = AtomicProperty(name="se_value")
    rate = Attribute(
        name="rate", type="double", aggregation="mean", events=[PageView()], property=value
    )
    views = counter("views", PageView())
    group = {"attribute_key": domain_sessionid, "owner": "me@example.com", "attributes": [views]}
    return {
        "page_view_count": views,
        "products_added_to_cart_feature": counter("added", Event(name="add_to_cart")),
        "session_duration": counter("pings", Event(name="page_ping")),
        "conversion_rate": rate,
        "data_source": BatchSource(
            name="warehouse", database="d", schema="s", table="t", timestamp_field="at"
        ),
        "my_attribute_group": StreamAttributeGroup(name="mine", **group),
        "my_other_attribute_group": StreamAttributeGroup(name="other", **group),
        "timedelta": timedelta,
    }


def code_of(page: Path) -> list[ast.stmt]:
    return statements(page.read_text(encoding="utf-8"))


def needs_the_connection(code: list[ast.stmt]) -> list[bool]:
    """Say of each statement whether it uses the client, or what one with the client made."""
    tainted = set(CONNECTION)
    found = []
    for one in code:
        found.append(not tainted.isdisjoint(names(one)))
        if found[-1] and isinstance(one, ast.Assign):
            tainted |= {target.id for target in one.targets if isinstance(target, ast.Name)}
    return found


def run(code: list[ast.stmt], namespace: dict[str, Any]) -> list[Definition]:
    """Run the statements; what those that need the connection publish is given back."""
    published: list[Definition] = []
    for one, connected in zip(code, needs_the_connection(code), strict=True):
        if connected:
            for wanted in publishes(one):
                published += eval(compile(ast.Expression(wanted), "page", "eval"), namespace)
            continue
        if isinstance(one, ast.ImportFrom) and one.module == "snowplow_signals":
            one.module = "definitions"
        exec(compile(ast.Module([one], []), "page", "exec"), namespace)
    return published


def publishes(statement: ast.stmt) -> list[ast.expr]:
    """Return what `publish` is called with."""
    return [
        call.args[0]
        for call in ast.walk(statement)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "publish"
    ]


def what_it_asks_the_client() -> list[Any]:
    """Return the statements that need the client, apart from what only publishes."""
    return [
        pytest.param(ast.unparse(one), id=f"{page.name[:3]} line {one.lineno}: {wanted}")
        for page in FOUND
        for one, connected in zip(code_of(page), needs_the_connection(code_of(page)), strict=True)
        if connected and not publishes(one) and not isinstance(one, ast.ImportFrom)
        for wanted in [ast.unparse(one).partition("(")[0]]
    ]


@pytest.mark.parametrize("page", FOUND, ids=lambda page: page.name[:3])
def test_every_definition_of_a_page_is_right(
    page: Path, left_to_the_reader: dict[str, Any]
) -> None:
    published = run(code_of(page), left_to_the_reader)
    kinds = (AttributeGroup, Service, RuleIntervention)
    made = [one for one in left_to_the_reader.values() if isinstance(one, kinds)]
    assert published
    assert len(made) >= len(published) > 1
    assert publish(Catalog.empty(), made).problems == []
    assert publish(Catalog.empty(), published).problems == []


@pytest.mark.parametrize("page", FOUND, ids=lambda page: page.name[:3])
def test_what_a_page_publishes_is_computed_and_fires(
    page: Path, left_to_the_reader: dict[str, Any]
) -> None:
    published = run(code_of(page), left_to_the_reader)
    groups = [one for one in published if isinstance(one, AttributeGroup)]
    catalog = publish(Catalog.empty(), published).catalog
    what_if = WhatIf(compile_plan(catalog))
    lines = [
        line_for(attribute, f"{group.name} {attribute.name} {number}")
        for group in groups
        for attribute in group.attributes or ()
        for number in range(EVENTS)
    ]
    for offset, line in enumerate(lines):
        what_if.take(line, Source("enriched", 0), offset)
    for group in groups:
        attributes = what_if.plan.group_attributes(group.name, group.version)
        values = what_if.values(group.attribute_key.name, "id", attributes, NOW_MS)
        assert len(values) == len(group.attributes or ())
        assert all(values)
    rules = {(one.name, one.version): 1 for one in published if isinstance(one, RuleIntervention)}
    assert what_if.fired_counts == rules


def line_for(attribute: Attribute, event_id: str) -> bytes:
    """An enriched event that the attribute counts."""
    selector = attribute.events[0]
    criteria = attribute.criteria.all if attribute.criteria else None
    wanted = [(one.property, one.value) for one in criteria or ()]
    if attribute.property is not None:
        wanted.append((attribute.property, "a" if attribute.type == "string" else 2.5))
    columns = {
        "event_id": event_id,
        "collector_tstamp": "2025-12-31 23:59:00.000",
        **dict.fromkeys(("domain_userid", "domain_sessionid", "user_id"), "id"),
        "event_vendor": selector.vendor or "com.example",
        "event_name": selector.name or "thing",
        "event_version": selector.version or "1-0-0",
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


@pytest.mark.parametrize("statement", what_it_asks_the_client())
def test_what_a_page_asks_the_client_for(statement: str) -> None:
    pytest.skip(f"there is no Python client: {statement.splitlines()[0]}")
