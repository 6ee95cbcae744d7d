import pytest
from pydantic import ValidationError

from definitions import (
    InterventionCriteriaAll,
    InterventionCriteriaAny,
    InterventionCriteriaNone,
    InterventionCriterion,
    RuleIntervention,
)
from definitions.interventions import children, criterions, tree_kind
from definitions.limits import TREE_DEPTH_MAX

A, B, C = (InterventionCriterion(attribute=f"g:{name}", operator=">", value=1) for name in "abc")
NESTED = InterventionCriteriaAll(all=[A, InterventionCriteriaNone(none=[B, C])])


def test_single_criteria_come_in_the_order_of_the_tree():
    assert criterions(A) == [A]
    assert criterions(NESTED) == [A, B, C]
    assert criterions(InterventionCriteriaAny(any=[NESTED, A])) == [A, B, C, A]


def test_a_criterion_has_no_children():
    assert children(A) == ()
    assert children(NESTED) == (A, InterventionCriteriaNone(none=[B, C]))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (A, "criterion"),
        (NESTED, "tree_all"),
        ({"attribute": "g:a"}, "criterion"),
        ({}, "criterion"),
        ({"any": []}, "tree_any"),
        ({"none": "?"}, "tree_none"),
        ({"all": [], "any": []}, None),
        ({"all": [], "attribute": "g:a"}, None),
        ("g:a", None),
    ],
)
def test_what_a_part_is_meant_to_be_follows_from_its_fields(value, kind):
    assert tree_kind(value) == kind


def test_a_rule_is_nested_no_deeper_than_the_bound():
    def rule(depth):
        criteria = A
        for _ in range(depth):
            criteria = InterventionCriteriaAll(all=[criteria])
        return RuleIntervention(name="r", owner="a@example.com", criteria=criteria)

    assert rule(TREE_DEPTH_MAX - 1)
    with pytest.raises(ValidationError, match="nested too deep"):
        rule(TREE_DEPTH_MAX)
