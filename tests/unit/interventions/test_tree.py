import pytest

from definitions import (
    InterventionCriteriaAll,
    InterventionCriteriaAny,
    InterventionCriteriaNone,
    InterventionCriterion,
)
from processor.errors import DefinitionError
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


LIST = ["a", "b"]
MAP = {"a": 1}


@pytest.mark.parametrize(
    ("operator", "expected", "value", "met"),
    [
        ("not in", ("a", "b"), "c", True),
        ("not in", ("a", "b"), "a", False),
        ("not in", ("a", "b"), None, False),
        ("in", ("a", 5), 5.0, True),
        ("in", (1,), True, False),
        ("like", "a%", "abc", True),
        ("not like", "a%", "abc", False),
        ("not like", "a%", 5, True),
        ("not like", "a%", None, False),
        ("rlike", "b+c", "abbc", True),
        ("rlike", "^b", "abbc", False),
        ("not rlike", "^b", "abbc", True),
        ("not rlike", "^b", None, False),
        ("is null", None, [], False),
        ("is not null", None, [], True),
        ("is not null", None, MAP, True),
        ("=", "a", LIST, False),
        ("!=", "a", LIST, True),
        ("in", ("a",), LIST, False),
        ("not in", ("a",), MAP, True),
        ("<", 5, LIST, False),
        ("like", "%", MAP, False),
        ("not like", "%", LIST, True),
        ("not rlike", ".", LIST, True),
    ],
)
def test_rules_compare_values_lists_and_maps(operator, expected, value, met):
    criterion = InterventionCriterion(attribute="g:a", operator=operator, value=expected)
    assert tree(criterion).met([value]) is met


CHANGED = InterventionCriterion(attribute="g:a", operator="changed")


def test_what_must_change_is_left_to_the_rule_and_decides_with_the_others():
    nested = InterventionCriteriaAll(all=[B, InterventionCriteriaAll(all=[CHANGED])])
    assert tree(nested).met([None, 1, 0])
    assert not tree(nested).met([None, 0, 0])
    assert decided(nested, [None, 1, 0]) == ["g:b", "g:a"]


@pytest.mark.parametrize(
    "criteria",
    [
        InterventionCriteriaAny(any=[A, CHANGED]),
        InterventionCriteriaNone(none=[CHANGED]),
        InterventionCriteriaAny(any=[InterventionCriteriaAll(all=[CHANGED])]),
    ],
)
def test_changed_below_any_or_none_is_refused(criteria):
    with pytest.raises(DefinitionError, match="changed"):
        tree(criteria)
