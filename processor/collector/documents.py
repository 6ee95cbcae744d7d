"""Self-describing JSON in parameters: entities, and the event of its own schema.

A document is checked and written unchanged, except for white space between its parts. Its numbers
stay as they are, and half of a character becomes U+FFFD. The data are not validated against their
schemas, because that needs the schema registry.
"""

import base64
import binascii
import re
from typing import Final

import msgspec
import orjson

from processor.errors import MalformedEventError
from processor.events.json_size import holds_more_values
from processor.events.self_describing import decode_contexts, decode_unstruct
from processor.events.surrogates import readable_json
from processor.limits import DOCUMENT_VALUES_MAX, SCHEMA_PART_CHARS_MAX

_SNOWPLOW: Final = "iglu:com.snowplowanalytics.snowplow"
_UNSTRUCT: Final = f"{_SNOWPLOW}/unstruct_event/jsonschema/1-0-"
_CONTEXTS: Final = f"{_SNOWPLOW}/contexts/jsonschema/1-0-"
_SCHEMA_PATTERN = re.compile(
    r"iglu:([A-Za-z0-9_.-]+)/([A-Za-z0-9_-]+)/([A-Za-z0-9_-]+)/([1-9][0-9]*-[0-9]+-[0-9]+)"
)
# Besides the URL-safe alphabet, the standard one is accepted; its plus signs are spaces after a
# query was parsed.
_ALPHABET = str.maketrans("-_ ", "+/+")


class _Envelope(msgspec.Struct, gc=False):
    schema: str
    data: msgspec.Raw


_NOT_JSON = (orjson.JSONDecodeError, msgspec.DecodeError, RecursionError)
_envelope_decoder = msgspec.json.Decoder(_Envelope)


def schema_parts(uri: str) -> tuple[str, str, str, str]:
    """Return vendor, name, format and version of an Iglu URI.

    Raises:
        ValueError: the text is not an Iglu URI.
    """
    match = _SCHEMA_PATTERN.fullmatch(uri) if len(uri) <= SCHEMA_PART_CHARS_MAX else None
    if match is None:
        shown = uri[:SCHEMA_PART_CHARS_MAX]
        message = f"has {shown!r}, which is not a schema such as iglu:vendor/name/jsonschema/1-0-0"
        raise ValueError(message)
    vendor, name, kind, version = match.groups()
    return vendor, name, kind, version


def unstruct_schema(column: str) -> tuple[str, str, str, str]:
    """Return vendor, name, format and version of the event in a finished column."""
    return schema_parts(decode_unstruct(column.encode()).schema)


def unstruct_from_text(text: str) -> str:
    """The column unstruct_event, from JSON."""
    return _unstruct(text.encode())


def unstruct_from_base64(text: str) -> str:
    """The column unstruct_event, from JSON in base64."""
    return _unstruct(_from_base64(text))


def contexts_from_text(text: str) -> str:
    """The column contexts, from JSON; empty if there is no entity."""
    return _contexts(text.encode())


def contexts_from_base64(text: str) -> str:
    """The column contexts, from JSON in base64; empty if there is no entity."""
    return _contexts(_from_base64(text))


def _unstruct(document: bytes) -> str:
    column = _checked(document, _UNSTRUCT)
    try:
        schema_parts(decode_unstruct(column).schema)
    except MalformedEventError as error:
        raise ValueError(error.detail) from error
    return column.decode()


def _contexts(document: bytes) -> str:
    column = _checked(document, _CONTEXTS)
    try:
        entities = decode_contexts(column, "contexts")
    except MalformedEventError as error:
        raise ValueError(error.detail) from error
    for entity in entities:
        schema_parts(entity.schema)
    return column.decode() if entities else ""


def _checked(document: bytes, schema: str) -> bytes:
    if holds_more_values(document, DOCUMENT_VALUES_MAX):
        message = f"holds more than {DOCUMENT_VALUES_MAX} values"
        raise ValueError(message)
    try:
        column, found = _formatted(document)
    except _NOT_JSON:
        try:
            column, found = _formatted(readable_json(document))
        except _NOT_JSON as error:
            message = f"is not self-describing JSON: {error}"
            raise ValueError(message) from error
    if not found.startswith(schema):
        message = f"has the schema {found[:SCHEMA_PART_CHARS_MAX]!r} instead of {schema}0"
        raise ValueError(message)
    return column


def _formatted(document: bytes) -> tuple[bytes, str]:
    """Return a document without white space, and its schema."""
    orjson.loads(document)
    column = msgspec.json.format(document, indent=-1)
    return column, _envelope_decoder.decode(column).schema


def _from_base64(text: str) -> bytes:
    bare = text.translate(_ALPHABET).rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        message = f"is not base64: {error}"
        raise ValueError(message) from error
