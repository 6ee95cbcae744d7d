import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.errors import DeadLetterReason, MalformedEventError
from processor.events import REJECTED, parse_event, self_describing
from processor.events.self_describing import schema_key
from processor.limits import ENTITIES_MAX, JSON_DEPTH_MAX, SCHEMA_CACHE_MAX, SCHEMA_PART_CHARS_MAX

Make = Callable[..., bytes]
PRODUCT = "com.acme/product/jsonschema/1-0-0"
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


def malformed(call: Callable[[], object]) -> str:
    with pytest.raises(MalformedEventError) as caught:
        call()
    assert caught.value.reason is DeadLetterReason.JSON
    return caught.value.detail


@pytest.mark.parametrize(
    ("uri", "key"),
    [
        ("iglu:com.acme/product/jsonschema/1-0-0", "com.acme/product/1"),
        ("iglu:com.acme-x/my_thing-a/jsonschema/12-3-4", "com.acme-x/my_thing-a/12"),
        ("iglu:com.acme/product/avro/2-0-0", "com.acme/product/2"),
        ("com.acme/product/jsonschema/1-0-0", None),
        ("iglu:com.acme/product/jsonschema/1-0", None),
        ("iglu:com.acme/product/jsonschema/0-0-1", None),
        ("iglu:com.acme/product/jsonschema/1-0-0 ", None),
        ("iglu:com.acme/product/1-0-0", None),
        ("", None),
    ],
)
def test_a_schema_is_known_by_vendor_name_and_major_version(uri: str, key: str | None) -> None:
    assert schema_key(uri) == key


def test_the_cache_of_schemas_is_bounded() -> None:
    for number in range(SCHEMA_CACHE_MAX + 10):
        assert schema_key(f"iglu:a/s{number}/jsonschema/1-0-0") == f"a/s{number}/1"
        assert len(self_describing._schema_keys) <= SCHEMA_CACHE_MAX


@given(JSON_VALUES)
def test_any_json_data_is_read_as_it_was_written(
    line: Make, contexts: Make, unstruct: Make, data: object
) -> None:
    value = line(contexts=contexts((PRODUCT, data)), unstruct_event=unstruct(PRODUCT, data))
    event = parse_event(value)
    for _ in range(2):
        assert event.entity_data("com.acme/product/1", 0) == data
        assert event.unstruct_data("com.acme/product/1") == data


def test_entities_of_contexts_come_before_derived_contexts(line: Make, contexts: Make) -> None:
    other = ("com.acme/other/jsonschema/1-0-0", {"n": 0})
    event = parse_event(
        line(
            contexts=contexts((PRODUCT, 1), other, (PRODUCT, 2)),
            derived_contexts=contexts(("com.acme/product/jsonschema/1-0-7", 3)),
        )
    )
    found = [event.entity_data("com.acme/product/1", index) for index in range(4)]
    assert found == [1, 2, 3, None]


def test_another_major_version_is_another_schema(
    line: Make, contexts: Make, unstruct: Make
) -> None:
    event = parse_event(line(contexts=contexts((PRODUCT, 1)), unstruct_event=unstruct(PRODUCT, 1)))
    assert event.entity_data("com.acme/product/2", 0) is None
    assert event.unstruct_data("com.acme/product/2") is None
    assert event.unstruct_data("com.acme/product/1") == 1


def test_empty_columns_hold_nothing(line: Make, contexts: Make) -> None:
    assert parse_event(line()).entity_data("com.acme/product/1", 0) is None
    assert parse_event(line()).unstruct_data("com.acme/product/1") is None
    assert parse_event(line(contexts=contexts())).entity_data("com.acme/product/1", 0) is None


@pytest.mark.parametrize(
    "column",
    [
        b"{",
        b"nope",
        b"[]",
        b"null",
        b"{}",
        b'{"data":{}}',
        b'{"data":[1]}',
        b'{"data":[{"schema":"iglu:a/b/jsonschema/1-0-0"}]}',
        b'{"data":[{"schema":1,"data":{}}]}',
        b'{"data":[{"schema":"iglu:a/b/jsonschema/1-0-0","data":{"a":}}]}',
        b'{"data":[{"schema":"iglu:a/b/jsonschema/1-0-0","data":NaN}]}',
        b'{"data":[]} x',
    ],
)
def test_a_column_that_is_not_self_describing_is_malformed(line: Make, column: bytes) -> None:
    for name in ("contexts", "derived_contexts"):
        event = parse_event(line(**{name: column}))
        assert name in malformed(lambda event=event: event.entity_data("com.acme/product/1", 0))
    event = parse_event(line(unstruct_event=column))
    assert "unstruct_event" in malformed(lambda: event.unstruct_data("com.acme/product/1"))


def test_an_unknown_schema_uri_matches_nothing(line: Make) -> None:
    column = (
        b'{"data":[{"schema":"product","data":1},{"schema":"iglu:a/b/jsonschema/1-0-0","data":2}]}'
    )
    assert parse_event(line(contexts=column)).entity_data("a/b/1", 0) == 2


def test_of_too_many_entities_the_first_are_read_and_others_rejected(
    line: Make, contexts: Make
) -> None:
    entities = [("a/b/jsonschema/1-0-0", number) for number in range(ENTITIES_MAX + 1)]
    event = parse_event(line(contexts=contexts(*entities)))
    assert event.entity_data("a/b/1", ENTITIES_MAX - 1) == ENTITIES_MAX - 1
    assert event.entity_data("a/b/1", ENTITIES_MAX) is REJECTED
    assert event.entity_data("a/c/1", 0) is REJECTED


def test_as_many_entities_as_allowed_are_all_read(line: Make, contexts: Make) -> None:
    entities = [("a/b/jsonschema/1-0-0", number) for number in range(ENTITIES_MAX)]
    event = parse_event(line(contexts=contexts(*entities)))
    assert event.entity_data("a/b/1", ENTITIES_MAX - 1) == ENTITIES_MAX - 1
    assert event.entity_data("a/b/1", ENTITIES_MAX) is None
    assert event.entity_data("a/c/1", 0) is None


def test_a_schema_uri_of_any_length_is_read_and_only_short_ones_are_remembered(
    line: Make, contexts: Make
) -> None:
    vendor = "v" * SCHEMA_PART_CHARS_MAX
    event = parse_event(line(contexts=contexts((f"{vendor}/b/jsonschema/1-0-0", 1), (PRODUCT, 2))))
    assert event.entity_data(f"{vendor}/b/1", 0) is None
    assert event.entity_data("com.acme/product/1", 0) == 2
    assert max(map(len, self_describing._schema_keys)) <= SCHEMA_PART_CHARS_MAX


def nested(levels: int) -> bytes:
    """A contexts column whose brackets stand `levels` deep, three of them its own."""
    data = b"[" * (levels - 3) + b"]" * (levels - 3)
    return b'{"data":[{"schema":"iglu:a/b/jsonschema/1-0-0","data":' + data + b"}]}"


def test_json_at_the_depth_limit_is_read_and_deeper_is_malformed(line: Make) -> None:
    event = parse_event(line(contexts=nested(JSON_DEPTH_MAX)))
    levels, data = 3, event.entity_data("a/b/1", 0)
    while data:
        levels, data = levels + 1, data[0]
    assert levels + 1 == JSON_DEPTH_MAX
    for levels in (JSON_DEPTH_MAX + 1, 2_000, 200_000):
        deep = parse_event(line(contexts=nested(levels)))
        assert "deeper" in malformed(lambda deep=deep: deep.entity_data("a/b/1", 0))


def test_many_brackets_beside_each_other_or_in_strings_are_not_deep(
    line: Make, contexts: Make
) -> None:
    text = '\\"[{' * 100
    data = [[text]] * 2 * JSON_DEPTH_MAX
    event = parse_event(line(contexts=contexts((PRODUCT, data))))
    assert event.entity_data("com.acme/product/1", 0) == data


@pytest.mark.parametrize("piece", [b'"', b"\\", b'"\\', b'\\"', b"[", b'["'])
def test_no_column_takes_long(line: Make, piece: bytes) -> None:
    column = b'{"data":[' + b"[" * (JSON_DEPTH_MAX + 1) + piece * (900_000 // len(piece))
    event = parse_event(line(contexts=column))
    started = time.process_time()
    malformed(lambda: event.entity_data("a/b/1", 0))
    assert time.process_time() - started < 1
