import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.printable import (
    printable,
    printable_columns,
    printable_json,
    printable_lines,
)

ACTS = {
    "escape": "\x1b[2J\x1b]0;title\x07",
    "8-bit escape": "\x9b31m\x9d0;title\x9c",
    "return": "a\rb",
    "backspace": "a\x08\x7f",
    "bell": "\x07",
    "line end": "a\nb",
    "tab": "a\tb",
    "other line ends": "\x0b\x0c\x85\u2028\u2029",
    "direction": "\u202eabc\u202c\u2066\u2069\u200f\u061c",
    "nothing to see": "\u200b\u200d\ufeff\u2060\u00ad",
    "tags": "\U000e0041\U000e007f",
    "half of a character": "\ud83d",
    "no character": "\uffff\U0010ffff",
    "zero": "\0",
}


def acts(text: str) -> list[str]:
    """The characters that do something to a terminal, or cannot be seen."""
    return [
        one for one in text if unicodedata.category(one) in {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}
    ]


@pytest.mark.parametrize("text", ACTS.values(), ids=ACTS)
def test_what_acts_is_shown(text: str) -> None:
    for found in (printable(text), printable_json(json.dumps(text, ensure_ascii=False))):
        assert not acts(found)
        assert "\\" in found


@pytest.mark.parametrize(
    "text", ["", "plain", "Grüße, 東京 🛒 \u00e9", "a\u00a0b\u3000c", "[bold red]x[/]", r"C:\new"]
)
def test_what_does_nothing_stays(text: str) -> None:
    assert printable(text) == text
    document = json.dumps(text, ensure_ascii=False)
    assert printable_json(document) == document


def test_what_is_no_string_becomes_one() -> None:
    assert printable(["\x1b"]) == "['\\x1b']"
    assert printable(None) == "None"


def test_lines_and_columns_keep_their_ends_alone() -> None:
    assert printable_lines("a\r\nb\tc\x1b\n") == "a\\r\nb\\tc\\x1b\n"
    assert printable_columns("a\tb\r\nc") == "a\tb\\r\\nc"


@given(st.text())
def test_nothing_acts_whatever_the_text(text: str) -> None:
    assert not acts(printable(text))
    assert not set(acts(printable_lines(text))) - {"\n"}
    assert not set(acts(printable_columns(text))) - {"\t"}


@given(
    value=st.recursive(
        st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    ),
    indent=st.none() | st.integers(0, 2),
)
def test_json_means_the_same(value: object, indent: int | None) -> None:
    document = printable_json(json.dumps(value, ensure_ascii=False, indent=indent))
    assert json.loads(document) == value
    assert not acts(document)
