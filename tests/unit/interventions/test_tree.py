import pytest

from definitions import (
    InterventionCriteriaAll,
    InterventionCriteriaAny,
    InterventionCriteriaNone,
    InterventionCriterion,
)
from processor.interventions import Leaf, compile_tree

NAMES = ["g:a", "g:b", "g:c"]
A, B, C = (InterventionCriterion(attribute=name, operator=">", value=0) for name in NAMES)


def tree(criteria):
    def leaf_of(criterion):
        name = criterion.attribute
        return Leaf(name, 1, criterion.operator, criterion.value, NAMES.index(name))

    return compile_tree(criteria, leaf_of)


def decided(criteria, values):
    return [leaf.attribute for leaf in tree(criteria).deciding(values)]


@pytest.mark.parametrize(
    ("criteria", "values", "met"),
    [
        (A, [1, 0, 0], True),
        (A, [None, 0, 0], False),
        (InterventionCriteriaAll(all=[A, B]), [1, 1, 0], True),
        (InterventionCriteriaAll(all=[A, B]), [1, 0, 0], False),
        (InterventionCriteriaAny(any=[A, B]), [0, 1, 0], True),
        (InterventionCriteriaAny(any=[A, B]), [0, 0, 0], False),
        (InterventionCriteriaNone(none=[A, B]), [0, 0, 0], True),
        (InterventionCriteriaNone(none=[A, B]), [0, 1, 0], False),
        (InterventionCriteriaAll(all=[]), [0, 0, 0], True),
        (InterventionCriteriaAny(any=[]), [1, 1, 1], False),
        (InterventionCriteriaNone(none=[]), [1, 1, 1], True),
        (InterventionCriteriaNone(none=[InterventionCriteriaAll(all=[A, B])]), [1, 0, 0], True),
        (InterventionCriteriaNone(none=[InterventionCriteriaAll(all=[A, B])]), [1, 1, 0], False),
    ],
)
def test_criteria_nest(criteria, values, met):
    assert tree(criteria).met(values) is met


def test_of_a_met_all_every_child_decided():
    assert decided(InterventionCriteriaAll(all=[A, B]), [1, 1, 0]) == ["g:a", "g:b"]


def test_of_a_met_any_the_met_children_decided():
    assert decided(InterventionCriteriaAny(any=[A, B, C]), [1, 0, 1]) == ["g:a", "g:c"]


def test_of_a_met_none_all_leaves_below_decided():
    nested = InterventionCriteriaNone(none=[InterventionCriteriaAny(any=[A, B]), C])
    assert decided(nested, [0, 0, 0]) == ["g:a", "g:b", "g:c"]


def test_a_single_criterion_decided_itself():
    assert decided(B, [0, 1, 0]) == ["g:b"]


def test_what_decided_stands_in_the_order_of_the_tree():
    nested = InterventionCriteriaAll(
        all=[C, InterventionCriteriaAny(any=[B, A]), InterventionCriteriaNone(none=[])]
    )
    assert decided(nested, [1, 0, 1]) == ["g:c", "g:a"]
