import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.engine.contribution import Contribution
from processor.errors import StateFormatError
from processor.streaming.frames import Section, decode_frame, encode_frame, encode_section

values = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20)
values |= st.floats(allow_nan=False)
contributions = st.builds(
    Contribution,
    offset=st.integers(0, 2**62),
    key=st.text(max_size=10),
    id=st.text(max_size=10),
    time_ms=st.integers(0, 2**42),
    event_id=st.text(max_size=36),
    event_name=st.text(max_size=10),
    derived_tstamp=st.text(max_size=23),
    values=st.lists(st.tuples(st.integers(0, 2**63 - 1), values), max_size=4),
)
sections = st.builds(
    Section,
    topic_id=st.text(max_size=22),
    partition=st.integers(0, 1000),
    definitions_offset=st.integers(-1, 2**40),
    epoch=st.integers(0, 2**62),
    sequence=st.integers(0, 2**40),
    contributions=st.lists(contributions, max_size=5),
)


def frame(number: int = 1) -> bytes:
    section = Section("t", 1, 2, 3, 4, [])
    return encode_frame([encode_section(section)] * number)


@given(st.lists(sections, max_size=4))
def test_a_frame_holds_what_was_put_in(put_in: list[Section]) -> None:
    assert decode_frame(encode_frame([encode_section(one) for one in put_in])) == put_in


def test_a_frame_holds_a_thousand_sections() -> None:
    assert len(decode_frame(frame(1000))) == 1000


def test_the_format_is_as_documented() -> None:
    value = frame()
    assert value[0] == 0xF7
    assert value[1] == 1
    assert int.from_bytes(value[2:6], "big") == zlib.crc32(value[6:])
    assert msgspec.msgpack.decode(value[6:]) == [["t", 1, 2, 3, 4, []]]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"", "too short"),
        (b"\xf7\x01", "too short"),
        (b"\xf6" + frame()[1:], "format 0xf6/1"),
        (b"\xf7\x02" + frame()[2:], "format 0xf7/2"),
        (frame()[:-1] + b"\x00", "checksum"),
        (frame()[:-1], "checksum"),
    ],
)
def test_what_is_no_frame_is_refused(value: bytes, message: str) -> None:
    with pytest.raises(StateFormatError, match=message):
        decode_frame(value)


def test_a_frame_of_something_else_is_refused() -> None:
    body = msgspec.msgpack.encode({"a": 1})
    value = b"\xf7\x01" + zlib.crc32(body).to_bytes(4, "big") + body
    with pytest.raises(StateFormatError, match="not what its header says"):
        decode_frame(value)
