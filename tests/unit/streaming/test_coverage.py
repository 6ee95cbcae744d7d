"""The coverage of a partition in its table: noted, flushed, restored, swept."""

from pathlib import Path
from typing import Any

import pytest

from definitions import Attribute, Event, StreamAttributeGroup, domain_userid
from definitions.catalog import Catalog
from processor.engine import Plan, compile_plan, read_attributes, step
from processor.profile_inputs import ProfileInput
from processor.state import RocksDBStore
from processor.streaming.messages.frames import Section
from processor.streaming.profiles.positions import Positions
from processor.streaming.profiles.profile_table import COVERAGE_KEY, ProfileTable, record_prefix
from processor.streaming.profiles.sweep import sweep
from tests.by_hand import contribution_of
from tests.unit.streaming.fakes import FakeDefinitions, flush, owned

KEY = "domain_userid"
NOW_MS = 1_700_000_000_000


def plan_of(offset: int, *names: str) -> Plan:
    attributes = [
        Attribute(name=name, type="int32", aggregation="counter", events=[Event(name=name)])
        for name in names
    ]
    group = StreamAttributeGroup(
        name="g",
        version=1,
        attribute_key=domain_userid,
        owner="a@example.com",
        attributes=attributes,
        is_published=True,
    )
    catalog = Catalog.empty().with_objects([group] if names else [])
    return compile_plan(catalog, definitions_offset=offset)


BOTH, ONE, BACK = plan_of(0, "a", "b"), plan_of(1, "b"), plan_of(2, "a", "b")


@pytest.fixture
def table(tmp_path: Path) -> ProfileTable:
    found = ProfileTable(RocksDBStore(tmp_path / "s"), Positions())
    found.note(BOTH, NOW_MS)
    return found


def count(table: ProfileTable, plan: Plan, identifier: str, *names: str) -> None:
    prefix = record_prefix(KEY, identifier)
    profile = table.profile(prefix) or table.new_profile(prefix)
    series = [(one.series_id, None) for one in plan.group_attributes("g") if one.name in names]
    position = table.positions.admit(
        Section("t", 0, 0, table.positions.next_offsets[ProfileInput.CONTRIBUTIONS], 0, [])
    )
    assert position is not None
    table.positions.next_offsets[ProfileInput.CONTRIBUTIONS] += 1
    event = f"{identifier} {table.positions.next_offsets[ProfileInput.CONTRIBUTIONS]}"
    step(
        profile,
        contribution_of(0, KEY, identifier, NOW_MS, event, "", "", series),  # type: ignore[arg-type]
        plan,
    )
    table.changed(prefix, profile)


def read(table: ProfileTable, plan: Plan, identifier: str) -> dict[str, Any]:
    with table.committed_profile(KEY, identifier) as profile:
        return read_attributes(profile, plan.group_attributes("g"), NOW_MS)


def test_the_coverage_is_written_with_the_flush_after_it_changed(table: ProfileTable) -> None:
    assert table.has_changes
    assert COVERAGE_KEY in flush(table)
    assert not table.has_changes
    table.note(BOTH, NOW_MS)
    count(table, BOTH, "u", "a")
    assert COVERAGE_KEY not in flush(table)
    table.note(ONE, NOW_MS)
    assert table.has_changes
    assert COVERAGE_KEY in flush(table)


def test_the_coverage_comes_back_with_the_store(table: ProfileTable) -> None:
    flush(table)
    table.note(ONE, NOW_MS + 1)
    table.note(BACK, NOW_MS + 2)
    flush(table)
    again = ProfileTable(table.store, Positions())
    assert again.coverage == table.coverage
    assert again.flushed_generation == 1
    again.note(BACK, NOW_MS + 3)
    assert not again.has_changes


@pytest.mark.parametrize("flushed", [True, False])
def test_what_comes_back_starts_anew_in_every_profile(table: ProfileTable, flushed: bool) -> None:
    for identifier in ("u", "v"):
        count(table, BOTH, identifier, "a", "b")
    if flushed:
        flush(table)
    table.note(ONE, NOW_MS)
    table.note(BACK, NOW_MS)
    count(table, BACK, "u", "a")
    flush(table)
    assert read(table, BACK, "u") == {"a": 1, "b": 1}
    assert read(table, BACK, "v") == {"a": None, "b": 1}


async def test_a_sweep_takes_what_has_come_back_since_and_forgets_that_it_was_gone(
    table: ProfileTable,
) -> None:
    for identifier in ("u", "v"):
        count(table, BOTH, identifier, "a", "b")
    flush(table)
    table.note(ONE, NOW_MS)
    table.note(BACK, NOW_MS)
    count(table, BACK, "v", "a")
    own = owned(table)
    await sweep(own, FakeDefinitions(BACK))
    assert table.coverage.gone, "profiles may have been written since, with what is gone"
    flush(table)
    await sweep(own, FakeDefinitions(BACK))
    assert not table.coverage.gone
    assert COVERAGE_KEY in flush(table)
    again = ProfileTable(table.store, Positions())
    assert read(again, BACK, "u") == {"a": None, "b": 1}
    assert read(again, BACK, "v") == {"a": 1, "b": 1}


async def test_a_sweep_that_was_broken_off_forgets_nothing(table: ProfileTable) -> None:
    count(table, BOTH, "u", "a", "b")
    flush(table)
    table.note(ONE, NOW_MS)
    flush(table)
    own = owned(table)
    own.gates.close()
    await sweep(own, FakeDefinitions(ONE))
    assert table.coverage.gone
