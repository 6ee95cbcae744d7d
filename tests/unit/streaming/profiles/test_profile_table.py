"""What a flush leaves in the store, whole or in part."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from processor.engine import new_profile
from processor.errors import StateError
from processor.formats import FIRST_LEVEL, NEWEST_LEVEL
from processor.limits import PROFILE_BYTES_MAX, STORE_WRITE_BYTES
from processor.profile_inputs import ProfileInput
from processor.state import RocksDBStore
from processor.streaming.fetch.faults import fault_of
from processor.streaming.profiles.positions import Positions
from processor.streaming.profiles.profile_table import POSITIONS_KEY, ProfileTable, record_prefix
from processor.streaming.profiles.restore_mark import stored_restored

PROFILES = 200
LARGE = STORE_WRITE_BYTES // 50


class FullDisk(RocksDBStore):
    """A store that takes so many writes."""

    writes_left = 1_000_000

    def write(self, records: Iterable[tuple[bytes, bytes | None]]) -> None:
        if not self.writes_left:
            message = "no space left"
            raise StateError(message)
        self.writes_left -= 1
        super().write(records)


def change_all(table: ProfileTable, text: str) -> None:
    for number in range(PROFILES):
        profile = new_profile({})
        profile.head.slots[number] = text
        profile.changed = True
        table.changed(record_prefix("k", str(number)), profile)
    table.positions.next_offsets[ProfileInput.CONTRIBUTIONS] += 1
    for _ in table.begin_flush(NEWEST_LEVEL):
        pass


def test_a_record_that_is_too_large_names_its_profile_in_the_log_alone(tmp_path: Path) -> None:
    table = ProfileTable(RocksDBStore(tmp_path / "s"), Positions())
    profile = new_profile({})
    profile.head.slots[0] = "a" * (PROFILE_BYTES_MAX + 1)
    profile.changed = True
    table.changed(record_prefix("domain_userid", "visitor"), profile)
    with pytest.raises(StateError, match="a record of a profile of 'domain_userid'") as caught:
        list(table.begin_flush(FIRST_LEVEL))
    assert "visitor" not in f"{caught.value} {fault_of('c-1', caught.value)}"
    assert caught.value.private == "domain_userid 'visitor'"


@pytest.mark.parametrize("writes", [0, 1, 3])
def test_what_a_crash_leaves_of_a_flush_is_followed_by_the_changelog(
    tmp_path: Path, writes: int
) -> None:
    store = FullDisk(tmp_path / "s")
    table = ProfileTable(store, Positions())
    change_all(table, "a" * LARGE)
    table.publish()
    table.write("topic", 10, 0)
    table.end_flush()
    before = store.get(POSITIONS_KEY)
    change_all(table, "b" * LARGE)
    records = dict(table.flush_records)
    store.writes_left = writes
    with pytest.raises(StateError):
        table.write("topic", 20, 0)
    restored = stored_restored(store)
    assert restored is not None
    assert restored.next_offset == 10
    assert store.get(POSITIONS_KEY) == before
    store.writes_left = 1
    store.write(records.items())  # as a restore from offset 10 on does
    assert all(store.get(key) == value for key, value in records.items())


def test_a_flush_is_written_in_pieces_and_its_positions_last(tmp_path: Path) -> None:
    store = FullDisk(tmp_path / "s")
    table = ProfileTable(store, Positions())
    change_all(table, "a" * LARGE)
    records = dict(table.flush_records)
    table.publish()
    table.write("topic", 10, 0)
    assert FullDisk.writes_left - store.writes_left > 3
    assert all(store.get(key) == value for key, value in records.items())
    assert store.get(POSITIONS_KEY) == table.positions.encode(NEWEST_LEVEL)
