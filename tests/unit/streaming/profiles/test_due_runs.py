"""Which profiles a sweep looks at, and that looking at these alone changes nothing."""

import json
from copy import deepcopy
from random import Random
from typing import Any

import pytest

from definitions.catalog import Catalog
from definitions.records import from_record
from processor.engine import Plan, Profile, compile_plan, expire, step
from processor.engine.expire import NEVER_DUE_MS, Reached, due_ms, earliest_due_ms
from processor.limits import SWEEP_LATE_MS, SWEEP_RUN_PROFILES
from processor.streaming.profiles.due_runs import DueRuns
from tests.by_hand import contribution_of

KEY = "domain_userid"
MINUTE_MS = 60_000
START_MS = 1_700_000_000_000
EVENTS = {"period": "PT5M", "ttl": "PT20M", "brief": "PT2M", "for_life": None}


def group(name: str, **fields: Any) -> dict[str, Any]:
    ttl = {"ttl": fields.pop("group_ttl")} if "group_ttl" in fields else {}
    attribute = {"name": "a", "type": "int32", "aggregation": "counter"}
    return {
        "name": name, "version": 1, "attribute_key": {"name": KEY}, "owner": "a@example.com",
        "is_published": True, "attributes": [{**attribute, "events": [{"name": name}], **fields}],
        **ttl,
    }  # fmt: skip


def plan_of(*groups: dict[str, Any], rules: bool = True) -> Plan:
    rule = {
        "name": "r", "version": 1, "owner": "a@example.com", "is_published": True,
        "cooldown": "PT40M", "criteria": {"attribute": "for_life:a", "operator": ">=", "value": 1},
    }  # fmt: skip
    objects: list[tuple[str, dict[str, Any]]] = [
        (f"attribute_group/{one['name']}/1", one) for one in groups
    ]
    if rules:
        objects.append(("intervention/r/1", rule))
    made = [from_record(key, json.dumps(value).encode()) for key, value in objects]
    return compile_plan(Catalog.empty().with_objects(made))


PLAN = plan_of(
    group("period", period="PT5M"),
    group("ttl", ttl="PT20M"),
    group("brief", group_ttl="PT2M"),
    group("for_life"),
)
SERIES = {name: PLAN.group_attributes(name)[0].series_id for name in EVENTS}


def event(profile: Profile, name: str, arrived_ms: int) -> None:
    values: Any = [(SERIES[name], None)]
    given = contribution_of(
        0, KEY, "u", arrived_ms, f"{name}-{arrived_ms}", name, "", values, None, arrived_ms
    )
    step(profile, given, PLAN)


def copy_of(profile: Profile) -> Profile:
    return Profile(head=deepcopy(profile.head))


@pytest.mark.parametrize("seed", range(40))
def test_nothing_is_over_before_it_is_due_and_something_is_when_it_is(seed: int) -> None:
    random = Random(seed)
    profile = Profile()
    now_ms = START_MS
    for _ in range(random.randrange(1, 6)):
        now_ms += random.randrange(30) * MINUTE_MS
        event(profile, random.choice(list(EVENTS)), now_ms)
    looks = 0
    while (due := due_ms(profile, PLAN)) < NEVER_DUE_MS:
        assert not expire(copy_of(profile), PLAN, Reached(due - 1, due - 1)).changed
        assert expire(profile, PLAN, Reached(due, due)).changed
        looks += 1
        assert looks < 10
    assert not expire(profile, PLAN, Reached(2**61, 2**61)).changed


@pytest.mark.parametrize("seed", range(40))
def test_what_comes_after_a_look_is_not_over_before_the_plan_says(seed: int) -> None:
    random = Random(seed)
    profile = Profile()
    event(profile, random.choice(list(EVENTS)), START_MS)
    looked_ms = START_MS + random.randrange(3) * MINUTE_MS
    known = min(due_ms(profile, PLAN), earliest_due_ms(PLAN, looked_ms))
    for _ in range(random.randrange(1, 6)):
        event(profile, random.choice(list(EVENTS)), looked_ms + random.randrange(9) * MINUTE_MS)
    assert due_ms(profile, PLAN) >= known
    assert not expire(profile, PLAN, Reached(known - 1, known - 1)).changed


def test_the_shortest_duration_counts_and_an_hour() -> None:
    assert earliest_due_ms(PLAN, 5) == 5 + 2 * MINUTE_MS + SWEEP_LATE_MS
    assert earliest_due_ms(PLAN, -1) == 2 * MINUTE_MS + SWEEP_LATE_MS


def test_a_profile_without_an_arrival_is_always_due() -> None:
    profile = Profile()
    event(profile, "ttl", START_MS)
    profile.head.arrival_ms = -1
    assert due_ms(profile, PLAN) == -1


def keys(count: int) -> list[bytes]:
    return [b"\x02%04d" % number for number in range(count)]


def look(
    runs: DueRuns, known: dict[bytes, int], now_ms: int, *, every: bool = False
) -> list[bytes]:
    """Let a sweep look at the keys that are due; return which."""
    looked = []
    for run in runs.due(PLAN, now_ms, every=every):
        for key in sorted(known):
            if run.start <= key and (run.end is None or key < run.end):
                runs.found(key, known[key])
                looked.append(key)
    return looked


def test_the_first_sweep_looks_at_all_and_the_next_at_what_is_due() -> None:
    runs = DueRuns()
    known = dict.fromkeys(keys(1_000), NEVER_DUE_MS)
    known[b"\x020500"] = 2 * MINUTE_MS
    assert look(runs, known, 0) == sorted(known)
    assert len(runs) == -(-1_000 // SWEEP_RUN_PROFILES)
    assert look(runs, known, 2 * MINUTE_MS - 1) == []
    looked = look(runs, known, 2 * MINUTE_MS)
    assert b"\x020500" in looked
    assert len(looked) == SWEEP_RUN_PROFILES


def test_every_profile_is_looked_at_once_what_came_since_may_be_over() -> None:
    runs = DueRuns()
    known = dict.fromkeys(keys(100), NEVER_DUE_MS)
    look(runs, known, 0)
    known |= {key + b"-new": NEVER_DUE_MS for key in keys(100)}
    latest_ms = earliest_due_ms(PLAN, 0)
    assert look(runs, known, latest_ms - 1) == []
    assert look(runs, known, latest_ms) == sorted(known)
    assert len(runs) >= 200 // SWEEP_RUN_PROFILES


def test_a_sweep_that_did_not_end_or_another_plan_begins_anew() -> None:
    runs = DueRuns()
    known = dict.fromkeys(keys(100), NEVER_DUE_MS)
    look(runs, known, 0)
    assert look(runs, known, 1) == []
    assert look(runs, known, 1, every=True) == sorted(known)
    next(runs.due(PLAN, earliest_due_ms(PLAN, 1), every=False))
    assert look(runs, known, 1) == sorted(known)
    other = plan_of(group("for_life"), rules=False)
    assert [run.start for run in runs.due(other, 1, every=False)] == [b""]


def test_runs_of_which_nothing_is_left_go() -> None:
    runs = DueRuns()
    known = dict.fromkeys(keys(1_000), NEVER_DUE_MS)
    look(runs, known, 0)
    look(runs, {}, earliest_due_ms(PLAN, 0))
    assert len(runs) == 1
