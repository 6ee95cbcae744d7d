import pytest

from processor.criteria import compile_comparison
from processor.errors import DefinitionError
from processor.events import REJECTED

ORDERINGS = ["<", ">", "<=", ">="]


@pytest.mark.parametrize(
    ("value", "operator", "expected", "met"),
    [
        (1, "=", 1.0, True),
        (1.0, "=", 1, True),
        (True, "=", 1, False),
        (1, "=", True, False),
        (True, "=", True, True),
        (False, "!=", True, True),
        ("a", "=", "a", True),
        ("A", "=", "a", False),
        ("1", "=", 1, False),
        ("1", "!=", 1, True),
        (2**53 + 1, "=", 2.0**53, False),
        (2, ">", 1.5, True),
        (2, ">=", 2, True),
        ("b", ">", "a", True),
        ("b", "<=", "a", False),
        ("2", ">", 1, False),
        (True, ">", 0, False),
        (True, "<=", True, False),
        (1, "in", (1.0, "a"), True),
        (True, "in", (1, "a"), False),
        (1, "not in", (1.0, "a"), False),
        (True, "not in", (1, "a"), True),
        ("1", "not in", (1,), True),
        (2**53 + 1, "in", (2.0**53,), False),
        (True, "in", (True,), True),
        ("a", "in", (1, "a"), True),
        ("a", "in", "abc", False),
        ("a", "in", (), False),
        ("a", "=", ("a",), False),
        ("a", "=", None, False),
        ("a", "!=", None, True),
    ],
)
def test_pairs_of_values_compare_by_their_kind(value, operator, expected, met):
    assert compile_comparison(operator, expected)(value) is met


@pytest.mark.parametrize("missing", [None, REJECTED])
def test_a_missing_value_satisfies_only_is_null(missing):
    negatable = ("in", "like", "rlike")
    for operator in ("=", "!=", *ORDERINGS, *negatable, *(f"not {one}" for one in negatable)):
        for expected in (None, "a", 1, True, ("a",), "%"):
            assert not compile_comparison(operator, expected)(missing)
    assert compile_comparison("is null", None)(missing)
    assert not compile_comparison("is not null", None)(missing)


@pytest.mark.parametrize("value", [0, "", False, 0.0])
def test_a_value_that_is_there_is_not_null(value):
    assert compile_comparison("is not null", None)(value)
    assert not compile_comparison("is null", None)(value)


@pytest.mark.parametrize(
    ("operator", "pattern", "value", "met"),
    [
        ("like", "%pricing%", "/de/pricing?x", True),
        ("like", "%pricing%", "/de/Pricing", False),
        ("like", "a%b_c", "a--b-c", True),
        ("like", "%1%", 1, False),
        ("like", "%", True, False),
        ("like", 1, "1", False),
        ("like", "%", ["a"], False),
        ("rlike", "^/(de|en)/", "/de/pricing", True),
        ("rlike", "^/(de|en)/", "/fr/pricing", False),
        ("rlike", "1", 1, False),
        ("rlike", "", ["a"], False),
    ],
)
def test_patterns_are_for_texts_and_their_negations_true_of_all_else(operator, pattern, value, met):
    assert compile_comparison(operator, pattern)(value) is met
    assert compile_comparison(f"not {operator}", pattern)(value) is not met


@pytest.mark.parametrize("operator", ["=", "in", "like", "rlike", *ORDERINGS])
@pytest.mark.parametrize("value", [[], ["a"], [1, 2], {}, {"a": 1}])
def test_lists_and_maps_equal_nothing(operator, value):
    for expected in ("a", "", 1, True, ("a", 1), (), "%", ".*"):
        assert not compile_comparison(operator, expected)(value)


@pytest.mark.parametrize("value", [[], ["a"], {}, {"a": 1}])
def test_lists_and_maps_are_there_and_differ_from_everything(value):
    assert compile_comparison("is not null", None)(value)
    assert not compile_comparison("is null", None)(value)
    assert compile_comparison("!=", "a")(value)
    assert compile_comparison("not in", ("a", 1))(value)


@pytest.mark.parametrize("operator", ["like", "not like"])
@pytest.mark.parametrize("pattern", ["a\\", "x" * 2_000])
def test_a_like_pattern_that_cannot_be_used_is_refused_when_compiled(operator, pattern):
    with pytest.raises(DefinitionError, match="pattern"):
        compile_comparison(operator, pattern)


@pytest.mark.parametrize("operator", ["rlike", "not rlike"])
@pytest.mark.parametrize("pattern", ["(", r"(a)\1", "x" * 2_000])
def test_a_regular_expression_that_cannot_be_used_is_refused_when_compiled(operator, pattern):
    with pytest.raises(DefinitionError, match="pattern"):
        compile_comparison(operator, pattern)


def test_an_operator_that_is_not_computed_is_refused():
    with pytest.raises(DefinitionError, match="changed"):
        compile_comparison("changed", None)
