"""Parts of joint rules as bytes."""

import msgspec
import pytest

from processor.engine import decode_part, encode_part
from processor.errors import StateFormatError
from processor.formats import FIRST_LEVEL, NEWEST_LEVEL
from processor.limits import PART_BYTES_MAX, PROFILE_BYTES_MAX, VALUE_CHARS_MAX
from tests.by_hand import part_of

LARGE = [2**63, 2**64, -(2**63) - 1, 2**70, -(2**70), 255 << 64, -(128 << 64)]


def part(**fields):
    values = {
        "rule": 2**63 - 1,
        "target_key": "user_id",
        "target_id": "jo",
        "key": "domain_sessionid",
        "ids": {"domain_sessionid": "é", "user_id": "jo"},
        "before": [None, True, 1, 1.5, "x", ["a", 1], {"a": 2}],
        "after": [None, False, -1, 1e308, "", [], {}],
        "told": [],
        "time_ms": 1_700_000_000_000,
        "event_id": "e1",
        "event_name": "click",
        "derived_tstamp": "2026-11-22 10:00:00.1",
        "topic": "enriched",
        "partition": 3,
        "offset": 2**62,
        "definitions_offset": -1,
    }
    return part_of(**(values | fields))


@pytest.mark.parametrize(("level", "start"), [(1, b"\xa8\x01"), (2, b"\xa8\x02")])
def test_a_part_comes_back_as_it_was(level, start):
    one = part()
    assert decode_part(encode_part(one, level)) == one
    assert encode_part(one, level)[:2] == start


@pytest.mark.parametrize("level", [1, 2])
def test_integers_beyond_64_bits_come_back(level):
    for one in (part(before=LARGE), part(after=LARGE), part(told=LARGE)):
        assert decode_part(encode_part(one, level)) == one


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: b"", "0 bytes is too short"),
        (lambda data: data[:1], "1 bytes is too short"),
        (lambda data: b"\xa8\x03" + data[2:], "0xa8/3 is not readable"),
        (lambda data: b"\xf7" + data[1:], "0xf7/1 is not readable"),
        (lambda data: data[:-3], "not what its header says"),
        (lambda data: data[:2] + b"\x91\x01", "not what its header says"),
        (lambda data: data[:2] + b"\xc1", "not what its header says"),
        (lambda data: data + b"\x00", "not what its header says"),
    ],
)
def test_what_is_no_part_of_level_1_is_refused_with_what_was_found(damage, message):
    with pytest.raises(StateFormatError, match=message):
        decode_part(damage(encode_part(part(), FIRST_LEVEL)))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:5], "5 bytes is too short"),
        (lambda data: data[:-3], "checksum"),
        (lambda data: data + b"\x00", "checksum"),
    ],
)
def test_a_part_that_was_damaged_on_its_way_is_refused(damage, message):
    with pytest.raises(StateFormatError, match=message):
        decode_part(damage(encode_part(part(), NEWEST_LEVEL)))


def test_an_extension_that_is_not_ours_is_refused():
    data = encode_part(part(before=[msgspec.msgpack.Ext(9, b"x")]), NEWEST_LEVEL)
    with pytest.raises(StateFormatError, match="not what its header says"):
        decode_part(data)


def test_a_part_that_is_too_large_goes_without_its_lists_and_maps():
    long = ["x" * VALUE_CHARS_MAX] * 100
    other = [*long[1:], "y"]
    one = part(
        before=[long, long, [], {"a": 1}, 2**70, "s"],
        after=[other, long, [], {"a": 2}, 2**70, "s"],
        told=[long, {"a": 1}, 5],
    )
    data = encode_part(one, NEWEST_LEVEL)
    assert len(data) < PART_BYTES_MAX
    found = decode_part(data)
    assert found.told == [None, None, 5]
    same = [before == after for before, after in zip(found.before, found.after, strict=True)]
    assert same == [False, True, True, False, True, True]
    assert [type(value) for value in found.after] == [list, list, list, list, int, str]
    assert found.after[2] == []


def test_the_largest_part_fits_the_record_of_a_profile_several_times():
    longest = ["x" * VALUE_CHARS_MAX] * 100
    data = encode_part(part(before=longest, after=longest, told=longest), NEWEST_LEVEL)
    assert PART_BYTES_MAX < len(data) < PROFILE_BYTES_MAX / 4
