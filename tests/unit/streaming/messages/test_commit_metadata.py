import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.streaming.messages.commit_metadata import (
    NOTHING,
    CommitMetadata,
    decode_commit_metadata,
)

numbers = st.none() | st.integers(-(10**18) + 1, 10**18 - 1)
anything = st.builds(
    CommitMetadata,
    epoch=numbers,
    watermark_ms=numbers,
    topic_id=st.none() | st.from_regex(r"[A-Za-z0-9_-]{1,22}", fullmatch=True),
    definitions_offset=numbers,
)
ALL = CommitMetadata(1_700_000_000_001, 1_700_000_000_000, "o7QhCkSDT-yGFqgnKxzh1g", -1)


def test_level_1_is_the_digits_of_the_epoch() -> None:
    assert ALL.encode(1) == "1700000000001"
    assert decode_commit_metadata("1700000000001") == CommitMetadata(epoch=1_700_000_000_001)


def test_level_2_names_what_is_known() -> None:
    text = (
        "v2 epoch=1700000000001 watermark_ms=1700000000000 "
        "topic_id=o7QhCkSDT-yGFqgnKxzh1g definitions_offset=-1"
    )
    assert ALL.encode(2) == text
    assert decode_commit_metadata(text) == ALL
    assert CommitMetadata(epoch=5).encode(2) == "v2 epoch=5"
    assert NOTHING.encode(2) == "v2"


@given(anything)
def test_it_comes_back_as_it_was(put_in: CommitMetadata) -> None:
    assert decode_commit_metadata(put_in.encode(2)) == put_in


def test_the_first_version_takes_level_2_for_no_epoch() -> None:
    """It reads what is not all digits as -1, and begins with the time of its clock."""
    assert not any(one.encode(2).isdigit() for one in (ALL, NOTHING, CommitMetadata(epoch=5)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "x",
        "²",  # a digit to Python, which int() refuses
        "٣",
        "-5",
        "1.5",
        "9" * 19,
        "9" * 5_000,
        "v3 epoch=5",
        "v22 epoch=5",
        "v2epoch=5",
        "epoch=5",
        '{"epoch": 5}',
        "v2\tepoch=5",
    ],
)
def test_what_is_none_of_ours_says_nothing(text: str) -> None:
    assert decode_commit_metadata(text) == NOTHING


@given(st.text(max_size=30) | st.text("v2 epoch=_ms0123456789-", max_size=40).map("v2 ".__add__))
def test_no_text_raises(text: str) -> None:
    found = decode_commit_metadata(text)
    assert found.epoch is None or abs(found.epoch) < 10**18


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("v2 later=1 epoch=5", CommitMetadata(epoch=5)),
        ("v2 epoch=x watermark_ms=7", CommitMetadata(watermark_ms=7)),
        ("v2 epoch= topic_id=", NOTHING),
        ("v2  epoch=5 ", CommitMetadata(epoch=5)),
        ("v2 epoch", NOTHING),
        (f"v2 epoch={'9' * 19} definitions_offset=3", CommitMetadata(definitions_offset=3)),
    ],
)
def test_what_is_not_known_is_passed_over(text: str, found: CommitMetadata) -> None:
    assert decode_commit_metadata(text) == found
