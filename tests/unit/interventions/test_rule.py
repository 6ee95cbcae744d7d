import uuid

import pytest

from definitions import InterventionCriterion
from processor.events import Source, Trigger
from processor.interventions import (
    Because,
    Fired,
    FiringLimit,
    JointRule,
    JointSide,
    Leaf,
    LocalRule,
    compile_changes,
    compile_tree,
    intervention_id,
)


def rule_of(tree, changes=(), limit=None):
    return LocalRule(
        name="nudge",
        version=1,
        target_key="user_id",
        series_ids=(),
        told_ids=(),
        timeless=True,
        readers=(),
        reads=(),
        tree=tree,
        changes=changes,
        payload=(),
        limit=limit,
    )


def test_an_id_is_a_uuid_of_rule_version_and_event_alone():
    one = intervention_id("nudge", 1, "e1")
    assert one == intervention_id("nudge", 1, "e1")
    assert uuid.UUID(one).version == 5
    assert len({one, intervention_id("nudge", 2, "e1"), intervention_id("nudge", 1, "e2")}) == 3
    assert one == "d965d80d-8546-5e9e-b008-26b5343d6867"


def test_because_has_the_values_without_and_with_the_event():
    criterion = InterventionCriterion(attribute="g:a", operator=">=", value=3)
    tree = compile_tree(criterion, lambda _: Leaf("g:a", 2, ">=", 3, 0))
    assert rule_of(tree).because([2], [3]) == [Because("g:a", 2, ">=", 3, 2, 3)]


@pytest.mark.parametrize(
    ("before", "after", "met"),
    [
        (None, 1, True),
        (1, 1, False),
        (1, 1.0, False),
        (1, None, True),
        ([1], [1], False),
        ([1, 2], [2, 1], True),
        ({"a": 1}, {"a": 1}, False),
        ({"a": 1}, {"a": 2}, True),
    ],
)
def test_what_must_change_is_met_when_it_differs(before, after, met):
    criterion = InterventionCriterion(attribute="g:a", operator="changed")
    tree = compile_tree(criterion, lambda _: Leaf("g:a", 2, "changed", None, 0))
    assert (
        rule_of(tree, changes=compile_changes(criterion, ["g:a"].index)).met([before], [after])
        is met
    )


def test_a_cooldown_holds_until_it_is_over_and_for_late_events_too():
    limit = FiringLimit(7, cooldown_ms=100, max_fires=None)
    assert [limit.allows(1, 1_000, time) for time in (500, 1_000, 1_099, 1_100)] == [
        False, False, False, True,
    ]  # fmt: skip


def test_the_greatest_number_of_firings_holds_for_ever():
    limit = FiringLimit(7, cooldown_ms=0, max_fires=2)
    assert [limit.allows(count, 1_000, 500) for count in (0, 1, 2, 3)] == [True, True, False, False]


def test_a_count_is_over_with_its_cooldown_and_never_where_firings_are_counted():
    cooling = FiringLimit(7, cooldown_ms=100, max_fires=None)
    assert [cooling.over(idle_ms) for idle_ms in (99, 100)] == [False, True]
    assert not FiringLimit(7, cooldown_ms=100, max_fires=2).over(10**15)


def at_least_3():
    criterion = InterventionCriterion(attribute="g:a", operator=">=", value=3)
    return compile_tree(criterion, lambda _: Leaf("g:a", 2, ">=", 3, 0))


def on_a_change():
    criterion = InterventionCriterion(attribute="g:a", operator="changed")
    tree = compile_tree(criterion, lambda _: Leaf("g:a", 2, "changed", None, 0))
    return rule_of(tree, changes=compile_changes(criterion, ["g:a"].index))


@pytest.mark.parametrize(
    ("before", "after", "fires"), [(2, 3, True), (2, 2, False), (3, 4, False), (None, 3, True)]
)
def test_a_rule_fires_when_it_was_not_met_and_is_met_now(before, after, fires):
    rule = rule_of(at_least_3())
    assert rule.fires([before], [after], [after]) is fires
    assert (rule.waits([before]) and rule.met([before], [after])) is fires


@pytest.mark.parametrize(("since", "fires"), [(3, True), (4, False)])
def test_a_rule_that_asks_for_a_change_counts_as_not_met_before(since, fires):
    rule = on_a_change()
    assert rule.waits([3])
    assert rule.fires([4], [4], [since]) is fires


def test_a_rule_without_a_limit_counts_nothing():
    firings = {}
    rule = rule_of(at_least_3())
    assert [rule.may_fire(firings, 1_000), rule.may_fire(firings, 1_000)] == [True, True]
    assert firings == {}


def test_a_firing_that_the_limit_lets_through_is_counted():
    firings = {8: (5, 6)}
    rule = rule_of(at_least_3(), limit=FiringLimit(7, cooldown_ms=100, max_fires=2))
    found = [rule.may_fire(firings, time_ms) for time_ms in (1_000, 1_050, 1_100, 5_000)]
    assert found == [True, False, True, False]
    assert firings == {7: (2, 1_100), 8: (5, 6)}


def test_a_firing_has_the_event_that_did_it_and_what_decided():
    trigger = Trigger("e1", "click", "", Source("enriched", 3), 42, 1_000)
    rule = rule_of(at_least_3())
    because = rule.because([2], [3])
    assert rule.fire(trigger, ("user_id", "jo"), {"g:a": 3}, because, 9) == Fired(
        name="nudge",
        version=1,
        intervention_id=intervention_id("nudge", 1, "e1"),
        target_key="user_id",
        target_id="jo",
        attributes={"g:a": 3},
        trigger=trigger,
        because=[Because("g:a", 2, ">=", 3, 2, 3)],
        definitions_offset=9,
    )


def test_the_keys_of_a_joint_rule_are_those_that_it_reads_or_targets():
    side = JointSide((), True, (), (), ())
    rule = JointRule(
        name="r", version=1, tree=at_least_3(), changes=(), limit=None, rule_id=5,
        targets=("user_id", "shop"), sides={"session": side, "user_id": side}, unknown=(),
        payload=(), told_ids=(),
    )  # fmt: skip
    assert rule.keys == {"user_id", "shop", "session"}
