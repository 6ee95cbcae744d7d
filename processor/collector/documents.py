"""Self-describing JSON in parameters: entities, and the event of its own schema.

A document is checked and written as it came, without white space between its parts; its numbers
stay as they are. Whether the data fit their schemas is not checked: that needs their registry.
"""

import base64
import binascii
import re
from typing import Final

import msgspec
import orjson

from processor.errors import MalformedEventError
from processor.events.self_describing import decode_contexts, decode_unstruct
from processor.limits import SCHEMA_PART_BYTES_MAX

_SNOWPLOW: Final = "iglu:com.snowplowanalytics.snowplow"
_UNSTRUCT: Final = f"{_SNOWPLOW}/unstruct_event/jsonschema/1-0-"
_CONTEXTS: Final = f"{_SNOWPLOW}/contexts/jsonschema/1-0-"
_SCHEMA_PATTERN = re.compile(
    r"iglu:([A-Za-z0-9_.-]+)/([A-Za-z0-9_-]+)/([A-Za-z0-9_-]+)/([1-9][0-9]*-[0-9]+-[0-9]+)"
)
# A tracker that writes the standard alphabet instead of the one for addresses is understood; its
# plus signs are spaces after a query was read.
_ALPHABET = str.maketrans("-_ ", "+/+")


class _Envelope(msgspec.Struct, gc=False):
    schema: str
    data: msgspec.Raw


_envelope_decoder = msgspec.json.Decoder(_Envelope)


def schema_parts(uri: str) -> tuple[str, str, str, str]:
    """Return vendor, name, format and version of an Iglu URI.

    Raises:
        ValueError: it is none.
    """
    match = _SCHEMA_PATTERN.fullmatch(uri) if len(uri) <= SCHEMA_PART_BYTES_MAX else None
    if match is None:
        shown = uri[:SCHEMA_PART_BYTES_MAX]
        message = f"has {shown!r}, which is not a schema such as iglu:vendor/name/jsonschema/1-0-0"
        raise ValueError(message)
    vendor, name, kind, version = match.groups()
    return vendor, name, kind, version


def unstruct_schema(column: str) -> tuple[str, str, str, str]:
    """Return vendor, name, format and version of the event in a column that stands."""
    return schema_parts(decode_unstruct(column.encode()).schema)


def unstruct_from_text(text: str) -> str:
    """The column unstruct_event, from JSON."""
    return _unstruct(text.encode())


def unstruct_from_base64(text: str) -> str:
    """The column unstruct_event, from JSON in base64."""
    return _unstruct(_from_base64(text))


def contexts_from_text(text: str) -> str:
    """The column contexts, from JSON; empty where it has no entity."""
    return _contexts(text.encode())


def contexts_from_base64(text: str) -> str:
    """The column contexts, from JSON in base64; empty where it has no entity."""
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
    try:
        orjson.loads(document)
        column = msgspec.json.format(document, indent=-1)
        found = _envelope_decoder.decode(column).schema
    except (orjson.JSONDecodeError, msgspec.DecodeError, RecursionError) as error:
        message = f"is not self-describing JSON: {error}"
        raise ValueError(message) from error
    if not found.startswith(schema):
        message = f"has the schema {found[:SCHEMA_PART_BYTES_MAX]!r} instead of {schema}0"
        raise ValueError(message)
    return column


def _from_base64(text: str) -> bytes:
    bare = text.translate(_ALPHABET).rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        message = f"is not base64: {error}"
        raise ValueError(message) from error
