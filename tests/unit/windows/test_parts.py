import pytest

from processor.limits import PARTS_LOADED_MAX, STATES_REMEMBERED_MAX
from processor.windows import Chunk, Parts


def chunk(number):
    return Chunk([number], [number])


class Stored:
    """A chunk under every suffix; `read_suffixes` are those that were read."""

    def __init__(self):
        self.read_suffixes = []

    def read(self, suffix):
        self.read_suffixes.append(suffix)
        return chunk(0)


def test_a_stored_part_is_read_once():
    stored = Stored()
    parts = Parts(stored)
    assert parts.get(b"a") is parts.get(b"a")
    assert stored.read_suffixes == [b"a"]


def test_changes_are_given_out_once_with_deletions_as_none():
    parts = Parts(Stored())
    kept = chunk(1)
    parts.put(b"a", kept)
    parts.put(b"b", chunk(2))
    parts.delete(b"b")
    assert parts.take_changes() == [(b"a", kept), (b"b", None)]
    assert parts.take_changes() == []


def test_the_parts_that_were_got_last_stay_loaded_after_the_changes_are_given_out():
    stored = Stored()
    parts = Parts(stored)
    suffixes = [bytes([number]) for number in range(PARTS_LOADED_MAX + 3)]
    for suffix in suffixes:
        parts.put(suffix, chunk(1))
    parts.get(suffixes[0])
    parts.take_changes()
    for suffix in suffixes:
        parts.get(suffix)
    assert stored.read_suffixes == suffixes[1:4]


def test_without_a_store_every_part_stays():
    parts = Parts()
    for number in range(20):
        parts.put(bytes([number]), chunk(number))
    parts.take_changes()
    assert [parts.get(bytes([number])).times for number in range(20)] == [[n] for n in range(20)]
    with pytest.raises(AssertionError):
        parts.get(b"unknown")


def test_a_state_is_remembered_for_its_stamp():
    parts = Parts()
    parts.remember((1, "sum", 5, "inside"), (3, 4), 7)
    assert parts.remembered((1, "sum", 5, "inside"), (3, 4)) == 7
    assert parts.remembered((1, "sum", 5, "inside"), (3, 5)) is None
    assert parts.remembered((1, "sum", 6, "inside"), (3, 4)) is None


def test_few_states_are_remembered():
    parts = Parts()
    names = [(number, "sum", 5, "inside") for number in range(3 * STATES_REMEMBERED_MAX)]
    for name in names:
        parts.remember(name, (1,), 7)
    found = [parts.remembered(name, (1,)) for name in names]
    assert 0 < found.count(7) <= STATES_REMEMBERED_MAX
