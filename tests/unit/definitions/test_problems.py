import json

import pytest

from definitions import EntityProperty
from definitions.limits import NAME_CHARS_MAX, NEAR_PROBLEMS_MAX, QUOTE_CHARS_MAX
from definitions.problems import Problem, ProblemCode, ProblemList, quote, shown_name, shown_record


def test_a_problem_reads_as_place_value_message_and_hint():
    problem = Problem("name", "attribute_key k", '"a b"', "a space", "write a_b")
    assert str(problem) == 'attribute_key k: "a b": a space - write a_b'
    assert str(Problem("name", "key k", "", "no name", "add one")) == "key k: no name - add one"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0, "0"),
        ("ä", '"ä"'),
        ((1, "a"), '[1, "a"]'),
        (
            EntityProperty(vendor="v", name="n", major_version=1, path="p"),
            '{"vendor": "v", "name": "n", "major_version": 1, "path": "p", "type": "entity", '
            '"index": 0}',
        ),
    ],
)
def test_a_value_is_quoted_as_json(value, text):
    assert quote(value) == text


@pytest.mark.parametrize(
    "value", ["x" * 10_000_000, list(range(100_000)), {str(one): one for one in range(100_000)}]
)
def test_a_large_value_is_cut_to_a_line(value):
    text = quote(value)
    assert len(text) == QUOTE_CHARS_MAX
    assert text.endswith("…")


def test_a_value_that_is_nested_without_end_is_quoted():
    value: list[object] = []
    value.append(value)
    assert len(quote(value)) <= QUOTE_CHARS_MAX


def test_names_and_record_keys_of_places_are_cut():
    assert shown_name("basket") == "basket"
    assert len(shown_name("n" * 1_000)) == NAME_CHARS_MAX
    assert shown_record("service/basket") == "service/basket"
    assert len(shown_record("service/" + "n" * 1_000)) == 2 * NAME_CHARS_MAX


def test_problems_are_kept_in_order_with_the_record_that_must_change():
    found = ProblemList("service/basket")
    found.add(ProblemCode.NAME, "service basket / name", "a space", hint="write a_b", value="a b")
    found.add(ProblemCode.OWNER, "service basket / owner", "no owner", hint="add one")
    assert [(one.code, one.value, one.record) for one in found.items] == [
        ("name", json.dumps("a b"), "service/basket"),
        ("owner", "", "service/basket"),
    ]


def test_beside_many_problems_no_near_name_is_looked_for():
    found = ProblemList("service/basket")
    assert found.near("pric", ["price"]) == "; did you mean price?"
    for _ in range(NEAR_PROBLEMS_MAX):
        found.add(ProblemCode.NAME, "service basket", "wrong", hint="")
    assert found.near("pric", ["price"]) == ""
