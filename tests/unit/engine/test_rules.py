from datetime import timedelta

import pytest

from definitions import (
    InterventionCriteriaAll,
    LinkAttributeKey,
    VersionedLinkAttributeGroup,
    user_id,
)

START = 1_700_000_000_000


def test_an_attribute_means_the_latest_version_that_has_it(write, bench):
    groups = [
        write.group(write.attribute("a"), write.attribute("b", "sum"), version=1),
        write.group(write.attribute("a"), write.attribute("c", "sum", type="int64"), version=2),
    ]
    both = [write.criterion("g:a", ">", 0), write.criterion("g:b", "is null")]
    one = bench(write.plan(*groups, write.rule(InterventionCriteriaAll(all=both))))
    (fired,) = one.step(START, a=None)
    versions = {because.attribute: because.group_version for because in fired.because}
    assert versions == {"g:a": 2, "g:b": 1}
    assert fired.attributes == {"g:a": 1, "g:b": None, "g:c": None}


@pytest.mark.parametrize(
    ("criteria", "fields", "joint"),
    [
        (["g:a"], {}, False),
        (["g:a"], {"target_attribute_keys": [LinkAttributeKey(name="domain_userid")]}, False),
        (["g:a"], {"payload_attribute_groups": [VersionedLinkAttributeGroup(name="g")]}, False),
        (["g:a", "h:b"], {}, True),
        (["g:a"], {"target_attribute_keys": [LinkAttributeKey(name="user_id")]}, True),
        (["g:a"], {"payload_attribute_groups": [VersionedLinkAttributeGroup(name="h")]}, True),
        ([], {}, False),
    ],
)
def test_a_rule_is_joint_when_it_names_more_than_one_key(write, criteria, fields, joint):
    groups = [
        write.group(write.attribute("a")),
        write.group(write.attribute("b"), name="h", attribute_key=user_id),
    ]
    tree = InterventionCriteriaAll(all=[write.criterion(one, ">", 0) for one in criteria])
    plan = write.plan(*groups, write.rule(tree, **fields))
    assert (len(plan.rules), len(plan.joints)) == (int(not joint), int(joint))


def test_a_rule_that_reads_nothing_never_fires(write, bench):
    rule = write.rule(InterventionCriteriaAll(all=[]))
    one = bench(write.plan(write.group(write.attribute("a")), rule))
    assert one.step(START, a=None) == ()


# --- changed --------------------------------------------------------------------------------------


def fires(one, *events):
    """How often each event (time in ms, values) makes a rule fire."""
    return [len(one.step(START + time, **values)) for time, values in events]


def test_changed_fires_on_every_change_and_on_the_first_value(write, bench):
    group = write.group(write.attribute("a", "last"))
    one = bench(write.plan(group, write.rule(write.criterion("g:a", "changed"))))
    values = [1, 1, 2, 2, 1]
    assert fires(one, *[(at, {"a": value}) for at, value in enumerate(values)]) == [1, 0, 1, 0, 1]


def test_changed_compares_lists_and_maps(write, bench):
    group = write.group(write.attribute("a", "unique_list", type="int64_list"))
    one = bench(write.plan(group, write.rule(write.criterion("g:a", "changed"))))
    values = [1, 1, 2, 1, 1]
    assert fires(one, *[(at, {"a": value}) for at, value in enumerate(values)]) == [1, 0, 1, 1, 0]


def test_changed_beside_other_criteria_fires_on_every_change_while_they_are_met(write, bench):
    group = write.group(write.attribute("a", "last"), write.attribute("b"))
    both = [write.criterion("g:a", "changed"), write.criterion("g:b", ">=", 2)]
    one = bench(write.plan(group, write.rule(InterventionCriteriaAll(all=both))))
    events = [
        (1, {"a": 1}),
        (2, {"b": None}),
        (3, {"a": 2, "b": None}),
        (4, {"a": 3}),
        (5, {"a": 3}),
    ]
    assert fires(one, *events) == [0, 0, 1, 1, 0]


def test_changed_does_not_see_what_time_alone_changes(write, bench):
    group = write.group(write.attribute("a", period=1_000), write.attribute("b", "last"))
    both = [write.criterion("g:a", "changed"), write.criterion("g:b", "is not null")]
    one = bench(write.plan(group, write.rule(InterventionCriteriaAll(all=both))))
    one.step(START, a=None, b=1)
    assert fires(one, (5_000, {"b": 2})) == [0]


# --- limits of firings ----------------------------------------------------------------------------


def limited(write, **limits):
    return write.plan(
        write.group(write.attribute("a", "last")),
        write.rule(write.criterion("g:a", "changed"), **limits),
    )


def test_a_cooldown_counts_from_the_last_firing_by_event_time(write, bench):
    one = bench(limited(write, cooldown=timedelta(seconds=10)))
    events = [
        (time, {"a": number}) for number, time in enumerate([0, 9_999, 10_000, 15_000, 20_000])
    ]
    assert fires(one, *events) == [1, 0, 1, 0, 1]


def test_an_event_before_the_last_firing_does_not_fire_in_a_cooldown(write, bench):
    group = write.group(write.attribute("a", "unique_list", type="int64_list"))
    rule = write.rule(write.criterion("g:a", "changed"), cooldown=timedelta(seconds=1))
    one = bench(write.plan(group, rule))
    assert fires(one, (60_000, {"a": 1}), (0, {"a": 2}), (61_000, {"a": 3})) == [1, 0, 1]


def test_a_rule_fires_at_most_so_often_for_a_target(write, bench):
    plan = limited(write, max_fires=2)
    one = bench(plan)
    assert fires(one, *[(number, {"a": number}) for number in range(4)]) == [1, 1, 0, 0]
    one.reload()
    assert fires(one, (9, {"a": 9})) == [0]
    assert fires(bench(plan), (9, {"a": 9})) == [1]


def test_both_limits_hold(write, bench):
    one = bench(limited(write, max_fires=2, cooldown=timedelta(seconds=1)))
    events = [(time, {"a": time}) for time in (0, 500, 1_000, 5_000)]
    assert fires(one, *events) == [1, 0, 1, 0]


def test_versions_of_a_rule_are_limited_each_by_itself(write, bench):
    rules = [
        write.rule(write.criterion("g:a", "changed"), version=version, max_fires=1)
        for version in (1, 2)
    ]
    one = bench(write.plan(write.group(write.attribute("a", "last")), *rules))
    assert fires(one, (0, {"a": 1}), (1, {"a": 2})) == [2, 0]


def test_a_message_tells_lists_and_maps(write, bench):
    group = write.group(
        write.attribute("n"),
        write.attribute("a", "unique_list", type="string_list"),
        write.attribute("b", "category_count"),
    )
    one = bench(write.plan(group, write.rule(write.criterion("g:n", ">", 1))))
    one.step(START, n=None, a="x", b=5)
    (fired,) = one.step(START + 1, n=None, a="y", b=5)
    assert fired.attributes == {"g:n": 2, "g:a": ["x", "y"], "g:b": {"5": 2}}


def test_a_message_tells_a_window_of_a_series_that_is_an_hour_ahead(write, bench):
    group = write.group(
        write.attribute("a", "sum", period=1_000), write.attribute("n", period=1_000)
    )
    one = bench(write.plan(group, write.rule(write.criterion("g:n", ">", 0))))
    one.step(START, a=1)
    one.step(START + 3_600_000, a=5)
    (fired,) = one.step(START + 500, n=None)
    assert fired.attributes == {"g:a": 1.0, "g:n": 1}
