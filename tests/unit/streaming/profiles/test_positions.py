import struct
import zlib
from typing import Any

import msgspec
import pytest

from processor.errors import SequenceError, StateFormatError
from processor.formats import FIRST_LEVEL, NEWEST_LEVEL
from processor.profile_inputs import ProfileInput
from processor.streaming.messages.frames import Section
from processor.streaming.profiles.positions import Positions
from tests.unit.streaming.fakes import offsets

TOPIC_IDS = {one: f"{one.title}-id" for one in ProfileInput}
LEVELS = range(FIRST_LEVEL, NEWEST_LEVEL + 1)


def section(epoch: int, sequence: int, *, partition: int = 0, topic_id: str = "t") -> Section:
    return Section(topic_id, partition, 0, epoch, sequence, [])


def test_sections_of_an_epoch_are_taken_in_order() -> None:
    positions = Positions()
    assert all(positions.admit(section(5, number)) is not None for number in range(3))


def test_a_section_of_a_former_owner_is_dropped() -> None:
    positions = Positions()
    positions.admit(section(5, 0))
    assert positions.admit(section(4, 0)) is None
    assert positions.admit(section(4, 7)) is None
    assert positions.admit(section(5, 1)) is not None


def test_a_section_that_is_applied_is_dropped() -> None:
    positions = Positions()
    positions.admit(section(5, 0))
    assert positions.admit(section(5, 0)) is None


@pytest.mark.parametrize("found", [section(5, 2), section(6, 1)])
def test_a_missing_section_stops(found: Section) -> None:
    positions = Positions()
    positions.admit(section(5, 0))
    with pytest.raises(SequenceError, match="arrived, expected"):
        positions.admit(found)


def test_sections_behind_a_gap_are_found_before_they_are_admitted() -> None:
    positions = Positions()
    positions.admit(section(5, 0))
    frame = [section(4, 9), section(5, 1), section(5, 3), section(6, 0), section(6, 2)]
    other = [section(1, 1, partition=1), section(1, 0, topic_id="another")]
    assert positions.gaps([*frame, *other]) == [frame[2], frame[4], other[0]]
    assert positions.gaps([section(5, 0), section(5, 1), section(5, 2), section(7, 0)]) == []
    assert positions.admit(section(5, 1)) is not None, "nothing was admitted by looking"


def test_behind_a_gap_that_a_later_epoch_covers_only_that_epoch_goes_on() -> None:
    positions = Positions()
    positions.admit(section(5, 0))
    positions.supersede(section(5, 2), 8)
    assert positions.admit(section(5, 2)) is None
    assert positions.admit(section(7, 0)) is None
    with pytest.raises(SequenceError):
        positions.admit(section(8, 1))
    assert positions.admit(section(8, 0)) is not None


@pytest.mark.parametrize("level", LEVELS)
def test_behind_a_move_the_next_section_of_each_source_has_any_number(level: int) -> None:
    moved = Positions()
    moved.admit(section(5, 0))
    moved.pass_over("t", 3)
    positions = Positions.decode(moved.encode(level))
    assert positions.gaps([section(5, 7), section(9, 4, partition=2)]) == []
    assert positions.admit(section(4, 9)) is None, "a former owner's stay out"
    assert positions.admit(section(5, 7)) is not None
    assert positions.admit(section(5, 7)) is None
    assert positions.admit(section(9, 4, partition=2)) is not None
    assert positions.admit(section(5, 8)) is not None
    with pytest.raises(SequenceError):
        positions.admit(section(5, 10))
    with pytest.raises(SequenceError):
        positions.admit(section(9, 1, partition=3))


def test_sources_are_held_apart_by_topic_and_partition() -> None:
    positions = Positions()
    positions.admit(section(5, 0))
    assert positions.admit(section(1, 0, partition=1)) is not None
    assert positions.admit(section(1, 0, topic_id="made anew")) is not None


@pytest.mark.parametrize("level", LEVELS)
def test_positions_survive_their_bytes(level: int) -> None:
    known = offsets(*range(42, 42 + len(ProfileInput)))
    positions = Positions(TOPIC_IDS, known)
    position = positions.admit(section(5, 0, partition=3))
    assert position is not None
    position.offset, position.time_ms = 17, 99
    again = Positions.decode(positions.encode(level))
    assert again.topic_ids == TOPIC_IDS
    assert again.offsets == known
    assert again.encode(level) == positions.encode(level)
    assert again.admit(section(5, 0, partition=3)) is None
    admitted = again.admit(section(5, 1, partition=3))
    assert admitted is not None
    assert (admitted.offset, admitted.time_ms) == (17, 99)


def test_a_record_from_before_there_was_a_rules_topic_is_read() -> None:
    body = msgspec.msgpack.encode(["c", 42, [["t", 3, 5, 1, 17, 99]]])
    positions = Positions.decode(struct.pack(">BBI", 0xA7, 1, zlib.crc32(body)) + body)
    assert set(positions.topic_ids.values()) == {"c", ""}
    assert positions.topic_ids[ProfileInput.CONTRIBUTIONS] == "c"
    positions.note_topics(TOPIC_IDS)
    assert positions.topic_ids == TOPIC_IDS | {ProfileInput.CONTRIBUTIONS: "c"}
    assert positions.offsets == offsets(42, 0)


def fields_of(record: bytes) -> list[Any]:
    fields: list[Any] = msgspec.msgpack.decode(record[6:])  # after its header
    return fields


def with_a_later_input(level: int) -> bytes:
    """What a version with one more input writes."""
    written = Positions({}, offsets(42, 43)).encode(level)
    fields = fields_of(written)
    not_known = [0, -1, 0]
    fields += [*not_known[len(fields) - 5 :], {"later": ["later-id", 7]}]
    body = msgspec.msgpack.encode(fields)
    return written[:2] + struct.pack(">I", zlib.crc32(body)) + body


@pytest.mark.parametrize("level", LEVELS)
def test_inputs_that_this_version_does_not_know_are_kept(level: int) -> None:
    """At level 1 too: the fields that it does not have are then read as not known."""
    positions = Positions.decode(with_a_later_input(level))
    assert positions.offsets == offsets(42, 43)
    assert (positions.taken_over_ms, positions.remembered_since_ms) == (0, -1)
    positions.next_offsets[ProfileInput.RULES] = 44
    for again in map(positions.encode, LEVELS):
        assert Positions.decode(again).offsets == offsets(42, 44)
        assert fields_of(again)[-1] == {"later": ["later-id", 7]}


@pytest.mark.parametrize(("level", "count"), [(1, 5), (2, 8)])
def test_nothing_is_written_of_further_inputs_where_none_is_noted(level: int, count: int) -> None:
    assert len(fields_of(Positions({}, offsets(42, 43)).encode(level))) == count


def test_offsets_that_were_taken_do_not_move_with_the_positions() -> None:
    positions = Positions()
    taken = positions.offsets
    positions.next_offsets[ProfileInput.CONTRIBUTIONS] += 1
    assert taken == offsets(0)
    assert positions.offsets == offsets(1)


def test_a_record_of_a_newer_format_is_refused() -> None:
    data = Positions({}, offsets(1)).encode(NEWEST_LEVEL)
    with pytest.raises(StateFormatError, match="0xa7/9 is not readable"):
        Positions.decode(data[:1] + bytes((9,)) + data[2:])


@pytest.mark.parametrize(
    ("change", "message"),
    [(lambda b: b"\x00" + b[1:], "format"), (lambda b: b[:-1] + b"\x7f", "checksum")],
)
def test_other_bytes_are_refused(change: object, message: str) -> None:
    assert callable(change)
    with pytest.raises(StateFormatError, match=message):
        Positions.decode(change(Positions({}, offsets(1)).encode(NEWEST_LEVEL)))


def test_what_former_epochs_applied_comes_again_in_the_next_one() -> None:
    positions = Positions()
    first = positions.admit(section(5, 0))
    assert first is not None
    assert first.replayed_to == -1
    first.offset = 17
    again = positions.admit(section(5, 1))
    assert again is not None
    assert again.replayed_to == -1, "in one epoch nothing comes again, more of an offset can"
    later = positions.admit(section(6, 0))
    assert later is not None
    assert later.replayed_to == 17


DAY_MS, NOW_MS = 86_400_000, 1_800_000_000_000


def remembered(*takeovers: tuple[int, int], next_offset: int = 0) -> int:
    """Since when events are remembered after takeovers at some times, with these horizons."""
    positions = Positions({}, offsets(next_offset))
    for horizon_ms, now_ms in takeovers:
        positions.remember(horizon_ms, now_ms)
        positions = Positions.decode(positions.encode(NEWEST_LEVEL))
    return positions.remembered_since_ms


def test_events_are_remembered_from_the_beginning_of_a_partition() -> None:
    assert remembered((DAY_MS, NOW_MS), (DAY_MS, NOW_MS + DAY_MS)) == 0


def test_events_are_remembered_since_they_began_to_be() -> None:
    """An upgrade from a version that did not, or a horizon that was 0."""
    taken = (DAY_MS, NOW_MS), (DAY_MS, NOW_MS + 5)
    assert remembered(*taken, next_offset=9) == NOW_MS
    assert remembered((0, NOW_MS - 5), *taken, next_offset=9) == NOW_MS
    assert remembered((DAY_MS, 5), (0, 7), *taken, next_offset=9) == NOW_MS


def test_a_longer_horizon_begins_with_the_shorter_one() -> None:
    hour_ms = 3_600_000
    assert remembered((hour_ms, 5), (DAY_MS, NOW_MS), next_offset=9) == NOW_MS - hour_ms
    assert remembered((DAY_MS, 5), (hour_ms, 9), next_offset=9) == 5
