"""Bodies that are compressed, and bodies taken apart."""

import gzip
import json
import zlib

import cramjam
import pytest

from processor.collector.bodies import decompressed, read_body
from processor.errors import DeadLetterReason, TrackerProtocolError
from processor.request_limits import REQUEST_BYTES_MAX

TEXT = json.dumps({"schema": "iglu:a", "data": [{"e": "pv"}]}).encode()


def zstd(content: bytes) -> bytes:
    return bytes(cramjam.zstd.compress(content))


@pytest.mark.parametrize("encoding", ["", "gzip", "x-gzip", "GZIP", " zstd ", "identity"])
@pytest.mark.parametrize("sent", [gzip.compress(TEXT, mtime=0), zstd(TEXT), TEXT])
def test_a_body_is_read_by_its_bytes_whatever_was_said_of_it(encoding, sent) -> None:
    assert decompressed(sent, encoding) == TEXT


def test_an_empty_body_stays_empty() -> None:
    assert decompressed(b"", "gzip") == decompressed(gzip.compress(b"", mtime=0), "gzip") == b""


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "compress", "x" * 500])
def test_another_encoding_is_refused_by_its_name(encoding) -> None:
    with pytest.raises(TrackerProtocolError, match="content encoding") as told:
        decompressed(b"\x8b\x07\x80", encoding)
    assert encoding[:100] in told.value.detail
    assert len(told.value.detail) < 200


@pytest.mark.parametrize("compress", [gzip.compress, zstd])
def test_a_body_is_bounded_when_it_is_decompressed(compress) -> None:
    assert len(decompressed(compress(bytes(REQUEST_BYTES_MAX)), "")) == REQUEST_BYTES_MAX
    for size in (REQUEST_BYTES_MAX + 1, 200_000_000):
        with pytest.raises(TrackerProtocolError, match="when it is decompressed") as told:
            decompressed(compress(bytes(size)), "")
        assert told.value.reason is DeadLetterReason.TOO_LARGE


@pytest.mark.parametrize(
    "sent",
    [gzip.compress(TEXT, mtime=0)[:-5], zstd(TEXT)[:-5], gzip.compress(TEXT, mtime=0) + b"x"],
)
def test_a_compressed_body_that_is_broken_says_what_it_was(sent) -> None:
    with pytest.raises(TrackerProtocolError, match=r"gzip|zstd") as told:
        decompressed(sent, "")
    assert told.value.reason is DeadLetterReason.PAYLOAD


def test_zlib_without_a_header_is_no_gzip() -> None:
    assert decompressed(zlib.compress(TEXT), "") == zlib.compress(TEXT)


def test_the_list_of_events_is_the_one_of_the_body_itself() -> None:
    nested = b'{"x": {"data": [1]}, "schema": "s", "data" : [ {"data": [x]} , {"a":"]"} ] }'
    assert read_body(nested) == ("s", [b'{"data": [x]}', b'{"a":"]"}'])
    assert read_body(b'{"data": [x], "schema": "s"}') == ("s", [b"x"])
