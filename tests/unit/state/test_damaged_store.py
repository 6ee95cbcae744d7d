"""Files of a store that are gone, cut off or changed: it says so, or reads all that was kept."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from processor.errors import DamagedStoreError, StateError
from processor.state import RocksDBStore
from processor.state.rocksdb_store import damaged_path, remove_unused, set_aside

Records = dict[bytes, bytes]
KINDS = (
    "CURRENT",
    "IDENTITY",
    "LOCK",
    "LOG",
    "MANIFEST-*",
    "OPTIONS-*",
    "*.sst",
    "*.log",
    "*.json",
)


def gone(path: Path) -> None:
    path.unlink()


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def changed(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for place in range(len(content) // 8, len(content), max(len(content) // 4, 1)):
        content[place] ^= 0x55
    path.write_bytes(content)


def records(count: int) -> Records:
    numbers = random.Random(7)
    return {b"%06d" % number: numbers.randbytes(400) for number in range(count)}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Records]:
    """A store with several files of each kind, closed."""
    path = tmp_path_factory.mktemp("written") / "0"
    kept = records(3_000)
    for start in range(0, len(kept), 1_000):
        store = RocksDBStore(path)
        store.write(list(kept.items())[start : start + 1_000])
        store.close()
    return path, kept


def read(path: Path) -> Records:
    store = RocksDBStore(path)
    try:
        found = dict(store.scan())
        at_once = store.snapshot()
        assert all(store.get(key) == value == at_once(key) for key, value in found.items())
    except DamagedStoreError:
        assert store.damaged
        raise
    finally:
        store.close()
    return found


@pytest.mark.parametrize("damage", [gone, emptied, cut, changed])
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_store_is_called_that_or_reads_as_it_was_written(
    written: tuple[Path, Records], tmp_path: Path, kind: str, damage: Callable[[Path], None]
) -> None:
    source, kept = written
    files = sorted(source.glob(kind))
    assert files
    for number, file in enumerate(files):
        path = tmp_path / str(number)
        shutil.copytree(source, path)
        damage(path / file.name)
        damaged = False
        try:
            assert read(path) == kept
        except DamagedStoreError:
            damaged = True
        if damaged:
            assert set_aside(path) == damaged_path(path)
            assert damaged_path(path).is_dir()
            assert read(path) == {}


def test_a_scan_that_cannot_go_on_does_not_look_like_its_end(
    written: tuple[Path, Records], tmp_path: Path
) -> None:
    source, _ = written
    path = tmp_path / "0"
    shutil.copytree(source, path)
    changed(max(path.glob("*.sst"), key=lambda one: one.stat().st_size))
    store = RocksDBStore(path)
    with pytest.raises(DamagedStoreError):
        list(store.scan())
    store.close()


def test_one_damaged_store_is_kept_and_the_one_before_goes(tmp_path: Path) -> None:
    path = tmp_path / "0"
    for content in (b"first", b"second"):
        RocksDBStore(path).close()
        (path / "content").write_bytes(content)
        set_aside(path)
    assert (damaged_path(path) / "content").read_bytes() == b"second"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["0.damaged"]


@pytest.mark.parametrize("directory", ["block-storage", "Corruption: clock", "locked"])
def test_what_a_person_has_to_mend_is_not_called_damage(tmp_path: Path, directory: str) -> None:
    path = tmp_path / directory / "0"
    path.parent.mkdir()
    path.write_bytes(b"a file")
    with pytest.raises(StateError, match="cannot open") as caught:
        RocksDBStore(path)
    assert not isinstance(caught.value, DamagedStoreError)
    path.unlink()
    held = RocksDBStore(path)
    with pytest.raises(StateError, match="in use by another process") as caught:
        RocksDBStore(path)
    assert not isinstance(caught.value, DamagedStoreError)
    held.close()


def test_files_that_were_used_stay_and_others_go(tmp_path: Path) -> None:
    path = tmp_path / "0"
    RocksDBStore(path).close()
    set_aside(path)
    RocksDBStore(path).close()
    assert remove_unused(path, path.stat().st_mtime - 60) == []
    for file in damaged_path(path).iterdir():
        os.utime(file, (0, 0))
    os.utime(damaged_path(path), (0, 0))
    for file in list(path.iterdir())[1:]:
        os.utime(file, (0, 0))
    assert remove_unused(path, 1_000) == [damaged_path(path)]
    for file in (path, *path.iterdir()):
        os.utime(file, (0, 0))
    assert remove_unused(path, 1_000) == [path]
    assert list(tmp_path.iterdir()) == []
    assert remove_unused(path, 1_000) == []
