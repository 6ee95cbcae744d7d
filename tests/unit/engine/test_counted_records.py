import random
import struct
import zlib

import numpy as np
import pytest

from processor.engine.counted_records import (
    CountedRecord,
    Group,
    counted_records,
    decode_counted,
    encode_counted,
)
from processor.errors import StateFormatError
from processor.formats import FIRST_LEVEL, NEWEST_LEVEL
from processor.limits import COUNTED_RECORD_HASHES_MAX, PROFILE_BYTES_MAX

ARRIVAL_MS = 1_795_340_000_000


def group(arrival_ms, *hashes):
    return Group(arrival_ms, np.array(hashes, np.uint64))


def plain(record):
    return [(one.arrival_ms, one.hashes.tolist()) for one in record.groups]


@pytest.mark.parametrize("level", range(FIRST_LEVEL, NEWEST_LEVEL + 1))
def test_the_bytes_are_those_of_the_format(level):
    hashes = (0x1122334455667788, 2**64 - 1, 1)
    record = CountedRecord(2**64 - 2, [group(ARRIVAL_MS, *hashes[:2]), group(7, hashes[2])])
    body = struct.pack("<QI", 2**64 - 2, 2)
    body += struct.pack("<qIqI", ARRIVAL_MS, 2, 7, 1) + struct.pack("<3Q", *hashes)
    start = bytes((0xAC, level))
    assert encode_counted(record, level) == start + struct.pack(">I", zlib.crc32(body)) + body


def test_what_is_encoded_is_decoded():
    chance = random.Random(4)
    for _ in range(50):
        groups = [
            group(chance.randrange(2**42), *(chance.randrange(1, 2**64) for _ in range(size)))
            for size in chance.choices(range(1, 40), k=chance.randrange(1, 6))
        ]
        record = CountedRecord(chance.randrange(2**64), groups)
        found = decode_counted(encode_counted(record, NEWEST_LEVEL))
        assert (found.seed, plain(found)) == (record.seed, plain(record))
        assert found.arrival_ms == max(arrival_ms for arrival_ms, _ in plain(record))


def test_a_contribution_takes_little_more_than_eight_bytes():
    record = CountedRecord(1, [group(ARRIVAL_MS, *range(1, 201)), group(ARRIVAL_MS + 9, *range(9))])
    assert len(encode_counted(record, NEWEST_LEVEL)) <= 209 * 8.3


def test_many_hashes_are_several_records_in_their_order():
    most = COUNTED_RECORD_HASHES_MAX
    groups = [group(3, *range(1, most)), group(5, *range(2 * most)), group(9, 7, 8)]
    records = list(counted_records(6, groups))
    assert [sum(len(one.hashes) for one in record.groups) for record in records] == [
        most, most, most, 1,
    ]  # fmt: skip
    found = [pair for record in records for one in plain(record) for pair in zip_arrival(one)]
    assert found == [pair for one in groups for pair in zip_arrival(plain_group(one))]
    assert {record.seed for record in records} == {6}
    assert all(len(encode_counted(record, NEWEST_LEVEL)) < PROFILE_BYTES_MAX for record in records)


def plain_group(one):
    return one.arrival_ms, one.hashes.tolist()


def zip_arrival(one):
    return [(one[0], hashed) for hashed in one[1]]


def test_nothing_is_no_record():
    assert list(counted_records(6, [])) == []
    assert list(counted_records(6, [group(3)])) == []


GOOD = encode_counted(CountedRecord(5, [group(ARRIVAL_MS, 1, 2, 3), group(8, 4)]), FIRST_LEVEL)


def sealed(body):
    return b"\xac\x01" + struct.pack(">I", zlib.crc32(body)) + body


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "0 bytes is too short"),
        (b"\xad" + GOOD[1:], "0xad/1 is not readable"),
        (b"\xac\x09" + GOOD[2:], "0xac/9 is not readable"),
        (GOOD[:-1], "checksum"),
        (GOOD[:-1] + b"\xff", "checksum"),
        (sealed(GOOD[6:-8]), "as long as its header says"),
        (sealed(GOOD[6:] + bytes(8)), "as long as its header says"),
        (sealed(GOOD[6:] + b"\0"), "as long as its header says"),
        (sealed(GOOD[6:17]), "as long as its header says"),
        (sealed(struct.pack("<QI", 1, 0)), "as long as its header says"),
        (sealed(struct.pack("<QI", 1, 2**32 - 1) + bytes(40)), "as long as its header says"),
    ],
)
def test_damaged_bytes_are_refused(data, said):
    with pytest.raises(StateFormatError, match=said):
        decode_counted(data)
