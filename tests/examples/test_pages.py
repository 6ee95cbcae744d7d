"""The Python code of public pages about Signals works here: only the import is another.

Only the definitions; tests/broker/test_client.py runs all of it, and test_official_sdk.py beside it
the pages as they stand.
"""

import ast
from pathlib import Path
from typing import Any

import pytest

import definitions
from definitions import AttributeGroup, RuleIntervention, Service
from definitions.catalog import Catalog
from definitions.life_cycle import publish
from definitions.objects import Definition
from processor.engine import Source, WhatIf, compile_plan
from tests.examples import pages
from tests.examples.page_code import names
from tests.examples.pages import FOUND, REASON, code_of, line_for, publishes

CONNECTION = {"Signals", "sp_signals"}
NOW_MS = 1_767_225_600_000
EVENTS = 10

pytestmark = pytest.mark.skipif(not FOUND, reason=REASON)


@pytest.fixture
def left_to_the_reader() -> dict[str, Any]:
    return pages.left_to_the_reader(definitions)


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
        line_for(
            attribute,
            event_id=f"{group.name} {attribute.name} {number}",
            collector_tstamp="2025-12-31 23:59:00.000",
        )
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
