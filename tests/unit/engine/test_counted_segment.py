import random

import numpy as np
import pytest

from processor.engine.counted_segment import SLOT_MASK, SLOTS, SPARE_SLOTS, Entries, Segment

ALL = (0, 2**64 - 1)


def entries(*pairs):
    hashes, granules = zip(*pairs, strict=True) if pairs else ((), ())
    return Entries(np.array(hashes, np.uint64), np.array(granules, np.int64))


def pairs(found):
    return sorted(zip(found.hashes.tolist(), found.granules.tolist(), strict=True))


def probed(segment, wanted):
    """The granule of a hash, as a look-up finds it; None where it is not there."""
    at = wanted & SLOT_MASK
    while segment.slots[at] and segment.slots[at] != wanted:
        at += 1
    return segment.base + segment.granules[at] if segment.slots[at] else None


def test_what_fills_a_segment_is_found_by_a_probe_and_given_back():
    chance = random.Random(3)
    given = {chance.randrange(1, 2**64): chance.randrange(700, 66_000) for _ in range(6_000)}
    segment = Segment(700)
    assert pairs(segment.fill(entries(*given.items()))) == []
    assert pairs(segment.entries(*ALL)) == sorted(given.items())
    assert {one: probed(segment, one) for one in given} == given
    assert probed(segment, 12345) is None


def test_hashes_of_one_slot_stand_behind_each_other_also_behind_the_last_one():
    given = [((number << 13) | SLOT_MASK, number) for number in range(1, SPARE_SLOTS + 2)]
    segment = Segment(0)
    assert pairs(segment.fill(entries(*given))) == []
    assert [probed(segment, one) for one, _ in given[:-1]] == list(range(1, SPARE_SLOTS + 1))


def test_what_finds_no_room_is_given_back():
    given = [((number << 13) | SLOT_MASK, number) for number in range(1, SPARE_SLOTS + 9)]
    segment = Segment(0)
    left = pairs(segment.fill(entries(*given)))
    assert len(left) == 7
    assert sorted(left + pairs(segment.entries(*ALL))) == given


def test_only_the_hashes_of_a_range_are_given():
    segment = Segment(0)
    segment.fill(entries((5, 1), (6, 2), (7, 3), (2**64 - 1, 4)))
    assert pairs(segment.entries(6, 7)) == [(6, 2), (7, 3)]
    assert pairs(segment.entries(0, 5)) == [(5, 1)]
    assert pairs(segment.entries(8, 2**64 - 1)) == [(2**64 - 1, 4)]


@pytest.mark.parametrize("granule", [99, 100 + 65_536])
def test_a_granule_that_does_not_fit_is_an_error(granule):
    segment = Segment(100)
    segment.granules[5] = 65_535
    with pytest.raises(ValueError, match="invalid value"):
        segment.granules[5] = granule - segment.base


def test_a_probe_behind_the_last_slot_is_an_error():
    with pytest.raises(IndexError):
        Segment(0).slots[SLOTS + SPARE_SLOTS]


def test_of_a_hash_that_is_twice_there_the_latest_stays():
    kept, left = entries((9, 1), (3, 5)).joined(entries((3, 4), (1, 7), (9, 2)))
    assert list(zip(*map(np.ndarray.tolist, kept), strict=True)) == [(1, 7), (3, 5), (9, 2)]
    assert pairs(left) == [(3, 4), (9, 1)]
