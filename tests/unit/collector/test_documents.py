"""Self-describing JSON in parameters."""

import base64
import json

import pytest

from processor.collector import documents

SNOWPLOW = "iglu:com.snowplowanalytics.snowplow"
ENTITY = {"schema": "iglu:com.acme/a-b_C/jsonschema/12-0-3", "data": {"text": "ä\t\n\u2028"}}


def unstruct(data, schema: str = f"{SNOWPLOW}/unstruct_event/jsonschema/1-0-0") -> str:
    return json.dumps({"schema": schema, "data": data})


def contexts(data, schema: str = f"{SNOWPLOW}/contexts/jsonschema/1-0-1") -> str:
    return json.dumps({"schema": schema, "data": data})


def test_a_document_stands_on_one_line_with_its_values_as_they_were() -> None:
    text = (
        '{ "schema":\n\t"iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0",\r\n'
        '"data": {"schema": "iglu:com.acme/a/jsonschema/1-0-0",'
        ' "data": {"n": 12345678901234567890123, "f": 1.10, "t": "a\\tb"}}}'
    )
    column = documents.unstruct_from_text(text)
    assert column.endswith('"data":{"n":12345678901234567890123,"f":1.10,"t":"a\\tb"}}}')
    assert "\n" not in column
    assert "\t" not in column
    assert documents.unstruct_schema(column) == ("com.acme", "a", "jsonschema", "1-0-0")


def test_base64_of_both_alphabets_is_read_with_and_without_padding() -> None:
    text = unstruct({**ENTITY, "data": {"text": "öÿ>?~"}})
    expected = documents.unstruct_from_text(text)
    for encode in (base64.urlsafe_b64encode, base64.b64encode):
        for sent in (encode(text.encode()).decode(), encode(text.encode()).decode().rstrip("=")):
            assert documents.unstruct_from_base64(sent) == expected
            assert documents.unstruct_from_base64(sent.replace("+", " ")) == expected


def test_contexts_without_an_entity_are_none() -> None:
    assert documents.contexts_from_text(contexts([])) == ""


def test_schema_parts() -> None:
    assert documents.schema_parts(ENTITY["schema"]) == ("com.acme", "a-b_C", "jsonschema", "12-0-3")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"data": {}}',
        '{"schema": 1, "data": {}}',
        unstruct(ENTITY, "iglu:com.acme/unstruct_event/jsonschema/1-0-0"),
        unstruct(ENTITY, f"{SNOWPLOW}/contexts/jsonschema/1-0-0"),
        unstruct([ENTITY]),
        unstruct({"data": {}}),
        unstruct({"schema": "com.acme/a/jsonschema/1-0-0", "data": {}}),
        unstruct({"schema": "iglu:com.acme/a/jsonschema/0-0-0", "data": {}}),
        unstruct({"schema": "iglu:com.acme/a/jsonschema/1-0", "data": {}}),
        unstruct({"schema": f"iglu:{'a' * 2_000}/a/jsonschema/1-0-0", "data": {}}),
        unstruct(ENTITY).replace('"text"', '"te\nxt"'),
        '{"schema": "x", "data": ' + "[" * 5_000 + "]" * 5_000 + "}",
        f'{{"schema": "{SNOWPLOW}/unstruct_event/jsonschema/1-0-0", "data": {{"schema": '
        f'"iglu:a/b/jsonschema/1-0-0", "data": {"[" * 600}{"]" * 600}}}}}',
    ],
)
def test_a_document_that_cannot_be_right_is_refused(text) -> None:
    with pytest.raises(ValueError, match=r"is not|has|column"):
        documents.unstruct_from_text(text)


def test_half_a_character_is_replaced_and_bytes_that_are_no_text_too() -> None:
    half = unstruct(ENTITY).replace("\\u00e4", "\\ud83d")
    assert documents.unstruct_from_text(half) == documents.unstruct_from_text(
        half.replace("\\ud83d", "\\ufffd")
    )
    bare = contexts([ENTITY]).replace("\\u00e4", "@").encode().replace(b"@", b"\xff")
    text = documents.contexts_from_base64(base64.b64encode(bare).decode())
    assert json.loads(text)["data"] == json.loads(bare.decode(errors="replace"))["data"]


@pytest.mark.parametrize(
    "data", [{}, [1], [{"schema": "x", "data": {}}], [ENTITY, {"data": {}}], [ENTITY, [ENTITY]]]
)
def test_contexts_that_cannot_be_right_are_refused(data) -> None:
    with pytest.raises(ValueError, match=r"is not|has|column"):
        documents.contexts_from_text(contexts(data))


@pytest.mark.parametrize("text", ["a", "a!bc", "\u00e4", "eyJ", "////"])
def test_what_is_not_base64_of_json_is_refused(text) -> None:
    with pytest.raises(ValueError, match="is not"):
        documents.unstruct_from_base64(text)
