"""Self-describing JSON: the event of its own schema and the entities attached to an event.

A document is taken apart in two steps. The first finds the schemas and checks that the whole column
is JSON, leaving each `data` as bytes; the second decodes one `data`, and runs only for what a
definition reads. That is three times as fast as decoding everything.

Numbers: integers stay exact at any size (an integer that became a float could not be told from
one), so the reader of a value can refuse what 64 bits do not hold.
"""

import json
import math
import re
from typing import Any

import msgspec

from processor.errors import DeadLetterReason, MalformedEventError
from processor.events.rejected import REJECTED, Rejected
from processor.limits import (
    DETAIL_CHARS_MAX,
    JSON_DEPTH_MAX,
    SCHEMA_CACHE_MAX,
    SCHEMA_PART_BYTES_MAX,
)

Json = Any  # decoded JSON: a path finds out what is in it

_SCHEMA_PATTERN = re.compile(r"iglu:([^/]+)/([^/]+)/[^/]+/([1-9][0-9]*)-[0-9]+-[0-9]+", re.ASCII)
# A string, which may hold brackets, or one bracket.
_BRACKET_PATTERN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
# Every integer of 64 bits fits; a longer text need not be read.
_INTEGER_CHARS_MAX = 20

# How an error calls a column when only a part of it is at hand.
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
    """Return `vendor/name/major` of an Iglu URI, None for text that is none."""
    try:
        return _schema_keys[uri]
    except KeyError:
        pass
    if len(uri) > SCHEMA_PART_BYTES_MAX:
        return None
    match = _SCHEMA_PATTERN.fullmatch(uri)
    key = None if match is None else "/".join(match.groups())
    if len(_schema_keys) >= SCHEMA_CACHE_MAX:
        _schema_keys.clear()
    _schema_keys[uri] = key
    return key


def decode_unstruct(column: bytes) -> SelfDescribing:
    """Take apart the column unstruct_event."""
    name = "unstruct_event"
    _check_depth(column, name)
    try:
        return _unstruct_decoder.decode(column).data
    except (msgspec.DecodeError, RecursionError) as error:
        raise _malformed(name, error) from error


def decode_contexts(column: bytes, name: str) -> list[SelfDescribing]:
    """Take apart the column contexts or derived_contexts, called `name` in the error."""
    _check_depth(column, name)
    try:
        return _contexts_decoder.decode(column).data
    except (msgspec.DecodeError, RecursionError) as error:
        raise _malformed(name, error) from error


def decode_data(data: msgspec.Raw) -> Json:
    """Decode one `data`; numbers that neither int nor float can hold become REJECTED."""
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
    # The length bounds the depth, and the brackets do; only a document with many is walked.
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
