"""What is left of a store on disk when its process is killed while it is cleared."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from processor.errors import StateError
from processor.state import RocksDBStore


class KilledError(BaseException):
    """The process is gone: nothing catches this."""


def killed_after(count: int) -> Callable[..., None]:
    """A removal of a directory that is cut off after so many files, oldest name first."""

    def remove(path: Path, *_: object, **__: object) -> None:
        if not path.exists():
            return
        for number, file in enumerate(sorted(path.iterdir())):
            if number == count:
                raise KilledError
            file.unlink()
        raise KilledError

    return remove


@pytest.fixture
def path(tmp_path: Path) -> Path:
    where = tmp_path / "profiles" / "0"
    store = RocksDBStore(where)
    store.write([(b"k", b"v")])
    store.close()
    return where


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 100])
@pytest.mark.parametrize("operation", ["clear", "destroy"])
def test_a_store_that_was_being_removed_opens_empty(
    path: Path, monkeypatch: pytest.MonkeyPatch, operation: str, count: int
) -> None:
    store = RocksDBStore(path)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed_after(count))
        with pytest.raises(KilledError):
            getattr(store, operation)()
    for _ in range(2):
        store = RocksDBStore(path)
        assert store.get(b"k") is None
        store.write([(b"k", b"new")])
        assert list(path.parent.iterdir()) == [path]
        store.clear()
        store.close()


def test_a_store_is_cleared_again_although_the_last_removal_was_cut_off(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RocksDBStore(path)
    for count in (1, 3):
        store.write([(b"k", b"v")])
        with monkeypatch.context() as patch:
            patch.setattr(shutil, "rmtree", killed_after(count))
            with pytest.raises(KilledError):
                store.clear()
        store = RocksDBStore(path)
    assert store.get(b"k") is None


def test_a_directory_that_is_no_database_is_refused_with_its_path(tmp_path: Path) -> None:
    where = tmp_path / "0"
    where.mkdir()
    (where / "CURRENT").write_text("MANIFEST-000099\n")
    with pytest.raises(StateError, match="cannot open the state"):
        RocksDBStore(where)


def test_others_go_on_while_the_store_takes_no_writes(tmp_path: Path) -> None:
    """RocksDB's binding holds Python's lock while a write waits: this test would never end."""
    store = RocksDBStore(tmp_path / "s")
    database = store._db
    assert database is not None
    database.set_options(
        {
            "level0_file_num_compaction_trigger": "1000",
            "level0_slowdown_writes_trigger": "1",
            "level0_stop_writes_trigger": "1",
        }
    )
    store.write([(b"a", b"1")])
    database.flush()
    assert database.property_int_value("rocksdb.is-write-stopped")
    done = threading.Event()

    def write() -> None:
        store.write([(b"b", b"2")])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert not done.wait(0.05)
    database.set_options(
        {"level0_slowdown_writes_trigger": "20", "level0_stop_writes_trigger": "36"}
    )
    writer.join()
    assert store.get(b"b") == b"2"
    store.close()
