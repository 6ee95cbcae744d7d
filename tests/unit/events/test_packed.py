"""Packed records: one event or many, under gzip or zstd."""

import gzip
import random
import struct
from collections.abc import Callable, Iterable

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.errors import DeadLetterReason, MalformedEventError
from processor.events import PackedRecordError, parse_event, unpack, unpack_usual
from processor.limits import (
    EVENT_BYTES_MAX,
    PACKED_BYTES_USUAL,
    UNPACKED_BYTES_MAX,
    UNPACKED_BYTES_USUAL,
    UNPACKED_EVENTS_MAX,
)

Make = Callable[..., bytes]


def zstd(content: bytes) -> bytes:
    return bytes(cramjam.zstd.compress(content))


BOTH = pytest.mark.parametrize("compress", [gzip.compress, zstd], ids=["gzip", "zstd"])
Compress = Callable[[bytes], bytes]


def packed(events: Iterable[bytes], version: bytes = b"\1\1") -> bytes:
    return version + b"".join(struct.pack(">I", len(one)) + one for one in events)


def refusal(value: bytes) -> tuple[DeadLetterReason, str]:
    with pytest.raises(MalformedEventError) as caught:
        unpack(value)
    return caught.value.reason, caught.value.detail


@BOTH
def test_one_line_is_an_event(line: Make, compress: Compress) -> None:
    value = compress(line(page_title="Grüße \U0001f600"))
    with pytest.raises(PackedRecordError):
        parse_event(value)
    assert unpack(value).events == [line(page_title="Grüße \U0001f600")]
    assert unpack(value).compression == ("zstd" if compress is zstd else "gzip")


@BOTH
@given(events=st.lists(st.binary(max_size=300), min_size=1, max_size=20))
def test_many_events_come_back_one_by_one(compress: Compress, events: list[bytes]) -> None:
    assert unpack(compress(packed(events))).events == events
    # The second byte is the version of what is inside, which the lines tell themselves.
    assert unpack(compress(packed(events, b"\1\7"))).events == events


def test_what_enrich_writes_is_flushed_after_each_event(line: Make) -> None:
    compressor = cramjam.zstd.Compressor(9)
    lines = [line(page_title=f"page {number}") for number in range(50)]
    chunks = [b"\1\1", *(struct.pack(">I", len(one)) + one for one in lines)]
    written = b"".join(
        [*(_flushed(compressor, chunk) for chunk in chunks), bytes(compressor.finish())]
    )
    assert unpack(written).events == lines


def _flushed(compressor: cramjam.zstd.Compressor, chunk: bytes) -> bytes:
    compressor.compress(chunk)
    return bytes(compressor.flush())


@BOTH
def test_what_most_records_are_is_unpacked_at_once_and_the_rest_is_not(
    line: Make, compress: Compress
) -> None:
    usual = [compress(line()), compress(packed([line()] * 100))]
    assert [unpack_usual(one) for one in usual] == [unpack(one) for one in usual]
    full = packed([bytes(UNPACKED_BYTES_USUAL - 6)])
    assert unpack_usual(compress(full)) == unpack(compress(full))
    over = packed([bytes(UNPACKED_BYTES_USUAL - 5)])
    noise = packed([random.Random(7).randbytes(PACKED_BYTES_USUAL)])
    empty = compress(b"") * (PACKED_BYTES_USUAL // len(compress(b"")) + 1)
    assert [unpack_usual(one) for one in (compress(over), compress(noise), empty)] == [None] * 3
    with pytest.raises(MalformedEventError):
        unpack_usual(compress(line())[:-3])


@BOTH
def test_as_many_bytes_as_an_event_may_have_are_one(line: Make, compress: Compress) -> None:
    rest = EVENT_BYTES_MAX - len(line())
    fits, over = line(page_title="x" * rest), line(page_title="x" * (rest + 1))
    assert parse_event(unpack(compress(fits)).events[0]).event_name == "page_view"
    assert refusal(compress(over))[0] is DeadLetterReason.TOO_LARGE
    assert [len(one) for one in unpack(compress(packed([fits, over])))[1]] == [
        EVENT_BYTES_MAX,
        EVENT_BYTES_MAX + 1,
    ]


@BOTH
def test_a_record_that_unpacks_to_too_much_is_refused(compress: Compress) -> None:
    megabyte = bytes(1_000_000)
    most = UNPACKED_BYTES_MAX // (len(megabyte) + 4)
    assert len(unpack(compress(packed([megabyte] * most))).events) == most
    reason, detail = refusal(compress(packed([megabyte] * (most + 1))))
    assert reason is DeadLetterReason.TOO_LARGE
    assert str(UNPACKED_BYTES_MAX) in detail


@BOTH
def test_a_record_of_too_many_events_is_refused(compress: Compress) -> None:
    assert len(unpack(compress(packed([b""] * UNPACKED_EVENTS_MAX))).events) == UNPACKED_EVENTS_MAX
    reason, _ = refusal(compress(packed([b""] * (UNPACKED_EVENTS_MAX + 1))))
    assert reason is DeadLetterReason.TOO_LARGE


@BOTH
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (packed([b"abc"])[:-1], "inside of event 1"),
        (packed([b"abc", b"de"])[:-3], "inside of event 2"),
        (packed([b"abc"]) + b"\0", "inside of event 2"),
        (packed([b"abc"]) + b"\xff\xff\xff\xff", "inside of event 2"),
        (packed([]), "no events"),
        (b"\1", "no events"),
    ],
)
def test_a_record_that_is_no_list_of_events_is_refused_as_a_whole(
    compress: Compress, content: bytes, says: str
) -> None:
    reason, detail = refusal(compress(content))
    assert reason is DeadLetterReason.UTF8
    assert says in detail


@BOTH
def test_a_broken_record_says_what_it_was(line: Make, compress: Compress) -> None:
    reason, detail = refusal(compress(line())[:-3])
    assert reason is DeadLetterReason.UTF8
    assert ("zstd" if compress is zstd else "gzip") in detail


@BOTH
def test_a_packed_event_is_not_unpacked_again(line: Make, compress: Compress) -> None:
    for content in (compress(line()), packed([compress(line())])):
        (event,) = unpack(compress(content)).events
        with pytest.raises(PackedRecordError) as caught:
            parse_event(event)
        assert caught.value.reason is DeadLetterReason.UTF8


def test_a_packed_record_may_be_larger_than_an_event() -> None:
    with pytest.raises(PackedRecordError):
        parse_event(zstd(b"")[:4] + bytes(EVENT_BYTES_MAX))
