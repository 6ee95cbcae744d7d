import struct
import zlib

import msgspec
import pytest

from processor.errors import SequenceError, StateFormatError
from processor.streaming.frames import Section
from processor.streaming.positions import Offsets, Positions


def section(epoch: int, sequence: int, *, partition: int = 0, topic_id: str = "t") -> Section:
    return Section(topic_id, partition, 0, epoch, sequence, [])


def test_sections_of_an_epoch_are_taken_in_order() -> None:
    positions = Positions("c")
    assert all(positions.admit(section(5, number)) is not None for number in range(3))


def test_a_section_of_a_former_owner_is_dropped() -> None:
    positions = Positions("c")
    positions.admit(section(5, 0))
    assert positions.admit(section(4, 0)) is None
    assert positions.admit(section(4, 7)) is None
    assert positions.admit(section(5, 1)) is not None


def test_a_section_that_is_applied_is_dropped() -> None:
    positions = Positions("c")
    positions.admit(section(5, 0))
    assert positions.admit(section(5, 0)) is None


@pytest.mark.parametrize("found", [section(5, 2), section(6, 1)])
def test_a_missing_section_stops(found: Section) -> None:
    positions = Positions("c")
    positions.admit(section(5, 0))
    with pytest.raises(SequenceError, match="was next"):
        positions.admit(found)


def test_sources_are_held_apart_by_topic_and_partition() -> None:
    positions = Positions("c")
    positions.admit(section(5, 0))
    assert positions.admit(section(1, 0, partition=1)) is not None
    assert positions.admit(section(1, 0, topic_id="made anew")) is not None


def test_event_time_is_the_least_that_sources_have_reached_idle_ones_aside() -> None:
    positions = Positions("c")
    assert positions.event_time_ms(0) is None
    for partition, time_ms in enumerate((1000, 5000, 7000)):
        position = positions.admit(section(1, 0, partition=partition))
        assert position is not None
        position.time_ms = time_ms
    assert positions.event_time_ms(0) == 1000
    assert positions.event_time_ms(1000) == 5000
    assert positions.event_time_ms(7000) is None


def test_positions_survive_their_bytes() -> None:
    positions = Positions("c", 42, "r", 43)
    position = positions.admit(section(5, 0, partition=3))
    assert position is not None
    position.offset, position.time_ms = 17, 99
    again = Positions.decode(positions.encode())
    assert again.topic_id == "c"
    assert again.rules_topic_id == "r"
    assert again.offsets == Offsets(contributions=42, rules=43)
    assert again.encode() == positions.encode()
    assert again.admit(section(5, 0, partition=3)) is None
    admitted = again.admit(section(5, 1, partition=3))
    assert admitted is not None
    assert (admitted.offset, admitted.time_ms) == (17, 99)


def test_a_record_from_before_there_was_a_rules_topic_is_read() -> None:
    body = msgspec.msgpack.encode(["c", 42, [["t", 3, 5, 1, 17, 99]]])
    positions = Positions.decode(struct.pack(">BBI", 0xA7, 1, zlib.crc32(body)) + body)
    assert (positions.topic_id, positions.rules_topic_id) == ("c", "")
    assert positions.offsets == Offsets(contributions=42, rules=0)
    assert positions.newest_ms() == 99


def test_a_record_of_a_newer_format_is_refused() -> None:
    data = Positions("c", 1).encode()
    with pytest.raises(StateFormatError, match="0xa7/3 are not"):
        Positions.decode(data[:1] + bytes((3,)) + data[2:])


@pytest.mark.parametrize(
    ("change", "message"),
    [(lambda b: b"\x00" + b[1:], "format"), (lambda b: b[:-1] + b"\x7f", "checksum")],
)
def test_other_bytes_are_refused(change: object, message: str) -> None:
    assert callable(change)
    with pytest.raises(StateFormatError, match=message):
        Positions.decode(change(Positions("c", 1).encode()))
