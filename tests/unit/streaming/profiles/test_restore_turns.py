"""Many restores at once: a few have a place, and one at a time works."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from processor.kafka.record import FetchedRecord
from processor.limits import RESTORES_MAX, SHORT_RESTORE_OFFSETS
from processor.settings import Settings
from processor.state import RocksDBStore
from processor.streaming.profiles import takeover
from processor.streaming.profiles.restore_mark import stored_restored
from processor.streaming.profiles.restore_turns import RestoreStoppedError, RestoreTurns
from processor.streaming.profiles.takeover import TakeoverPlace, restore

LONG = SHORT_RESTORE_OFFSETS + 1
PARTITIONS = 4 * RESTORES_MAX
RECORDS = 50


def always() -> bool:
    return True


def never() -> bool:
    return False


class Changelogs:
    """Changelogs of so many offsets, and who reads them at this moment."""

    def __init__(self, offsets: int) -> None:
        self.offsets = offsets
        self.lock = threading.Lock()
        self.reading = self.most = 0
        self.all_in = threading.Barrier(PARTITIONS) if offsets <= SHORT_RESTORE_OFFSETS else None

    def reader(self, *_place: Any) -> "Reader":
        return Reader(self)


class Reader:
    """Reads one of them."""

    def __init__(self, of: Changelogs) -> None:
        self.of = of

    def bounds(self) -> tuple[int, int]:
        return 0, self.of.offsets

    def read(self, _start: int | None, _progress: Any) -> Iterator[list[FetchedRecord]]:
        with self.of.lock:
            self.of.reading += 1
            self.of.most = max(self.of.most, self.of.reading)
        if self.of.all_in is not None:
            self.of.all_in.wait(30)
        for offset in range(RECORDS):
            yield [FetchedRecord("changelog", 0, offset, 0, 0, b"\x02%d" % offset, b"v")]
        with self.of.lock:
            self.of.reading -= 1

    def close(self) -> None:
        pass


def restore_all(
    changelogs: Changelogs, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> list[float]:
    """Restore all partitions at once; return the ends that were told before they were read."""
    monkeypatch.setattr(takeover, "PartitionReader", changelogs.reader)
    turns = RestoreTurns()
    told: list[float] = []

    def one(number: int) -> int:
        place = TakeoverPlace(Settings(), number, "changelog", {}, turns)
        store = RocksDBStore(directory / str(number))
        read = restore(place, store, lambda progress: told.append(progress.end), always)
        assert store.get(b"\x020") == b"v"
        store.close()
        return read

    with ThreadPoolExecutor(PARTITIONS) as executor:
        assert sum(executor.map(one, range(PARTITIONS))) == PARTITIONS * RECORDS
    return told


def test_only_a_few_long_restores_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changelogs = Changelogs(LONG)
    told = restore_all(changelogs, tmp_path, monkeypatch)
    assert 1 <= changelogs.most <= RESTORES_MAX
    assert told == [LONG] * PARTITIONS, "those that wait count as to be read"


def test_short_restores_wait_for_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changelogs = Changelogs(SHORT_RESTORE_OFFSETS)
    restore_all(changelogs, tmp_path, monkeypatch)
    assert changelogs.most == PARTITIONS


def fail(turns: RestoreTurns) -> None:
    with turns.place(LONG, always), turns.work():
        message = "damaged"
        raise ValueError(message)


def test_a_place_is_free_again_after_a_restore_that_failed() -> None:
    turns = RestoreTurns()
    for _ in range(2 * RESTORES_MAX):
        with pytest.raises(ValueError, match="damaged"):
            fail(turns)
    with turns.place(LONG, always), turns.work():
        pass


def wait_in_vain(turns: RestoreTurns) -> None:
    with turns.place(LONG, never):
        pass


def test_who_is_not_wanted_any_more_waits_for_no_place() -> None:
    turns = RestoreTurns()
    with ExitStack() as places:
        for _ in range(RESTORES_MAX):
            places.enter_context(turns.place(LONG, always))
        with pytest.raises(RestoreStoppedError):
            wait_in_vain(turns)
    with ExitStack() as places:
        for _ in range(RESTORES_MAX):
            places.enter_context(turns.place(LONG, always))


class Log:
    """A changelog of single records; says where it was read from."""

    def __init__(self) -> None:
        self.starts: list[int | None] = []

    def __call__(self, *_place: Any) -> "Log":
        return self

    def bounds(self) -> tuple[int, int]:
        return 0, RECORDS

    def read(self, start: int | None, _progress: Any) -> Iterator[list[FetchedRecord]]:
        self.starts.append(start)
        for offset in range(start or 0, RECORDS):
            yield [FetchedRecord("changelog", 0, offset, 0, 0, b"\x02%d" % offset, b"v")]

    def close(self) -> None:
        pass


def test_a_restore_that_stopped_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log()
    monkeypatch.setattr(takeover, "PartitionReader", log)
    place = TakeoverPlace(Settings(), 0, "changelog", {})
    store = RocksDBStore(tmp_path / "0")
    looks = iter([True] * 20)
    with pytest.raises(RestoreStoppedError):
        restore(place, store, lambda _: None, lambda: next(looks, False))
    restored = stored_restored(store)
    assert restored is not None
    assert restored.next_offset == 20
    assert restore(place, store, lambda _: None, always) == RECORDS - 20
    assert log.starts == [None, 20]
    assert all(store.get(b"\x02%d" % offset) == b"v" for offset in range(RECORDS))
    store.close()


def test_a_takeover_that_is_not_wanted_fences_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def producer(*_of: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(takeover, "TransactionalProducer", producer)
    memory: Any = None
    place = TakeoverPlace(Settings(data_dir=tmp_path), 0, "changelog", {})
    with pytest.raises(RestoreStoppedError):
        takeover.take(place, None, memory, lambda _: None, never)
