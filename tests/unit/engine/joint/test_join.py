"""Rules across attribute keys: what profiles say, and how a target joins it.

The user (`u`) and the session (`s`) count clicks as `n`; `v` is the last value of each.
"""

from datetime import timedelta

import pytest

from definitions import (
    AtomicProperty,
    InterventionCriteriaAll,
    InterventionCriteriaAny,
    LinkAttributeKey,
    VersionedLinkAttributeGroup,
    domain_sessionid,
    network_userid,
    user_id,
)
from definitions import Event as Selector
from processor.engine import Profile, Source, changed_records, decode_profile, join
from processor.formats import NEWEST_LEVEL
from processor.limits import JOINT_BYTES_MAX, JOINT_INSTANCES_MAX
from tests.unit.engine.sweeping import expire_at

START = 1_795_341_600_000
HOUR = 3_600_000
JO = {"user_id": "jo", "domain_sessionid": "s1"}
CLICK, VIEW = [Selector(name="click")], [Selector(name="view")]


def group_of(write, name, key, *more, events=CLICK):
    attributes = [
        write.attribute("n", events=events),
        write.attribute("v", "last", events=events),
        write.attribute("d", "sum", events=events, default_value=0.5),
    ]
    return write.group(*attributes, *more, name=name, attribute_key=key)


def user(write, *more, **fields):
    return group_of(write, "u", user_id, *more, **fields)


def session(write, *more, **fields):
    return group_of(write, "s", domain_sessionid, *more, **fields)


def every(write, *criteria, **fields):
    made = [write.criterion(*one) for one in criteria]
    return write.rule(InterventionCriteriaAll(all=made), **fields)


def targets(*names):
    return {"target_attribute_keys": [LinkAttributeKey(name=name) for name in names]}


TO_USER = targets("user_id")
BOTH = (("u:n", ">=", 1), ("s:n", ">=", 1))


@pytest.fixture
def plan(write):
    """Both have clicked; told to the user."""
    return write.plan(user(write), session(write), every(write, *BOTH, **TO_USER))


def one_of(parts, key):
    (part,) = parts[key]
    return part


def explained(fired):
    return {one.attribute: (one.before, one.after) for one in fired.because}


def instances(several, key="user_id", identifier="jo"):
    return [one for some in several.profile(key, identifier).head.joints.values() for one in some]


# --- what a profile says --------------------------------------------------------------------------


def test_a_part_has_the_values_without_and_with_the_event(plan, several):
    one = several(plan)
    one.tell(START, "e1", **JO)
    part = one_of(one.tell(START + 1, "e2", se_value="2", offset=7, **JO), "user_id")
    assert (part.before, part.after, part.told) == ([1], [2], [2, 2.0, 2.0])
    assert (part.target_key, part.target_id, part.key, part.ids) == ("user_id", "jo", "user_id", JO)
    trigger = part.trigger
    assert (trigger.time_ms, trigger.event_id, trigger.event_name) == (START + 1, "e2", "click")
    assert (trigger.source, trigger.offset) == (Source("enriched", 3), 7)
    assert [part.rule] == list(plan.joints)


def test_a_part_is_sent_to_each_target_that_the_event_has(write, several):
    rule = every(write, *BOTH, **targets("user_id", "network_userid", "domain_userid"))
    one = several(write.plan(user(write), session(write), rule))
    parts = one.tell(START, "e1", **JO, network_userid="n")
    for key in JO:
        found = [(part.target_key, part.target_id) for part in parts[key]]
        assert found == [("network_userid", "n"), ("user_id", "jo")]


def test_the_targets_are_the_keys_of_the_criteria_where_none_are_given(write, several):
    payload = [VersionedLinkAttributeGroup(name="k")]
    groups = [user(write), session(write), group_of(write, "k", network_userid)]
    rule = every(write, *BOTH, payload_attribute_groups=payload)
    one = several(write.plan(*groups, rule))
    parts = one.tell(START, "e1", **JO, network_userid="n")
    assert sorted(parts) == ["domain_sessionid", "network_userid", "user_id"]
    assert {part.target_key for some in parts.values() for part in some} == set(JO)


def test_an_unknown_profile_says_defaults_and_is_not_made(write, several):
    rule = every(write, ("u:d", "<", 9), ("s:n", ">", 0), **TO_USER)
    one = several(write.plan(user(write, events=VIEW), session(write), rule))
    part = one_of(one.tell(START, "e1", **JO), "user_id")
    assert (part.before, part.after, part.told) == ([0.5], [0.5], [None, None, 0.5])
    profile = one.profile("user_id", "jo")
    assert (profile.changed, profile.empty, profile.head.latest_ms) == (False, True, -1)


def test_what_is_only_asked_is_not_counted_and_changes_nothing(write, several):
    groups = [user(write, events=VIEW), session(write)]
    one = several(write.plan(*groups, every(write, *BOTH, **TO_USER)))
    one.tell(START, "e1", name="view", **JO)
    profile = one.profile("user_id", "jo")
    changed_records(profile, NEWEST_LEVEL)
    for number in range(2):
        other = {**JO, "domain_sessionid": f"s{number}"}
        assert one_of(one.tell(START + 9, "e2", **other), "user_id").after == [1]
    assert (profile.changed, profile.head.latest_ms) == (False, START)
    assert len(one.counted) == 3, "e1 of the user, e2 of two sessions"


def test_both_sides_of_a_part_are_read_at_the_newest_time_that_the_rules_series_have_seen(
    write, several
):
    recent = write.attribute("recent", period=1_000, events=CLICK)
    rule = every(write, ("u:recent", ">", 0), ("s:n", ">", 0), **TO_USER)
    one = several(write.plan(user(write, recent), session(write), rule))
    one.tell(START, "e1", **JO)
    one.tell(START + 5_000, "e2", **JO)
    part = one_of(one.tell(START + 100, "e3", **JO), "user_id")
    assert (part.before, part.after, part.trigger.time_ms) == ([1], [1], START + 100)
    part = one_of(one.tell(START + 4_500, "e4", **JO), "user_id")
    assert (part.before, part.after) == ([1], [2])


def test_a_time_to_live_that_ends_with_the_event_is_seen_in_both_sides(write, several):
    kept = write.attribute("kept", "sum", ttl=1_000, events=CLICK)
    rule = every(write, ("u:kept", ">", 0), ("s:n", ">", 0), **TO_USER)
    one = several(write.plan(user(write, kept), session(write), rule))
    one.tell(START, "e1", se_value="5", **JO)
    part = one_of(one.tell(START + 2_000, "e2", se_value="1", **JO), "user_id")
    assert (part.before, part.after) == ([None], [1.0])


def test_a_duplicate_says_nothing(plan, several):
    one = several(plan)
    assert sorted(one.tell(START, "e1", **JO)) == sorted(JO)
    assert one.tell(START, "e1", **JO) == {}


def test_a_duplicate_of_one_profile_is_still_heard_of_the_other(plan, several):
    one = several(plan)
    one.tell(START, "e1", user_id="jo")
    assert sorted(one.tell(START, "e1", **JO)) == ["domain_sessionid"]


# --- the instance ---------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [sorted(JO), sorted(JO, reverse=True)])
def test_a_new_instance_is_looked_at_when_every_key_is_heard_whatever_comes_first(
    plan, several, order
):
    one = several(plan)
    parts = one.tell(START, "e1", **JO)
    assert one.join(*parts[order[0]]) == []
    (fired,) = one.join(*parts[order[1]])
    assert explained(fired) == {"u:n": (None, 1), "s:n": (None, 1)}
    assert (fired.target_key, fired.target_id, fired.trigger.time_ms) == ("user_id", "jo", START)


def test_while_a_key_is_not_heard_the_first_before_of_the_others_is_kept(plan, several):
    one = several(plan)
    parts = [one.tell(START + number, f"e{number}", **JO) for number in range(3)]
    said = [one_of(some, "domain_sessionid") for some in parts]
    heard = [one_of(some, "user_id") for some in parts]
    assert one.join(*said) == []
    (fired,) = one.join(heard[0])
    assert explained(fired) == {"u:n": (None, 1), "s:n": (None, 3)}
    assert fired.trigger.event_id == "e0"
    assert one.join(*heard[1:]) == []


def test_later_all_parts_of_an_event_are_compared_with_what_was_before_it(write, several):
    rule = every(write, ("u:n", ">=", 2), ("s:n", ">=", 2), **TO_USER)
    one = several(write.plan(user(write), session(write), rule))
    assert one.take(START, "e1", **JO) == []
    parts = one.tell(START + 1, "e2", **JO)
    assert one.join(*parts["user_id"]) == []
    (fired,) = one.join(*parts["domain_sessionid"])
    assert explained(fired) == {"u:n": (1, 2), "s:n": (1, 2)}
    assert one.take(START + 2, "e3", **JO) == []


def test_parts_of_several_events_that_come_mixed_make_one_edge(write, several):
    rule = every(write, ("u:n", ">=", 3), ("s:n", ">=", 2), **TO_USER)
    one = several(write.plan(user(write), session(write), rule))
    assert one.take(START, "e1", **JO) == []
    second, third = (one.tell(START + number, f"e{number}", **JO) for number in (2, 3))
    assert one.join(*second["user_id"], *third["user_id"]) == []
    (fired,) = one.join(*second["domain_sessionid"])
    assert fired.trigger.event_id == "e2"
    assert one.join(*third["domain_sessionid"]) == []


@pytest.mark.parametrize(
    "order", [("user_id", "domain_sessionid"), ("domain_sessionid", "user_id")]
)
def test_an_edge_is_seen_although_other_combinations_have_moved_one_key_meanwhile(
    write, several, order
):
    rule = every(write, ("u:n", ">=", 3), ("s:n", ">=", 2), **TO_USER)
    one = several(write.plan(user(write), session(write), rule))
    for number, name in enumerate(("s1", "s2", "s3")):
        assert one.take(START + number, f"e{number}", user_id="jo", domain_sessionid=name) == []
    parts = one.tell(START + 3, "e3", **JO)
    (fired,) = one.join(*(part for key in order for part in parts[key]))
    assert explained(fired) == {"u:n": (3, 4), "s:n": (1, 2)}


def test_a_key_without_an_id_has_the_values_of_an_unknown_profile(write, several):
    rule = every(write, ("u:n", ">=", 3), ("s:n", "is null"), ("s:d", "=", 0.5), **TO_USER)
    one = several(write.plan(user(write), session(write), rule))
    for number in range(2):
        assert one.take(START, f"e{number}", **JO) == []
    (fired,) = one.take(START + 1, "e2", user_id="jo", se_value="4")
    assert explained(fired) == {"u:n": (2, 3), "s:n": (None, None), "s:d": (0.5, 0.5)}
    assert fired.attributes == {
        "u:n": 3, "u:v": 4.0, "u:d": 4.0, "s:n": None, "s:v": None, "s:d": 0.5,
    }  # fmt: skip
    assert [one.ids for one in instances(one)] == [JO, {"user_id": "jo"}]


def test_ids_have_an_instance_each(plan, several):
    one = several(plan)
    fired = [
        one.take(START + number, f"e{number}", **{**JO, "domain_sessionid": session_id})
        for number, session_id in enumerate(["s1", "s2", "s1", "s2"])
    ]
    assert [len(some) for some in fired] == [1, 1, 0, 0]
    assert [one.ids["domain_sessionid"] for one in instances(one)] == ["s1", "s2"]


def test_a_rule_that_is_met_when_it_is_published_waits_until_it_was_not(write, several, plan):
    one = several(write.plan(user(write), session(write)))
    assert one.take(START, "e1", **JO) == []
    one.plan = plan
    assert one.take(START + 1, "e2", **JO) == []
    assert len(one.take(START + 2, "e3", user_id="jo", domain_sessionid="s2")) == 1


def test_what_fires_tells_the_event_and_the_definitions_of_the_part(write, several):
    recent = write.attribute("recent", period=1_000, events=VIEW)
    payload = [VersionedLinkAttributeGroup(name=name) for name in ("k", "s")]
    more = group_of(write, "k", network_userid, recent)
    rule = every(write, *BOTH, payload_attribute_groups=payload, **TO_USER)
    plan = write.plan(user(write), session(write), more, rule, definitions_offset=7)
    one = several(plan)
    parts = one.tell(START, "e1", offset=9, se_value="2", derived_tstamp="", **JO)
    one.plan = write.plan(user(write), session(write), more, rule, definitions_offset=8)
    (fired,) = one.join(*parts["user_id"], *parts["domain_sessionid"])
    assert fired.attributes == {
        "k:n": None, "k:v": None, "k:d": 0.5, "k:recent": None,
        "s:n": 1, "s:v": 2.0, "s:d": 2.0,
    }  # fmt: skip
    assert (fired.name, fired.version, fired.definitions_offset) == ("r", 1, 7)
    trigger = fired.trigger
    assert (trigger.event_id, trigger.event_name, trigger.offset) == ("e1", "click", 9)
    assert trigger.source == Source("enriched", 3)


def test_all_targets_of_an_event_hear_of_one_intervention(write, several):
    one = several(write.plan(user(write), session(write), every(write, *BOTH)))
    fired = one.take(START, "e1", **JO)
    assert [(one.target_key, one.target_id) for one in fired] == sorted(JO.items())
    assert len({one.intervention_id for one in fired}) == 1


# --- changed --------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [sorted(JO), sorted(JO, reverse=True)])
def test_changed_fires_once_for_an_event_whatever_comes_first(write, several, order):
    rule = every(write, ("u:v", "changed"), ("s:n", ">=", 2), **TO_USER)
    one = several(write.plan(user(write), session(write), rule))
    found = []
    for number, value in enumerate(["1", "2", "2", "3"]):
        parts = one.tell(START + number, f"e{number}", se_value=value, **JO)
        found.append(sum(len(one.join(*parts[key])) for key in order))
    assert found == [0, 1, 0, 1]


def test_changed_holds_for_the_event_that_changed_it_alone(write, several):
    """The other key's part of a later event does not see the change of an earlier one."""
    rule = every(write, ("u:v", "changed"), ("s:n", ">=", 3), **TO_USER)
    one = several(write.plan(user(write), session(write), rule))
    one.take(START, "e1", se_value="1", **JO)
    second = one.tell(START + 1, "e2", se_value="2", **JO)
    assert one.join(*second["user_id"], *second["domain_sessionid"]) == []
    third = one.tell(START + 2, "e3", se_value="2", **JO)
    assert one.join(*third["domain_sessionid"], *third["user_id"]) == []


def test_what_changed_on_two_keys_must_be_of_one_event(write, several):
    rule = every(write, ("u:v", "changed"), ("s:v", "changed"), **TO_USER)
    groups = [user(write), session(write, events=[])]
    one = several(write.plan(*groups, rule))
    found = [
        len(one.take(START + number, f"e{number}", name=name, se_value=value, **JO))
        for number, (name, value) in enumerate(
            [("click", "1"), ("view", "2"), ("click", "3"), ("click", "3"), ("view", "4")]
        )
    ]
    assert found == [1, 0, 1, 0, 0]


# --- limits of firings ----------------------------------------------------------------------------


def in_sessions(one, *times):
    """How often each event fires, each in a session of its own."""
    return [
        len(one.take(START + time, f"e{number}", user_id="jo", domain_sessionid=f"s{number}"))
        for number, time in enumerate(times)
    ]


def test_a_maximum_counts_all_instances_of_a_target(write, several):
    rule = every(write, *BOTH, max_fires=2, **TO_USER)
    one = several(write.plan(user(write), session(write), rule))
    assert in_sessions(one, 0, 1, 2, 3) == [1, 1, 0, 0]
    assert len(one.take(START, "x", user_id="mo", domain_sessionid="m1")) == 1


def test_a_cooldown_counts_all_instances_of_a_target_by_event_time(write, several):
    rule = every(write, *BOTH, cooldown=timedelta(seconds=10), **TO_USER)
    one = several(write.plan(user(write), session(write), rule))
    assert in_sessions(one, 5_000, 14_999, 0, 15_000, 20_000, 25_000) == [1, 0, 0, 1, 0, 1]


def test_each_target_is_limited_by_itself(write, several):
    rule = every(write, *BOTH, max_fires=1)
    one = several(write.plan(user(write), session(write), rule))
    found = [
        [fired.target_id for fired in one.take(START, f"e{number}", user_id="jo",
                                               domain_sessionid=f"s{number}")]
        for number in range(2)
    ]  # fmt: skip
    assert found == [["s0", "jo"], ["s1"]]


def test_limits_are_kept_in_the_targets_profile(write, several):
    rule = every(write, *BOTH, max_fires=1, **TO_USER)
    one = several(write.plan(user(write), session(write), rule))
    assert in_sessions(one, 0) == [1]
    records = dict(changed_records(one.profile("user_id", "jo"), NEWEST_LEVEL))
    one.profiles["user_id", "jo"] = decode_profile(records[b""], records)
    assert len(one.take(START + 1, "x", user_id="jo", domain_sessionid="x")) == 0


# --- rules that read one key ----------------------------------------------------------------------


def test_a_rule_that_reads_one_key_sends_only_what_makes_it_fire(write, several):
    rule = every(write, ("s:n", ">=", 2), **TO_USER)
    one = several(write.plan(user(write), session(write), rule))
    said = [one.tell(START + number, f"e{number}", **JO) for number in range(4)]
    assert [sorted(parts) for parts in said] == [[], ["domain_sessionid"], [], []]
    (fired,) = one.join(*said[1]["domain_sessionid"])
    assert (fired.target_key, fired.target_id) == ("user_id", "jo")
    assert explained(fired) == {"s:n": (1, 2)}
    assert fired.attributes == {"s:n": 2, "s:v": None, "s:d": 0.5}


def test_a_target_keeps_nothing_of_a_rule_that_reads_one_key(write, several):
    rule = every(write, ("s:n", ">=", 1), **TO_USER)
    one = several(write.plan(session(write), rule))
    assert len(one.take(START, "e", **JO)) == 1
    profile = one.profile("user_id", "jo")
    assert (profile.empty, profile.changed) == (True, False)


def test_of_a_rule_that_reads_one_key_only_the_firings_are_counted(write, several):
    rule = every(write, ("s:n", ">=", 1), max_fires=1, **TO_USER)
    one = several(write.plan(session(write), rule))
    assert in_sessions(one, 0, 1) == [1, 0]
    profile = one.profile("user_id", "jo")
    assert (len(profile.head.firings), profile.head.joints, profile.changed) == (1, {}, True)


def test_changed_of_a_rule_that_reads_one_key_fires_on_every_change(write, several):
    rule = every(write, ("s:v", "changed"), ("s:n", ">=", 2), **TO_USER)
    one = several(write.plan(session(write), rule))
    values = ["1", "2", "2", "1"]
    found = [
        len(one.take(START + number, f"e{number}", se_value=value, **JO))
        for number, value in enumerate(values)
    ]
    assert found == [0, 1, 0, 1]


# --- bounds and ends ------------------------------------------------------------------------------


def test_the_instance_whose_last_part_came_longest_ago_is_dropped_beyond_the_bound(plan, several):
    one = several(plan)
    names = [f"s{number}" for number in range(JOINT_INSTANCES_MAX)]
    for number, name in enumerate([*names, names[0], "more"]):
        one.take(START - number, f"e{number}", user_id="jo", domain_sessionid=name)
    found = [one.ids["domain_sessionid"] for one in instances(one)]
    assert found == [*names[2:], names[0], "more"]


def test_instances_of_long_values_are_kept_within_a_bound_of_bytes(write, several):
    long = write.attribute(
        "long", "last", type="string", property=AtomicProperty(name="page_url"), events=CLICK
    )
    one = several(write.plan(user(write, long), session(write), every(write, *BOTH, **TO_USER)))
    for number in range(JOINT_INSTANCES_MAX):
        ids = {"user_id": "jo", "domain_sessionid": f"s{number}"}
        one.take(START, f"e{number}", page_url="x" * 4_000, **ids)
    one.plan = write.plan(
        user(write, long), session(write), every(write, ("u:long", "!=", "a"), *BOTH, **TO_USER)
    )
    for number in range(JOINT_INSTANCES_MAX):
        ids = {"user_id": "jo", "domain_sessionid": f"s{number}"}
        one.take(START, f"f{number}", page_url="x" * 4_000, **ids)
    kept = one.profile("user_id", "jo").head.joints
    sizes = [sum(instance.size for instance in some) for some in kept.values()]
    assert len(kept) == 2
    assert max(sizes) <= JOINT_BYTES_MAX
    assert [len(some) > 10 for some in kept.values()] == [True, True]


def test_a_sweep_drops_the_instances_of_a_profile_that_was_idle_for_an_hour(plan, several):
    one = several(plan)
    one.take(START, "e1", user_id="jo", domain_sessionid="s1")
    one.take(START + 1, "e2", user_id="jo", domain_sessionid="s2")
    profile = one.profile("user_id", "jo")
    changed_records(profile, NEWEST_LEVEL)
    expire_at(profile, plan, START + HOUR)
    assert len(instances(one)) == 2
    assert expire_at(profile, plan, START + HOUR + 1).changed
    assert profile.head.joints == {}
    assert len(changed_records(profile, NEWEST_LEVEL)) == 1
    assert one.take(START + HOUR + 3, "e3", **JO) == []


@pytest.mark.parametrize("swept", [False, True])
def test_an_instance_about_which_nothing_arrived_for_an_hour_begins_anew(plan, several, swept):
    one = several(plan)
    for number, name in enumerate(("s1", "s2")):
        one.take(START + number, f"e{number}", user_id="jo", domain_sessionid=name)
    if swept:
        expire_at(one.profile("user_id", "jo"), plan, START + HOUR + 1)
    one.take(START + HOUR, "e3", user_id="jo", domain_sessionid="s3")
    known = [each.ids["domain_sessionid"] for each in instances(one)]
    assert known == (["s3"] if swept else ["s1", "s2", "s3"])
    assert one.tell(START + HOUR + 1, "e4", user_id="jo", domain_sessionid="s2")
    fired = one.take(START + HOUR + 1, "e5", user_id="jo", domain_sessionid="s2")
    assert fired == [], "it waits for all keys, and was met before"
    known = [each.ids["domain_sessionid"] for each in instances(one)]
    assert known == (["s3", "s2"] if swept else ["s1", "s3", "s2"])


def test_what_arrives_from_a_partition_that_is_ahead_ends_no_instance_of_one_behind(write, several):
    rule = every(write, ("u:n", ">=", 4), ("s:n", ">=", 2), **TO_USER)
    one = several(write.plan(user(write), session(write), rule))
    behind = START - 3 * HOUR
    assert one.take(behind, "e0", **JO) == []
    for number, name in enumerate(("s2", "s3")):
        ahead = START + number
        assert one.take(ahead, f"a{number}", user_id="jo", domain_sessionid=name) == []
    (fired,) = one.take(behind + 300_000, "e1", **JO)
    assert explained(fired) == {"u:n": (3, 4), "s:n": (1, 2)}


def test_a_profile_of_instances_alone_is_kept_and_goes_with_them(write, several):
    rule = every(write, *BOTH, **targets("network_userid"))
    one = several(write.plan(user(write), session(write), rule))
    assert len(one.take(START, "e1", network_userid="n", **JO)) == 1
    profile = one.profile("network_userid", "n")
    records = dict(changed_records(profile, NEWEST_LEVEL))
    assert len(decode_profile(records[b""], records).head.joints) == 1
    assert not expire_at(profile, one.plan, START + HOUR - 1).empty
    assert expire_at(profile, one.plan, START + HOUR).empty
    assert changed_records(profile, NEWEST_LEVEL) == [(b"", None)]


def test_parts_of_a_rule_that_is_not_published_any_more_are_dropped_and_so_are_its_instances(
    write, several, plan
):
    one = several(plan)
    one.take(START, "e1", **JO)
    parts = one.tell(START + 1, "e2", user_id="jo", domain_sessionid="s2")
    without = write.plan(user(write), session(write))
    profile = Profile()
    for some in parts.values():
        assert [join(profile, part, without) for part in some] == [None]
    assert (profile.empty, profile.changed) == (True, False)
    expire_at(one.profile("user_id", "jo"), without, START + 1)
    assert instances(one) == []


def test_a_rule_that_reads_other_attributes_begins_anew(write, several, plan):
    one = several(plan)
    parts = one.tell(START, "e1", **JO)
    one.plan = write.plan(
        user(write), session(write), every(write, *BOTH, ("u:v", "is null"), **TO_USER)
    )
    assert one.plan.joints.keys() != plan.joints.keys()
    assert one.join(*parts["user_id"], *parts["domain_sessionid"]) == []
    assert instances(one) == []


def test_a_rule_that_compares_with_another_value_goes_on(write, several, plan):
    one = several(plan)
    assert len(one.take(START, "e1", **JO)) == 1
    rule = every(write, ("u:n", ">=", 2), ("s:n", ">=", 1), **TO_USER)
    one.plan = write.plan(user(write), session(write), rule)
    assert one.plan.joints.keys() == plan.joints.keys()
    assert len(one.take(START + 1, "e2", **JO)) == 1


def test_a_series_that_only_the_message_tells_is_kept_as_long_as_for_a_local_rule(write):
    recent = write.attribute("recent", "sum", period=1_000, events=CLICK)
    groups = [user(write, recent), session(write)]
    payload = {"payload_attribute_groups": [VersionedLinkAttributeGroup(name="u")]}
    kept = [
        max(one.kept_ms for one in write.plan(*groups, *rules).series.values())
        for rules in ([], [every(write, ("s:n", ">", 0), **payload)])
    ]
    assert kept[0] < kept[1] == 1_000 + HOUR


def test_any_of_several_keys_fires_for_the_first_of_them(write, several):
    some = InterventionCriteriaAny(
        any=[write.criterion("u:n", ">=", 3), write.criterion("s:n", ">=", 2)]
    )
    one = several(write.plan(user(write), session(write), write.rule(some, **TO_USER)))
    found = [one.take(START + number, f"e{number}", **JO) for number in range(4)]
    assert [len(fired) for fired in found] == [0, 1, 0, 0]
    assert explained(found[1][0]) == {"s:n": (1, 2)}
