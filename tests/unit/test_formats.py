"""The closed list of record kinds: a damaged or odd record of any kind is one StateFormatError."""

import json
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from processor.engine import (
    Profile,
    changed_records,
    decode_coverage,
    decode_part,
    decode_profile,
    encode_part,
    new_profile,
)
from processor.engine.counted_records import CountedRecord, Group, decode_counted, encode_counted
from processor.engine.joint.instance import JointInstance
from processor.engine.profile import ProfileHead, empty_head
from processor.errors import DamagedStoreError, StateFormatError
from processor.formats import FIRST_LEVEL, NEWEST_LEVEL, Format, Kind, RecordReader
from processor.streaming.messages.frames import Section, decode_frame, encode_section
from processor.streaming.profiles.positions import Positions
from processor.streaming.profiles.restore_mark import Restored, restored_record, stored_restored
from tests.by_hand import contribution_of, part_of

GOLDEN = Path(__file__).parents[1] / "data"
LEVELS = range(FIRST_LEVEL, NEWEST_LEVEL + 1)


# --- one record of each kind and format, and what reads it ---------------------------------------


@dataclass(frozen=True)
class Sample:
    """`record(level)` is a small record of a kind, and `read` reads it."""

    read: Callable[[bytes], object]
    record: Callable[[int], bytes]
    older: tuple[bytes, ...] = ()

    @property
    def records(self) -> list[bytes]:
        """One of each format that is read."""
        return [*map(self.record, LEVELS), *self.older]


@cache
def golden(level: int) -> Any:
    return json.loads((GOLDEN / f"records-level-{level}.json").read_text())


def golden_record(name: str) -> Callable[[int], bytes]:
    return lambda level: bytes.fromhex(golden(level)[name])


def profile_record(kind: Kind) -> Callable[[int], bytes]:
    """Return the smallest golden record of a kind that a profile consists of."""

    def record(level: int) -> bytes:
        records = map(bytes.fromhex, golden(level)["profile"].values())
        start = kind.written[level - FIRST_LEVEL].start
        return min((one for one in records if one.startswith(start)), key=len)

    return record


def counted(level: int) -> bytes:
    groups = [Group(8, np.array([4, 5], np.uint64)), Group(9, np.array([6], np.uint64))]
    return encode_counted(CountedRecord(5, groups), level)


def positions_of_format_1() -> bytes:
    body = msgspec.msgpack.encode(["topic-id", 42, [["source-id", 0, 7, 1, 40, 0]]])
    return b"\xa7\x01" + zlib.crc32(body).to_bytes(4) + body


def read_frame(record: bytes) -> object:
    return decode_frame(record, "enriched")


def read_head(record: bytes) -> object:
    return decode_profile(record, {})


def read_window_part(record: bytes) -> object:
    return new_profile({bytes(12): record}).parts.get(bytes(12))


def read_state(record: bytes) -> object:
    return new_profile({bytes(8): record}).parts.get(bytes(8))


def read_mark(record: bytes) -> object:
    key, _ = restored_record(Restored("", 0, 0))
    store: Any = {key: record}  # of a store, it uses `get` alone
    try:
        return stored_restored(store)
    except DamagedStoreError as error:
        raise error.__cause__ or error from None


SAMPLES = {
    Kind.FRAME: Sample(read_frame, golden_record("frame")),
    Kind.HEAD: Sample(read_head, profile_record(Kind.HEAD)),
    Kind.CHUNK: Sample(read_window_part, profile_record(Kind.CHUNK)),
    Kind.NODE: Sample(read_window_part, profile_record(Kind.NODE)),
    Kind.LIFETIME_STATE: Sample(read_state, profile_record(Kind.LIFETIME_STATE)),
    Kind.POSITIONS: Sample(
        Positions.decode, golden_record("positions"), (positions_of_format_1(),)
    ),
    Kind.COVERAGE: Sample(decode_coverage, golden_record("coverage")),
    Kind.PART: Sample(decode_part, lambda level: bytes.fromhex(golden(level)["parts"][0])),
    Kind.COUNTED: Sample(decode_counted, counted),
    Kind.RESTORE_MARK: Sample(
        read_mark, lambda _level: restored_record(Restored("topic-id", 42, 1_700_000_000_000))[1]
    ),
}
EACH_FORMAT = [
    pytest.param(kind, record, form, id=f"{kind.name} {form}")
    for kind, sample in SAMPLES.items()
    for record, form in zip(sample.records, kind.readable, strict=True)
]


def test_every_kind_has_a_sample() -> None:
    assert SAMPLES.keys() == set(Kind)


@pytest.mark.parametrize(("kind", "record", "form"), EACH_FORMAT)
def test_a_record_of_every_format_is_read(kind: Kind, record: bytes, form: Format) -> None:
    assert record.startswith(form.start)
    SAMPLES[kind].read(record)


@pytest.mark.parametrize(("kind", "record", "form"), EACH_FORMAT)
def test_a_record_that_is_cut_anywhere_is_refused(kind: Kind, record: bytes, form: Format) -> None:
    for length in range(len(record)):
        with pytest.raises(StateFormatError):
            SAMPLES[kind].read(record[:length])


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
@pytest.mark.parametrize(("kind", "record", "form"), EACH_FORMAT)
def test_a_record_with_any_byte_flipped_is_refused(
    kind: Kind, record: bytes, form: Format, flip: int
) -> None:
    for at in range(len(record)):
        damaged = record[:at] + bytes([record[at] ^ flip]) + record[at + 1 :]
        other_format = any(damaged.startswith(one.start) for one in kind.readable if one != form)
        if other_format or (not form.checksum and at >= len(form.start)):
            with suppress(StateFormatError):  # it may be a record that says something else
                SAMPLES[kind].read(damaged)
        else:
            with pytest.raises(StateFormatError):
                SAMPLES[kind].read(damaged)


ODD_BODIES = {
    "nothing": b"",
    "null": b"\xc0",
    "a number": b"\xcd\x01\x00",
    "an array of nulls": b"\x9f" + b"\xc0" * 15,
    "two arrays that do not belong together": b"\x92\x92\x01\x02\x91\x01",
    "no msgpack": b"\xc1",
    "more than it should hold": b"\x90\x90",
    "text that is not UTF-8": b"\xa1\xff",
    "an array in an array, too often": b"\x91" * 5_000,
    "an extension": b"\xc7\x01\x05a",
}
# Whatever decodes can be a state: the family of the accumulator alone knows more.
NOT_A_STATE = ("nothing", "no msgpack", "text that is not UTF-8", "more than it should hold")


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.LIFETIME_STATE])
@pytest.mark.parametrize("body", ODD_BODIES.values(), ids=ODD_BODIES)
def test_a_body_that_is_not_of_its_kind_is_refused(kind: Kind, body: bytes) -> None:
    with pytest.raises(StateFormatError):
        SAMPLES[kind].read(kind.seal(body, NEWEST_LEVEL))


@pytest.mark.parametrize("name", NOT_A_STATE)
def test_a_state_that_does_not_decode_is_refused(name: str) -> None:
    with pytest.raises(StateFormatError, match="a profile part record is not what its header says"):
        read_state(Kind.LIFETIME_STATE.seal(ODD_BODIES[name], NEWEST_LEVEL))


@pytest.mark.parametrize("level", LEVELS)
def test_a_state_is_not_read_as_a_part_of_a_window_nor_the_other_way(level: int) -> None:
    with pytest.raises(StateFormatError, match="is not readable"):
        read_window_part(SAMPLES[Kind.LIFETIME_STATE].record(level))
    for kind in (Kind.CHUNK, Kind.NODE):
        with pytest.raises(StateFormatError, match="is not readable"):
            read_state(SAMPLES[kind].record(level))


# --- the list of kinds ---------------------------------------------------------------------------


def body_of(reader_of: Kind, record: bytes) -> bytes:
    return bytes(RecordReader({reader_of: bytes}).unseal(record))


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("level", LEVELS)
def test_what_was_sealed_is_unsealed(kind: Kind, level: int) -> None:
    assert body_of(kind, kind.seal(b"\x91\x01", level)) == b"\x91\x01"


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.RESTORE_MARK])
def test_every_level_has_a_format_of_its_own(kind: Kind) -> None:
    starts = [one.start for one in kind.readable]
    assert len(kind.written) == NEWEST_LEVEL - FIRST_LEVEL + 1
    assert len(set(starts)) == len(starts)


@pytest.mark.parametrize("kind", Kind)
def test_from_level_2_on_a_magic_names_one_kind(kind: Kind) -> None:
    others = [one.written[-1].magic for one in Kind if one is not kind]
    assert kind.written[-1].magic not in others


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda record: b"", "a frame of 0 bytes is too short"),
        (lambda record: record[:1], "a frame of 1 bytes is too short"),
        (lambda record: record[:5], "a frame of 5 bytes is too short"),
        (lambda record: record[:1] + b"\x09" + record[2:], "0xf7/9 is not readable"),
        (lambda record: b"\x00" + record[1:], "0x00/2 is not readable"),
        (lambda record: record[:-1], "a frame does not match its checksum"),
        (lambda record: record + b"\x00", "a frame does not match its checksum"),
    ],
)
def test_the_error_names_the_kind_and_what_is_wrong(damage: Any, message: str) -> None:
    with pytest.raises(StateFormatError, match=message):
        body_of(Kind.FRAME, damage(Kind.FRAME.seal(b"\x91\x01", NEWEST_LEVEL)))


def test_the_error_for_a_newer_format_names_those_that_are_read() -> None:
    with pytest.raises(StateFormatError) as caught:
        body_of(Kind.FRAME, b"\xf7\x03" + zlib.crc32(b"").to_bytes(4))
    assert caught.value.message == "a frame of format 0xf7/3 is not readable"
    assert caught.value.hint.startswith("this version reads 0xf7/1, 0xf7/2: ")


# --- a field that a newer level appends ----------------------------------------------------------


class LongerHead(ProfileHead):
    appended: int = 17


class LongerInstance(JointInstance):
    appended: int = 17


def longer(cls: type, shorter: msgspec.Struct) -> Any:
    return cls(*msgspec.structs.astuple(shorter))


def test_a_contribution_of_level_1_has_the_fields_of_level_1() -> None:
    one = contribution_of(7, "user_id", "jo", 5, "e", "click", "", [(1, None)], None, 17)
    section = Section("t", 1, 2, 3, 4, [one, one])
    first, newest = (msgspec.msgpack.decode(encode_section(section, level)) for level in (1, 2))
    assert newest == [*first[:5], [[*shorter, 17] for shorter in first[5]], False]


def test_a_head_of_level_1_has_the_fields_of_level_1() -> None:
    def encoded(head: ProfileHead, level: int) -> bytes:
        profile = Profile(head=head)
        profile.changed = True
        head.firings[1] = (2, 3)
        ((_, record),) = changed_records(profile, level)
        assert record is not None
        return record

    head = empty_head()
    instance = JointInstance({"user_id": "jo"}, {"user_id": b"heard"}, "e", 5)
    head.joints[3] = [instance]
    grown = longer(LongerHead, head)
    grown.joints = {3: [longer(LongerInstance, instance)]}
    assert encoded(grown, 1) == encoded(head, 1)
    fields = msgspec.msgpack.decode(encoded(grown, 2)[6:], strict=False)
    assert fields[-1] == fields[8][3][0][-1] == 17


@pytest.mark.parametrize("values", [[1], [2**70]])
def test_a_part_of_level_1_has_the_fields_of_level_1(values: list[int]) -> None:
    part = part_of(1, "u", "jo", "u", {}, values, [2], [3], 5, "e", "click", "", "t", 0, 7, -1, 17)
    first = msgspec.msgpack.decode(encode_part(part, 1)[2:])
    assert msgspec.msgpack.decode(encode_part(part, 2)[6:]) == [*first, 17]
