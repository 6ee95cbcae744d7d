import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.api.subscriptions.event_ids import EventIds
from processor.limits import INTEGER_MAX
from processor.request_limits import SSE_ID_CHARS_MAX

OFFSETS = st.lists(st.integers(0, INTEGER_MAX), min_size=1, max_size=20)


@given(OFFSETS)
def test_an_id_tells_the_offsets_that_it_was_made_of(offsets):
    ids = EventIds("topic", len(offsets))
    text = ids.encode(offsets).decode()
    assert ids.decode(text) == offsets
    assert text.replace("-", "").replace("_", "").isalnum()


@given(st.text())
def test_a_text_that_is_no_id_says_nothing(text):
    assert EventIds("topic", 2).decode(text) is None


def test_an_id_of_eight_partitions_is_short():
    assert len(EventIds("topic", 8).encode([1_000_000] * 8)) < 40


def test_the_longest_id_is_within_the_bound():
    assert len(EventIds("topic", 1024).encode([INTEGER_MAX] * 1024)) <= SSE_ID_CHARS_MAX


def test_an_id_of_another_topic_or_of_other_partitions_says_nothing():
    text = EventIds("topic", 2).encode([1, 2]).decode()
    assert EventIds("topic made anew", 2).decode(text) is None
    assert EventIds("topic", 3).decode(text) is None


@pytest.mark.parametrize(
    "packed",
    [b"", b"abcd", b"abcd\x80", b"abcd\x01\xff", b"abcd" + b"\xff" * 9 + b"\x01", b"abcd\x80\x80"],
)
def test_half_an_offset_or_one_too_large_says_nothing(packed):
    ids = EventIds("topic", 1)
    packed = packed.replace(b"abcd", ids._topic)
    assert ids.decode(base64.urlsafe_b64encode(packed).decode()) is None


@pytest.mark.parametrize("text", ["!", "é", "a b", "A" * (SSE_ID_CHARS_MAX + 1), "A"])
def test_what_is_no_base64_says_nothing(text):
    assert EventIds("topic", 1).decode(text) is None
