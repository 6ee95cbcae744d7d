import zlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from processor.errors import StateFormatError
from processor.events import Source
from processor.formats import FIRST_LEVEL, NEWEST_LEVEL
from processor.streaming.messages.frames import (
    EncodedContributions,
    Part,
    Section,
    decode_frame,
    decode_parts,
    encode_frame,
    encode_section,
    join_section,
)
from tests.by_hand import contribution_of

values = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20)
values |= st.floats(allow_nan=False)
contributions = st.builds(
    contribution_of,
    offset=st.integers(0, 2**62),
    key=st.text(max_size=10),
    id=st.text(max_size=10),
    time_ms=st.integers(0, 2**42),
    event_id=st.text(max_size=36),
    event_name=st.text(max_size=10),
    derived_tstamp=st.text(max_size=23),
    values=st.lists(st.tuples(st.integers(0, 2**63 - 1), values), max_size=4),
)


def section_of(partition: int, contributions: list[Any], **fields: Any) -> Section:
    source = Source("enriched", partition)
    for one in contributions:
        one.trigger = replace(one.trigger, source=source)
    return Section(partition=partition, contributions=contributions, **fields)


sections = st.builds(
    section_of,
    topic_id=st.text(max_size=22),
    partition=st.integers(0, 1000),
    definitions_offset=st.integers(-1, 2**40),
    epoch=st.integers(0, 2**62),
    sequence=st.integers(0, 2**40),
    contributions=st.lists(contributions, max_size=5),
)


LEVELS = range(FIRST_LEVEL, NEWEST_LEVEL + 1)


def frame(number: int = 1, level: int = NEWEST_LEVEL) -> bytes:
    section = Section("t", 1, 2, 3, 4, [])
    return encode_frame([encode_section(section, level)] * number, level)


@given(st.lists(sections, max_size=4), st.sampled_from(LEVELS))
def test_a_frame_holds_what_was_put_in(put_in: list[Section], level: int) -> None:
    encoded = encode_frame([encode_section(one, level) for one in put_in], level)
    assert decode_frame(encoded, "enriched") == put_in


def encoded_parts(put_in: list[Any], sizes: list[int]) -> list[Part]:
    """The contributions in parts of these sizes, encoded; further ones as they are."""
    parts: list[Part] = []
    start = 0
    for size in sizes:
        some = put_in[start : start + size]
        data = b"".join(
            encode_section(Section("", 0, 0, 0, 0, [one]), NEWEST_LEVEL)[7:-1] for one in some
        )
        parts.append(EncodedContributions(len(some), data))
        start += size
    return [*parts, *put_in[start:]]


@given(sections, st.lists(st.integers(0, 3), max_size=3), st.sampled_from([0, 1, 3, 20]))
def test_a_section_is_the_same_whether_its_contributions_are_encoded_already(
    section: Section, sizes: list[int], times: int
) -> None:
    section.contributions = section.contributions[:1] * times + section.contributions
    parts = encoded_parts(section.contributions, [*sizes, times])
    alone = replace(section, contributions=[])
    assert join_section(alone, parts) == encode_section(section, NEWEST_LEVEL)
    source = Source("enriched", section.partition)
    assert decode_parts(parts, source) == section.contributions


@pytest.mark.parametrize("count", [15, 16, 65_535, 65_536])
def test_any_number_of_contributions_has_the_header_that_the_encoder_writes(count: int) -> None:
    one = contribution_of(1, "k", "i", 0, "e", "n", "", [])
    section = Section("t", 1, 2, 3, 4, [one] * count)
    parts = encoded_parts(section.contributions[:1], [1]) * count
    alone = replace(section, contributions=[])
    assert join_section(alone, parts) == encode_section(section, NEWEST_LEVEL)


def test_a_frame_holds_a_thousand_sections() -> None:
    assert len(decode_frame(frame(1000), "enriched")) == 1000


@pytest.mark.parametrize(("level", "number", "more"), [(1, 1, []), (2, 2, [False])])
def test_the_format_is_as_documented(level: int, number: int, more: list[object]) -> None:
    value = frame(level=level)
    assert value[0] == 0xF7
    assert value[1] == number
    assert int.from_bytes(value[2:6], "big") == zlib.crc32(value[6:])
    assert msgspec.msgpack.decode(value[6:]) == [["t", 1, 2, 3, 4, [], *more]]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"", "too short"),
        (b"\xf7\x01", "too short"),
        (b"\xf6" + frame()[1:], "format 0xf6/2"),
        (b"\xf7\x03" + frame()[2:], "format 0xf7/3"),
        (frame()[:-1] + b"\x00", "checksum"),
        (frame()[:-1], "checksum"),
    ],
)
def test_what_is_no_frame_is_refused(value: bytes, message: str) -> None:
    with pytest.raises(StateFormatError, match=message):
        decode_frame(value, "enriched")


def test_a_frame_of_something_else_is_refused() -> None:
    body = msgspec.msgpack.encode({"a": 1})
    value = b"\xf7\x01" + zlib.crc32(body).to_bytes(4, "big") + body
    with pytest.raises(StateFormatError, match="not what its header says"):
        decode_frame(value, "enriched")
