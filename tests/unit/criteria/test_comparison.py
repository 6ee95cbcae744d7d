import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    for operator in ("=", "!=", *ORDERINGS, "like", "in"):
        for expected in (None, "a", 1, True, ("a",), "%"):
            assert not compile_comparison(operator, expected)(missing)
    assert compile_comparison("is null", None)(missing)
    assert not compile_comparison("is not null", None)(missing)


@pytest.mark.parametrize("value", [0, "", False, 0.0])
def test_a_value_that_is_there_is_not_null(value):
    assert compile_comparison("is not null", None)(value)
    assert not compile_comparison("is null", None)(value)


@pytest.mark.parametrize(
    ("pattern", "value", "met"),
    [
        ("%pricing%", "/de/pricing?x", True),
        ("%pricing%", "/de/Pricing", False),
        ("a%", "abc", True),
        ("%c", "abc", True),
        ("%b", "abc", False),
        ("a_c", "abc", True),
        ("a_c", "ac", False),
        ("a%b%c", "a--b--c", True),
        ("%ab%ab%", "ab", False),
        ("%aab", "aaab", True),
        ("%a_b%c", "aaxbzc", True),
        ("100\\%", "100%", True),
        ("100\\%", "1000", False),
        ("a\\_c", "abc", False),
        ("a\\\\c", "a\\c", True),
        ("a.c", "abc", False),
        ("%", "", True),
        ("", "", True),
        ("", "a", False),
        ("a%c", "a\nc", True),
        ("%1%", 1, False),
        (1, "1", False),
    ],
)
def test_like_is_that_of_sql(pattern, value, met):
    assert compile_comparison("like", pattern)(value) is met


def plain_like(pattern, value):
    if not pattern:
        return not value
    if pattern[0] == "%":
        return any(plain_like(pattern[1:], value[at:]) for at in range(len(value) + 1))
    return bool(value) and pattern[0] in {"_", value[0]} and plain_like(pattern[1:], value[1:])


@given(st.text("ab_%", max_size=8), st.text("ab", max_size=8))
def test_like_agrees_with_a_plain_definition(pattern, value):
    assert compile_comparison("like", pattern)(value) is plain_like(pattern, value)


def test_a_long_value_does_not_make_like_slow():
    like = compile_comparison("like", "%a" * 30 + "b")
    assert not like("a" * 4_000)


def test_an_operator_that_is_not_computed_is_refused():
    with pytest.raises(DefinitionError, match="rlike"):
        compile_comparison("rlike", "a")
