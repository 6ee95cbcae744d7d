"""What definitions would have made of events."""

import gzip
import struct

import pytest

from definitions import InterventionCriteriaAll, LinkAttributeKey, domain_sessionid, user_id
from processor.engine import Source, WhatIf
from processor.errors import DeadLetterReason
from processor.events import ATOMIC_COLUMNS
from processor.limits import WHAT_IF_FIRED_MAX, WHAT_IF_PROFILES_MAX

SOURCE = Source("enriched", 2)
COLUMNS = {
    "app_id": "shop",
    "collector_tstamp": "2026-11-22 10:00:00.000",
    "event_vendor": "com.acme",
    "event_name": "click",
    "event_version": "1-0-0",
}
AT_MS = 1_795_341_600_000


def line(user, event_id, **columns):
    values = {**COLUMNS, "domain_userid": user, "event_id": event_id, **columns}
    return "\t".join(values.get(name, "") for name in ATOMIC_COLUMNS).encode()


@pytest.fixture
def plan(write):
    return write.plan(
        write.group(write.attribute("n"), write.attribute("spent", "sum")),
        write.rule(write.criterion("g:n", ">=", 2)),
    )


def taken(run, *lines):
    for offset, one in enumerate(lines):
        run.take(one, SOURCE, offset)
    return run


def read(run, identifier, now_ms=AT_MS):
    attributes = run.plan.key_attributes("domain_userid")
    return run.values("domain_userid", identifier, attributes, now_ms)


def test_values_and_interventions_are_those_of_the_events(plan):
    run = taken(
        WhatIf(plan), line("u", "1", se_value="1.5"), line("v", "2"), line("u", "3", se_value="2")
    )
    assert (run.events, run.matched, run.latest_ms) == (3, 3, AT_MS)
    assert read(run, "u") == [2, 3.5]
    assert read(run, "v") == [1, None]
    assert read(run, "nobody") == [None, None]
    (fired,) = run.fired
    assert (fired.name, fired.target_id, fired.trigger.event_id) == ("r", "u", "3")
    assert (fired.trigger.source.topic, fired.trigger.source.partition, fired.trigger.offset) == (
        "enriched",
        2,
        2,
    )
    assert run.fired_counts == {("r", 1): 1}


def test_an_event_that_a_profile_has_counted_is_a_duplicate(plan):
    run = taken(WhatIf(plan), line("u", "1"), line("u", "1"))
    assert (run.matched, run.duplicates) == (2, 1)
    assert read(run, "u") == [1, None]


def test_malformed_events_are_counted_by_reason_and_change_nothing(plan):
    run = taken(WhatIf(plan), b"", None, b"x", line("u", ""), line("u", "1"))
    assert run.malformed == {"empty": 2, "column_count": 1, "event_id": 1}
    assert (run.events, run.matched) == (5, 1)
    assert read(run, "u") == [1, None]


def test_only_events_of_the_app_ids_count(write):
    plan = write.plan(write.group(write.attribute("n")), app_ids=("shop",))
    run = taken(WhatIf(plan), line("u", "1"), line("u", "2", app_id="blog"))
    assert (run.events, run.matched) == (2, 1)


def test_only_profiles_of_the_ids_are_followed(plan):
    run = taken(WhatIf(plan, ["v"]), *(line(user, f"{user}{n}") for user in "uvw" for n in "12"))
    assert (run.events, run.matched) == (6, 2)
    assert read(run, "v") == [2, None]
    assert read(run, "u") == [None, None]
    assert [fired.target_id for fired in run.fired] == ["v"]


def test_the_sample_has_ids_with_values_and_is_the_same_for_the_same_seed(write):
    spent = write.group(write.attribute("spent", "sum", period=1_000), write.attribute("m", "max"))
    run = WhatIf(write.plan(spent))
    users = [f"u{number}" for number in range(100)]
    taken(run, *(line(user, user, se_value="1") for user in users))
    attributes = run.plan.key_attributes("domain_userid")

    def sample(seed, count=10):
        return run.sample(attributes, count, seed=seed, now_ms=AT_MS)

    assert len(set(sample(1))) == 10
    assert sample(1) == sample(1) != sample(2)
    assert sorted(sample(1, 1_000)) == sorted(users)
    windowed = attributes[:1]
    assert run.sample(windowed, 5, seed=1, now_ms=AT_MS + 999) == sample(1, 5)
    assert run.sample(windowed, 5, seed=1, now_ms=AT_MS + 1_000) == []


def test_what_is_kept_is_bounded_and_what_is_left_out_is_counted(plan, monkeypatch):
    assert WHAT_IF_PROFILES_MAX > WHAT_IF_FIRED_MAX > 0
    monkeypatch.setattr("processor.engine.what_if.WHAT_IF_FIRED_MAX", 2)
    lines = (line(f"u{n}", f"{n}-{m}") for m in range(2) for n in range(5))
    run = taken(WhatIf(plan, profiles_max=3), *lines)
    assert run.left_out == 4
    assert run.fired_counts == {("r", 1): 3}
    assert [fired.target_id for fired in run.fired] == ["u0", "u1"]
    assert read(run, "u2") == [2, None]
    assert read(run, "u3") == [None, None]


# --- rules across attribute keys ------------------------------------------------------------------


@pytest.fixture
def joint_plan(write):
    """Two clicks of the browser and one in the session; told to the user."""
    both = [write.criterion("g:n", ">=", 2), write.criterion("s:n", ">=", 1)]
    rule = write.rule(
        InterventionCriteriaAll(all=both),
        target_attribute_keys=[LinkAttributeKey(name="user_id")],
    )
    groups = [
        write.group(write.attribute("n")),
        write.group(write.attribute("n"), name="s", attribute_key=domain_sessionid),
    ]
    return write.plan(*groups, rule)


def clicks(*visits):
    for number, (user, session, jo) in enumerate(visits):
        yield line(user, f"e{number}", domain_sessionid=session, user_id=jo)


VISITS = [("u", "s1", "jo"), ("u", "s1", "jo"), ("u", "s2", "jo"), ("v", "s3", "mo")]


def test_rules_across_keys_are_joined_before_the_next_event(joint_plan):
    run = taken(WhatIf(joint_plan), *clicks(*VISITS))
    found = [(fired.target_key, fired.target_id, fired.trigger.event_id) for fired in run.fired]
    assert found == [("user_id", "jo", "e1"), ("user_id", "jo", "e2")]
    assert run.fired_counts == {("r", 1): 2}
    assert (run.matched, run.duplicates, run.left_out) == (4, 0, 0)


def test_parts_of_an_event_are_joined_in_the_order_of_keys(write):
    both = [write.criterion("a:n", ">=", 2), write.criterion("b:n", ">=", 2)]
    rule = write.rule(InterventionCriteriaAll(all=both))
    groups = [
        write.group(write.attribute("n"), name="a", attribute_key=user_id),
        write.group(write.attribute("n"), name="b", attribute_key=domain_sessionid),
    ]
    run = taken(WhatIf(write.plan(*groups, rule)), *clicks(*VISITS[:2]))
    assert [fired.target_key for fired in run.fired] == ["domain_sessionid", "user_id"]
    because = {one.attribute: (one.before, one.after) for one in run.fired[0].because}
    assert because == {"a:n": (1, 2), "b:n": (1, 2)}


def test_with_ids_only_what_fires_for_them_counts_but_all_keys_are_known(joint_plan):
    run = taken(WhatIf(joint_plan, ["jo"]), *clicks(*VISITS, ("v", "s3", "mo")))
    assert [fired.target_id for fired in run.fired] == ["jo", "jo"]
    assert (run.events, run.matched) == (5, 0)
    run = taken(WhatIf(joint_plan, ["u"]), *clicks(*VISITS))
    assert (run.fired, run.matched) == ([], 3)
    assert read(run, "u") == [3]
    attributes = joint_plan.key_attributes("domain_userid")
    assert run.sample(attributes, 10, seed=1, now_ms=AT_MS) == ["u"]


def test_events_of_packed_records_count_one_by_one(plan):
    lines = [
        line("u", "1", se_value="1.5"),
        b"no event",
        line("u", "2"),
        gzip.compress(line("u", "3"), mtime=0),
    ]
    packed = b"\1\1" + b"".join(struct.pack(">I", len(one)) + one for one in lines)
    run = taken(
        WhatIf(plan),
        gzip.compress(packed, mtime=0),
        gzip.compress(line("u", "4", se_value="1"), mtime=0),
        gzip.compress(packed, mtime=0)[:-9],
        None,
        line("u", "5"),
    )
    assert read(run, "u") == [4, 2.5]
    assert (run.events, run.matched) == (8, 4)
    assert run.malformed == {
        DeadLetterReason.COLUMN_COUNT: 1,
        DeadLetterReason.UTF8: 2,
        DeadLetterReason.EMPTY: 1,
    }
