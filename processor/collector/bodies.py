"""Reads request bodies, including compressed ones and those with a broken event.

A body is decompressed up to the size limit of a body. Valid JSON is parsed as a whole. Halves of
characters and bytes that are not UTF-8 become U+FFFD. If the result is still not JSON, the list of
events is split at its commas, so that only the broken event is refused.
"""

import re
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec
import orjson

from processor.errors import DeadLetterReason, TrackerProtocolError
from processor.events.compression import BrokenError, compression_of, decompress
from processor.events.surrogates import readable_json
from processor.limits import COLLECTED_TOKENS_MAX
from processor.request_limits import REQUEST_BYTES_MAX

# Accepted values of Content-Encoding; the bytes themselves determine the compression.
_ENCODINGS: Final = frozenset({"", "identity", "gzip", "x-gzip", "zstd"})
# A string, which may contain anything, or a delimiter of JSON. An unterminated string extends to
# the end of the body, so every byte is examined once.
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{},]', re.DOTALL)
_LIST = re.compile(rb"\s*:\s*\[")
_DATA: Final = b'"data"'
# The list of events is a member of the object that is the body.
_LIST_LEVEL: Final = 2


class Body(NamedTuple):
    """The schema of a body, and its events as bytes; if it is broken, some may not be JSON."""

    schema: str
    events: list[bytes]


class _Body(msgspec.Struct, gc=False):
    schema: str
    data: list[msgspec.Raw]


class _OtherJsonError(ValueError):
    """The body is JSON, but not a body of events: parsing it in another way is pointless."""


_decoder = msgspec.json.Decoder(_Body)


def decompressed(body: bytes, encoding: str) -> bytes:
    """Return the decompressed body; `encoding` is its Content-Encoding.

    Raises:
        TrackerProtocolError: its compression is unsupported, it is broken, or it is too large.
    """
    if encoding.strip().lower() not in _ENCODINGS:
        message = f"the content encoding {encoding[:100]!r} is not read; send gzip, zstd or none"
        raise TrackerProtocolError(DeadLetterReason.PAYLOAD, message)
    compression = compression_of(body)
    if compression is None:
        return body
    try:
        found = decompress(compression, body, REQUEST_BYTES_MAX)
    except BrokenError as error:
        message = f"the body is {compression} that cannot be read: {error}"
        raise TrackerProtocolError(DeadLetterReason.PAYLOAD, message) from error
    if not found.complete:
        message = f"the body has over {REQUEST_BYTES_MAX} bytes when it is decompressed"
        raise TrackerProtocolError(DeadLetterReason.TOO_LARGE, message)
    return found.data


def read_body(body: bytes) -> Body:
    """Return the schema and the events of a body.

    Raises:
        ValueError: it is not an object with a schema and a list of events.
    """
    try:
        return _strictly(body)
    except _OtherJsonError:
        raise
    except ValueError:
        readable = readable_json(body)
    try:
        return _strictly(readable)
    except ValueError as error:
        parts = _parts(readable)
        if parts is None:
            raise
        around, events = parts
        try:
            schema = _strictly(around).schema
        except ValueError:
            raise error from None
        return Body(schema, events)


def _strictly(body: bytes) -> Body:
    try:
        orjson.loads(body)  # all of it must be JSON; the code below reads only parts
    except orjson.JSONDecodeError as error:
        raise ValueError(str(error)) from error
    try:
        document = _decoder.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _OtherJsonError(str(error)) from error
    return Body(document.schema, [bytes(one) for one in document.data])


def _parts(body: bytes) -> tuple[bytes, list[bytes]] | None:
    """Return a body without its events, and the events; None if its brackets are ambiguous."""
    begin, level = -1, 0
    cuts: list[int] = []
    for count, match in enumerate(_TOKENS.finditer(body)):
        if count >= COLLECTED_TOKENS_MAX:
            return None
        token = match[0]
        if token in (b"{", b"["):
            level += 1
        elif token in (b"}", b"]"):
            if begin >= 0 and level == _LIST_LEVEL:
                return _cut(body, [begin, *cuts, match.start()])
            level -= 1
        elif token == b",":
            if begin >= 0 and level == _LIST_LEVEL:
                cuts.append(match.start())
        elif token == _DATA and begin < 0 and level == 1:
            list_of = _LIST.match(body, match.end())
            begin = -1 if list_of is None else list_of.end() - 1
    return None


def _cut(body: bytes, cuts: list[int]) -> tuple[bytes, list[bytes]]:
    events = [body[start + 1 : end].strip() for start, end in pairwise(cuts)]
    return body[: cuts[0] + 1] + body[cuts[-1] :], events
