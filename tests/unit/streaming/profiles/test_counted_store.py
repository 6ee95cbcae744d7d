"""The records of counted events in a real store, over flushes, takeovers and removals."""

import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from processor.engine.counted_events import CountedEvents
from processor.engine.counted_records import decode_counted
from processor.errors import StateFormatError
from processor.formats import FIRST_LEVEL, NEWEST_LEVEL
from processor.limits import COUNTED_RECORD_HASHES_MAX, COUNTED_REMOVED_MAX
from processor.state import RocksDBStore
from processor.streaming.profiles.counted_store import COUNTED_TAG, CountedStore
from processor.streaming.profiles.profile_table import PROFILE_TAG
from tests.by_hand import contribution_of

HORIZON_MS = 128_000  # granules of a second
NOW_MS = 1_795_340_000_000
LIVE = frozenset([1])


class Partition:
    """What one owner after the other does with a store."""

    def __init__(self, store: RocksDBStore) -> None:
        self.store = store
        self.offset = 0
        self.take_over()

    def take_over(self, horizon_ms: int = HORIZON_MS) -> None:
        self.events = CountedEvents(horizon_ms, bytes_max=2**26, seed=5)
        self.records = CountedStore(self.store, self.events)
        for _ in self.records.load():
            pass

    def count(self, *names: str, arrival_ms: int) -> list[bool]:
        contributions = [
            contribution_of(0, "k", "i", 0, name, "", "", [(1, None)], None, arrival_ms)
            for name in names
        ]
        return self.events.count(contributions, LIVE)

    def flush(self, level: int = NEWEST_LEVEL) -> list[tuple[bytes, bytes | None]]:
        self.offset += 1
        found = list(self.records.flush_records(self.offset, level))
        self.store.write(found)
        return found

    @property
    def keys(self) -> list[bytes]:
        return [key for key, _ in self.store.scan() if key.startswith(COUNTED_TAG)]


@pytest.fixture
def partition(tmp_path: Path) -> Iterator[Partition]:
    with closing(RocksDBStore(tmp_path / "s")) as store:
        yield Partition(store)


def test_each_flush_adds_one_record_of_what_it_counted(partition: Partition) -> None:
    partition.count("a", "b", arrival_ms=NOW_MS)
    partition.count("c", arrival_ms=NOW_MS + 5_000)
    partition.count("d", arrival_ms=NOW_MS - 70_000)
    ((key, value),) = partition.flush()
    assert key == struct.pack(">cQQH", b"\x04", NOW_MS + 5_000, 1, 0)
    assert value is not None
    record = decode_counted(value)
    assert record.seed == 5
    assert [(one.arrival_ms - NOW_MS, len(one.hashes)) for one in record.groups] == [
        (-70_000, 1), (0, 2), (5_000, 1),
    ]  # fmt: skip
    assert partition.flush() == []
    partition.count("a", arrival_ms=NOW_MS)
    assert partition.flush() == [], "a duplicate is no news"


@pytest.mark.parametrize("level", [FIRST_LEVEL, NEWEST_LEVEL])
def test_the_next_owner_remembers_what_was_flushed_and_nothing_else(
    partition: Partition, level: int
) -> None:
    for number in range(50):
        partition.count(f"a{number}", arrival_ms=NOW_MS + number)
        partition.flush(level)
    partition.count("late", arrival_ms=NOW_MS)
    partition.take_over()
    assert len(partition.events) == 50
    again = [f"a{number}" for number in range(50)]
    assert partition.count("late", *again, arrival_ms=NOW_MS + 9) == [False] + [True] * 50


def test_a_flush_of_many_is_several_records_with_keys_of_their_own(partition: Partition) -> None:
    many = COUNTED_RECORD_HASHES_MAX + 7
    names = [str(number) for number in range(many)]
    partition.count(*names, arrival_ms=NOW_MS)
    keys = [key for key, _ in partition.flush()]
    assert [struct.unpack(">cQQH", key)[3] for key in keys] == [0, 1]
    partition.take_over()
    assert partition.count(*names, arrival_ms=NOW_MS) == [True] * many


def test_records_leave_as_a_whole_when_their_newest_is_forgotten(partition: Partition) -> None:
    partition.count("a", arrival_ms=NOW_MS)
    partition.count("b", arrival_ms=NOW_MS + 60_000)
    ((key, _),) = partition.flush()
    partition.events.forget_before(NOW_MS + HORIZON_MS + 30_000)
    assert partition.flush() == []
    partition.events.forget_before(NOW_MS + 60_000 + HORIZON_MS)
    assert partition.flush() == [], "it can still be met"
    partition.events.forget_before(NOW_MS + 60_000 + HORIZON_MS + 1_000)
    assert partition.flush() == [(key, None)]
    assert partition.keys == []
    assert partition.flush() == []


def test_removals_follow_a_jump_of_the_watermark_little_by_little(partition: Partition) -> None:
    flushes = 3 * COUNTED_REMOVED_MAX
    for number in range(flushes):
        partition.count(str(number), arrival_ms=NOW_MS + number * 1_000)
        partition.flush()
    partition.take_over()
    partition.events.forget_before(NOW_MS + 1_000 * flushes + HORIZON_MS)
    left = []
    while partition.keys:
        partition.count(f"new {len(left)}", arrival_ms=NOW_MS + 1_000_000)
        removed = [key for key, value in partition.flush() if value is None]
        assert len(removed) <= COUNTED_REMOVED_MAX
        left.append(len(partition.keys))
        if len(left) == 5:
            break
    assert left == [flushes + n - COUNTED_REMOVED_MAX * min(n, 3) for n in range(1, 6)]


def test_records_are_removed_in_the_order_of_arrival_whatever_the_order_of_flushes(
    partition: Partition,
) -> None:
    for name, seconds in (("new", 500), ("old", 0), ("middle", 200)):
        partition.count(name, arrival_ms=NOW_MS + seconds * 1_000)
        partition.flush()
    removed = []
    for seconds in (129, 329, 629):
        partition.events.forget_before(NOW_MS + seconds * 1_000 + 1_000)
        removed.append([struct.unpack(">cQQH", key)[2] for key, _ in partition.flush()])
    assert removed == [[2], [3], [1]]


def test_what_memory_does_not_hold_leaves_the_store_as_well(partition: Partition) -> None:
    partition.events.bytes_max = 0
    for second in range(20):
        names = [f"{second} {number}" for number in range(1_000)]
        partition.count(*names, arrival_ms=NOW_MS + second * 1_000)
        partition.flush()
    assert partition.events.held_ms < HORIZON_MS
    first = struct.unpack(">cQQH", partition.keys[0])[1]
    assert first >= NOW_MS + 19_000 - partition.events.held_ms - 1_000


def test_records_are_removed_where_it_was_turned_off(partition: Partition) -> None:
    partition.count("a", arrival_ms=NOW_MS)
    partition.flush()
    partition.take_over(horizon_ms=0)
    assert partition.count("a", arrival_ms=NOW_MS) == [False]
    ((_, value),) = partition.flush()
    assert value is None
    assert partition.keys == []


def test_other_records_beside_them_are_left_alone(partition: Partition) -> None:
    others = [(PROFILE_TAG + b"\x01k", b"head"), (b"\x05x", b"y"), (b"\x03", b"z")]
    partition.store.write(others)
    partition.take_over()
    partition.count("a", arrival_ms=NOW_MS)
    partition.flush()
    partition.events.forget_before(NOW_MS * 2)
    partition.flush()
    assert sorted(partition.store.scan()) == sorted(others)


def test_a_damaged_record_is_not_passed_over(partition: Partition) -> None:
    partition.count("a", arrival_ms=NOW_MS)
    ((key, value),) = partition.flush()
    assert value is not None
    partition.store.write([(key, value[:-1] + bytes([value[-1] ^ 1]))])
    with pytest.raises(StateFormatError, match="counted events does not match its checksum"):
        partition.take_over()
