import uuid

import pytest

from definitions import InterventionCriterion
from processor.interventions import (
    Because,
    CompiledRule,
    FiringLimit,
    Leaf,
    compile_tree,
    intervention_id,
)


def rule_of(tree, changes=()):
    return CompiledRule(
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
        limit=None,
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
    assert rule_of(tree, changes=(0,)).met([before], [after]) is met


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
    assert [cooling.over(1_000, now) for now in (1_099, 1_100)] == [False, True]
    assert not FiringLimit(7, cooldown_ms=100, max_fires=2).over(1_000, 10**15)
