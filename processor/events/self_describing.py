"""Self-describing JSON: the event of its own schema and the entities attached to an event.

A document is decoded in two steps. The first step finds the schemas, checks that the whole column
is JSON, and leaves each `data` as bytes. The second step decodes one `data`, only if a definition
reads it. That is three times as fast as decoding everything.

Half of a character in a text becomes U+FFFD (surrogates.py). Only a column that cannot be decoded
is searched for that.

Integers stay exact at any size, because a large integer that became a float would look like a
float. The reader of a value can therefore refuse integers beyond 64 bits.
"""

import json
import math
import re
from typing import Any, TypeVar

import msgspec

from processor.errors import DeadLetterReason, MalformedEventError
from processor.events.rejected import REJECTED, Rejected
from processor.events.surrogates import whole_characters
from processor.limits import (
    DETAIL_CHARS_MAX,
    JSON_DEPTH_MAX,
    SCHEMA_CACHE_MAX,
    SCHEMA_PART_CHARS_MAX,
)

Json = Any  # decoded JSON: a path determines its type
_Column = TypeVar("_Column")

_SCHEMA_PATTERN = re.compile(r"iglu:([^/]+)/([^/]+)/[^/]+/([1-9][0-9]*)-[0-9]+-[0-9]+", re.ASCII)
# A string, which may contain brackets, or one bracket. An unterminated string extends to the end of
# the column, so every byte is examined once.
_BRACKET_PATTERN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
# Every 64-bit integer fits; a longer text need not be parsed.
_INTEGER_CHARS_MAX = 20

# The name of a column in an error if only a part of it is available.
_ANY_COLUMN = "with self-describing JSON"

_schema_keys: dict[str, str | None] = {}


class SelfDescribing(msgspec.Struct, gc=False):
    """A schema URI and the bytes of its data."""

    schema: str
    data: msgspec.Raw


class _UnstructColumn(msgspec.Struct, gc=False):
    data: SelfDescribing


class _ContextsColumn(msgspec.Struct, gc=False):
    data: list[SelfDescribing]


_unstruct_decoder = msgspec.json.Decoder(_UnstructColumn)
_contexts_decoder = msgspec.json.Decoder(_ContextsColumn)
_data_decoder: msgspec.json.Decoder[Json] = msgspec.json.Decoder()


def schema_key(uri: str) -> str | None:
    """Return `vendor/name/major` of an Iglu URI; None for any other text."""
    try:
        return _schema_keys[uri]
    except KeyError:
        pass
    if len(uri) > SCHEMA_PART_CHARS_MAX:
        return None
    match = _SCHEMA_PATTERN.fullmatch(uri)
    key = None if match is None else "/".join(match.groups())
    if len(_schema_keys) >= SCHEMA_CACHE_MAX:
        _schema_keys.clear()
    _schema_keys[uri] = key
    return key


def decode_unstruct(column: bytes) -> SelfDescribing:
    """Decode the schema of the column unstruct_event."""
    return _decode_column(_unstruct_decoder, column, "unstruct_event").data


def decode_contexts(column: bytes, name: str) -> list[SelfDescribing]:
    """Decode the schemas of contexts or derived_contexts; `name` is the column in errors."""
    return _decode_column(_contexts_decoder, column, name).data


def _decode_column(decoder: msgspec.json.Decoder[_Column], column: bytes, name: str) -> _Column:
    _check_depth(column, name)
    try:
        return decoder.decode(column)
    except (msgspec.DecodeError, RecursionError) as error:
        whole = whole_characters(column)
        if whole == column:
            raise _malformed(name, error) from error
    try:
        return decoder.decode(whole)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _malformed(name, error) from error


def decode_data(data: msgspec.Raw) -> Json:
    """Decode one `data`; numbers that neither int nor float can represent become REJECTED."""
    try:
        return _data_decoder.decode(data)
    except msgspec.ValidationError:
        return _decode_huge_numbers(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _malformed(_ANY_COLUMN, error) from error


def _decode_huge_numbers(data: msgspec.Raw) -> Json:
    try:
        return json.loads(bytes(data), parse_int=_integer, parse_float=_float)
    except (ValueError, RecursionError) as error:
        raise _malformed(_ANY_COLUMN, error) from error


def _integer(text: str) -> int | Rejected:
    return int(text) if len(text) <= _INTEGER_CHARS_MAX else REJECTED


def _float(text: str) -> float | Rejected:
    number = float(text)
    return number if math.isfinite(number) else REJECTED


def _check_depth(column: bytes, name: str) -> None:
    # The length and the number of brackets bound the depth; only a document with many is walked.
    if len(column) <= 2 * JSON_DEPTH_MAX:
        return
    if column.count(b"{") + column.count(b"[") <= JSON_DEPTH_MAX:
        return
    depth = 0
    for token in _BRACKET_PATTERN.findall(column):
        if token in {b"{", b"["}:
            depth += 1
            if depth > JSON_DEPTH_MAX:
                detail = f"column {name} is nested deeper than {JSON_DEPTH_MAX}"
                raise MalformedEventError(DeadLetterReason.JSON, detail)
        elif token in {b"}", b"]"}:
            depth -= 1


def _malformed(name: str, error: Exception) -> MalformedEventError:
    detail = f"column {name}: {error}"[:DETAIL_CHARS_MAX]
    return MalformedEventError(DeadLetterReason.JSON, detail)
