import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.events.json_size import holds_more_values

TEXTS = st.text(st.sampled_from('ab,[{}]":\\\n\u2028é'), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=30,
)


def counted(value: Any) -> int:
    """The commas and opening brackets of its JSON."""
    if isinstance(value, list | dict):
        items = value if isinstance(value, list) else value.values()
        return 1 + max(0, len(value) - 1) + sum(map(counted, items))
    return 0


@given(value=VALUES, ensure_ascii=st.booleans())
def test_values_are_counted_and_not_what_looks_like_them_in_texts(
    value: Any, ensure_ascii: bool
) -> None:
    document = json.dumps(value, ensure_ascii=ensure_ascii).encode()
    assert not holds_more_values(document, counted(value))
    if counted(value):
        assert holds_more_values(document, counted(value) - 1)


@pytest.mark.parametrize(
    "document", [b"", b'"', b'"\\', b"\\", b"[" * 10, b'[",,,,,', b"\xff" * 10, b'{"a" "b'], ids=str
)
def test_what_is_no_json_is_counted_all_the_same(document: bytes) -> None:
    assert not holds_more_values(document, 10)
