"""A head that grows is spilled by bytes and cut into records: no profile is too large to write."""

import json
from typing import Any

import pytest

from definitions.catalog import Catalog
from definitions.records import from_record
from processor.engine import Plan, Profile, compile_plan, read_values, step
from processor.engine.profile_codec import HEAD_SUFFIX, changed_records, decode_profile, new_profile
from processor.formats import FIRST_LEVEL, NEWEST_LEVEL
from processor.limits import HEAD_BYTES_TARGET, PROFILE_BYTES_MAX
from tests.by_hand import contribution_of

KEY = "domain_userid"
START_MS = 1_760_000_000_000
EMOJI = "\U0001f600"
Stored = dict[bytes, bytes]


def plan_of(count: int, **more: Any) -> Plan:
    """So many series of one key, all of texts."""
    url = {"type": "atomic", "name": "page_url"}
    attributes = [
        {
            "name": f"a{number}", "type": "string", "aggregation": "last", "property": url,
            "events": [{"name": "page_view"}],
            "criteria": {"all": [{"property": url, "operator": "!=", "value": f"n{number}"}]},
            **more,
        }
        for number in range(count)
    ]  # fmt: skip
    group = {
        "name": "g", "version": 1, "attribute_key": {"name": KEY}, "owner": "a@example.com",
        "is_published": True, "attributes": attributes,
    }  # fmt: skip
    made = from_record("attribute_group/g/1", json.dumps(group).encode())
    return compile_plan(Catalog.empty().with_objects([made]))


def add(profile: Profile, plan: Plan, number: int, text: str) -> None:
    values = [(attribute.series_id, text) for attribute in plan.group_attributes("g")]
    at_ms = START_MS + number
    event = contribution_of(number, KEY, "u", at_ms, f"e{number}", "page_view", "", values)
    assert step(profile, event, plan) is not None


def write(stored: Stored, profile: Profile, level: int = NEWEST_LEVEL) -> None:
    """Do to what is stored what a flush does; nothing may be too large for a record."""
    for suffix, record in changed_records(profile, level):
        if record is None:
            stored.pop(suffix, None)
        else:
            assert len(record) <= PROFILE_BYTES_MAX
            stored[suffix] = record


def values_of(profile: Profile, plan: Plan) -> list[Any]:
    return list(read_values(profile, plan.group_attributes("g"), START_MS + 1_000))


@pytest.mark.parametrize("level", [FIRST_LEVEL, NEWEST_LEVEL])
@pytest.mark.parametrize("letter", ["x", EMOJI])
def test_windows_of_many_series_are_spilled_by_bytes(letter: str, level: int) -> None:
    plan = plan_of(200, period="P7D")
    stored: Stored = {}
    profile = new_profile(stored)
    for number in range(40):
        add(profile, plan, number, f"{number}{letter * 500}")
        if number % 7 == 3:
            write(stored, profile, level)
            assert len(stored[HEAD_SUFFIX]) <= HEAD_BYTES_TARGET
            profile = decode_profile(stored[HEAD_SUFFIX], stored)
    write(stored, profile, level)
    again = decode_profile(stored[HEAD_SUFFIX], stored)
    assert values_of(again, plan) == [f"39{letter * 500}"] * 200


def test_a_head_that_no_spilling_helps_is_cut_into_records() -> None:
    plan = plan_of(600)
    stored: Stored = {}
    profile = new_profile(stored)
    for number in range(3):
        add(profile, plan, number, f"{number}{EMOJI * 4_000}")
        write(stored, profile)
        assert sum(map(len, stored.values())) > PROFILE_BYTES_MAX
        profile = decode_profile(stored[HEAD_SUFFIX], stored)
        assert values_of(profile, plan) == [f"{number}{EMOJI * 4_000}"] * 600


def test_a_head_that_shrinks_leaves_no_piece() -> None:
    plan = plan_of(600)
    stored: Stored = {}
    profile = new_profile(stored)
    add(profile, plan, 0, EMOJI * 4_000)
    write(stored, profile)
    assert len(stored) > 2
    profile = decode_profile(stored[HEAD_SUFFIX], stored)
    add(profile, plan, 1, "short")
    write(stored, profile)
    assert list(stored) == [HEAD_SUFFIX]
    assert values_of(decode_profile(stored[HEAD_SUFFIX], stored), plan) == ["short"] * 600


def test_a_cut_head_that_is_emptied_leaves_nothing() -> None:
    plan = plan_of(600)
    stored: Stored = {}
    profile = new_profile(stored)
    add(profile, plan, 0, EMOJI * 4_000)
    write(stored, profile)
    profile = decode_profile(stored[HEAD_SUFFIX], stored)
    for slot in list(profile.head.slots):
        profile.drop_slot(slot)
    profile.changed = True
    write(stored, profile)
    assert stored == {}


def test_an_ordinary_head_is_one_record() -> None:
    plan = plan_of(20, period="P7D")
    stored: Stored = {}
    profile = new_profile(stored)
    for number in range(30):
        add(profile, plan, number, f"https://shop.test/{number}")
    write(stored, profile)
    assert list(stored) == [HEAD_SUFFIX]
