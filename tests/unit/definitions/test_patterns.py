"""LIKE and regular expressions: what matches, what is refused, and how long it takes."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions import patterns
from definitions.limits import PATTERN_CHARS_MAX, VALUE_CHARS_MAX
from definitions.patterns import PatternError, compile_like, compile_regular_expression

# Seconds of CPU that the worst pattern may take over the longest value, on a slow machine.
SLOW_S = 3.0


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("%pricing%", "/de/pricing?x", True),
        ("%pricing%", "/de/Pricing", False),
        ("a%", "abc", True),
        ("a%", "ba", False),
        ("%c", "abc", True),
        ("%b", "abc", False),
        ("abc", "abc", True),
        ("abc", "abcd", False),
        ("a_c", "abc", True),
        ("a_c", "ac", False),
        ("_", "é", True),
        ("_", "😀", True),
        ("__", "é", False),
        ("_%", "", False),
        ("a%c", "a\nc", True),
        ("a_c", "a\nc", True),
        ("a%b%c", "a--b--c", True),
        ("%%", "", True),
        ("", "", True),
        ("", "a", False),
        (r"100\%", "100%", True),
        (r"100\%", "1000", False),
        (r"%\%", "100%", True),
        (r"a\_c", "abc", False),
        (r"a\_%", "a_b", True),
        (r"a\\c", r"a\c", True),
        (r"\a\b", "ab", True),
        ("a.c", "abc", False),
        ("a.%c", "a.bc", True),
        ("(%[_]", "(x[y]", True),
        ("a\0%b_", "a\0xbc", True),
    ],
)
def test_like_is_that_of_sql(pattern: str, text: str, matches: bool) -> None:
    assert compile_like(pattern)(text) is matches


@pytest.mark.parametrize(
    ("pattern", "plain"),
    [
        ("a", (False, "a", False)),
        ("%", (True, "", True)),
        ("%%a\\%%", (True, "a%", True)),
        ("", (False, "", False)),
        ("a%b", None),
        ("a_", None),
        ("a\\", None),
    ],
)
def test_a_pattern_with_wildcards_at_its_ends_alone_is_plain(pattern: str, plain: object) -> None:
    assert patterns.plain_like(pattern) == plain


def plain_like(pattern: str, text: str) -> bool:
    """LIKE as one would write it down; exponential."""
    if not pattern:
        return not text
    first, rest = pattern[0], pattern[1:]
    if first == "%":
        return any(plain_like(rest, text[at:]) for at in range(len(text) + 1))
    if first == "\\":
        first, rest = rest[0], rest[1:]
        return text[:1] == first and plain_like(rest, text[1:])
    return bool(text) and first in {"_", text[0]} and plain_like(rest, text[1:])


PIECES = st.sampled_from(["a", "b", "é", ".", "%", "_", r"\%", r"\_", r"\\", r"\a"])


@given(st.lists(PIECES, max_size=8).map("".join), st.text("abé.%_\\", max_size=8))
def test_like_agrees_with_a_plain_definition(pattern: str, text: str) -> None:
    assert compile_like(pattern)(text) is plain_like(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("cart|basket", "/basket/1", True),
        ("^/cart$", "/cart", True),
        ("^/cart$", "/cart/1", False),
        ("", "", True),
        ("(?i)CART", "/cart", True),
        ("CART", "/cart", False),
        ("a.c", "a\nc", False),
        ("(?s)a.c", "a\nc", True),
        ("^b", "a\nb", False),
        ("^.$", "😀", True),
        (r"\d{2,3}", "a12", True),
        (r"^\pL+$", "Größe", True),
        (r"^\w+$", "Größe", False),
        ("a\0b", "a\0b", True),
    ],
)
def test_a_regular_expression_is_searched_for(pattern: str, text: str, matches: bool) -> None:
    assert compile_regular_expression(pattern)(text) is matches


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        "[z-a]",
        "*a",
        "a\\",
        r"(a)\1",
        "(?=a)",
        "(?<!a)b",
        "(?>a)",
        "a{1001}",
        "(a{100}){100}",
        r"(\pL{100}){10}",
        "x" * (PATTERN_CHARS_MAX + 1),
    ],
)
def test_a_regular_expression_that_cannot_be_bounded_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError, match=r"\w"):
        compile_regular_expression(pattern)


@pytest.mark.parametrize("pattern", ["a\\", "\\", "a\\\\\\", "x" * (PATTERN_CHARS_MAX + 1)])
def test_a_like_pattern_that_is_too_long_or_ends_in_an_escape_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError, match=r"backslash|at most"):
        compile_like(pattern)


def test_the_longest_patterns_are_taken() -> None:
    longest = "x" * PATTERN_CHARS_MAX
    assert compile_like(longest)(longest)
    assert compile_like("%x" * (PATTERN_CHARS_MAX // 2))(longest)
    assert compile_like(r"\%" * (PATTERN_CHARS_MAX // 2))("%" * (PATTERN_CHARS_MAX // 2))
    assert compile_regular_expression(longest)(longest)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a|a)*$",
        "(a|aa)+$",
        "(.*a){20}b",
        "(a?){400}a{400}b",
        "(a*)*b",
        "^(([a-z])+.)+[A-Z]",
    ],
)
def test_no_regular_expression_takes_long(pattern: str) -> None:
    test = compile_regular_expression(pattern)
    started = time.process_time()
    test("a" * (VALUE_CHARS_MAX - 1) + "!")
    test("😀" * VALUE_CHARS_MAX)
    assert time.process_time() - started < SLOW_S


@pytest.mark.parametrize("pattern", ["%a" * 499 + "b", "%a_" * 100 + "b", "%" + "a%" * 499 + "b"])
def test_no_like_takes_long(pattern: str) -> None:
    test = compile_like(pattern)
    started = time.process_time()
    assert not test("a" * VALUE_CHARS_MAX)
    assert not test("😀" * VALUE_CHARS_MAX)
    assert time.process_time() - started < SLOW_S
