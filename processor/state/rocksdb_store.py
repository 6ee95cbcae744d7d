"""The state store on RocksDB: one database per partition of the profile table."""

import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from rocksdict import (
    BlockBasedOptions,
    Cache,
    DBCompressionType,
    Options,
    Rdict,
    Snapshot,
    WriteBatch,
    WriteBufferManager,
)

from processor.clock import monotonic_s
from processor.errors import DamagedStoreError, StateError
from processor.limits import STORE_STALL_S

# Shared by all partitions of a worker: 64 databases must not have 64 caches.
_BLOCK_CACHE = Cache(128 * 1024 * 1024)
# Memtables of one database: one that is being written and others that wait for the disk, so that a
# restore or a large flush can continue. Their content is also in the log, which is read when the
# database is opened: with larger memtables, that takes longer.
_WRITE_BUFFER_BYTES = 8 * 1024 * 1024
_WRITE_BUFFERS = 4
# Memtables of all databases of a worker: beyond this size they are written early.
_ALL_WRITE_BUFFERS = WriteBufferManager(512 * 1024 * 1024, allow_stall=False)
# Time between two checks whether a write would wait.
_STALL_LOOK_S = 0.005
_DELAYED = "rocksdb.actual-delayed-write-rate"
_STOPPED = "rocksdb.is-write-stopped"
_FULL_BUFFERS = "rocksdb.num-immutable-mem-table"
_BLOOM_BITS = 10
# RocksDB's messages for files that do not belong together, or for a missing file.
_DAMAGED = ("Corruption", "IO error: No such file or directory")
_RESTORED = "it is set aside, and the state is restored from the changelog"
# Its messages for a database that is open, in this process or in another one.
_LOCKED = ("IO error: lock hold by current process", "Resource temporarily unavailable")
# The message of rocksdict's plain Exception for a key that a snapshot does not have.
_NOT_FOUND = "key not found"


def _options() -> Options:
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_write_buffer_size(_WRITE_BUFFER_BYTES)
    options.set_max_write_buffer_number(_WRITE_BUFFERS)
    options.set_write_buffer_manager(_ALL_WRITE_BUFFERS)
    options.set_max_background_jobs(2)
    options.set_keep_log_file_num(2)
    options.set_compression_type(DBCompressionType.lz4())
    table = BlockBasedOptions()
    table.set_block_cache(_BLOCK_CACHE)
    table.set_bloom_filter(_BLOOM_BITS, block_based=False)
    table.set_cache_index_and_filter_blocks(True)
    options.set_block_based_table_factory(table)
    return options


class RocksDBStore:
    """Bytes by key in a RocksDB at `path`.

    Writes go through the write-ahead log without fsync: a killed process loses nothing; after a
    power cut the database is a consistent earlier state, and the changelog brings it up to date.

    `damaged` is set if some of it could not be read.

    Raises:
        DamagedStoreError: files are missing, or have other content than was written.
        StateError: another process uses the directory, or it cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged = False
        self._removed = _removed_path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self._removed, ignore_errors=True)  # left by a process that was killed
        self._db: Rdict | None = None
        self._open()

    def _open(self) -> None:
        try:
            self._db = Rdict(str(self.path), _options())
        except Exception as error:
            raise _open_error(self.path, error) from error

    def _opened(self) -> Rdict:
        if self._db is None:
            message = f"the state at {str(self.path)!r} is closed"
            raise StateError(message)
        return self._db

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a key, or None."""
        database = self._opened()
        try:
            value: bytes | None = database.get(key)
        except Exception as error:
            raise self._failure(error, "read") from error
        return value

    def write(self, records: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Apply puts and deletes (value None) in one atomic batch, in the order given.

        RocksDB's binding holds Python's lock while it writes, and RocksDB stalls writers if its
        compaction is behind. Therefore this waits, without the lock, before it writes.
        """
        batch = WriteBatch(raw_mode=True)
        for key, value in records:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        database = self._opened()
        deadline = monotonic_s() + STORE_STALL_S
        while _would_wait(database) and monotonic_s() < deadline:
            time.sleep(_STALL_LOOK_S)
        try:
            database.write(batch)
        except Exception as error:
            raise self._failure(error, "write") from error

    def scan(self, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) in key order from `start` on, as of the moment of the call."""
        snapshot = self._opened().snapshot()
        items: Iterator[tuple[bytes, bytes]] = snapshot.items(from_key=start)  # type: ignore[assignment]  # its stub lacks __iter__
        return self._checked(items, snapshot, start)

    def _checked(
        self, items: Iterator[tuple[bytes, bytes]], snapshot: Snapshot, start: bytes
    ) -> Iterator[tuple[bytes, bytes]]:
        last = start
        for item in items:
            last = item[0]
            yield item
        # They also end, without an error, if something cannot be read.
        rest = snapshot.iter()
        rest.seek(last)
        try:
            if rest.valid():
                rest.next()
            rest.status()
        except Exception as error:
            raise self._failure(error, "read") from error

    def snapshot(self) -> Callable[[bytes], bytes | None]:
        """Return a `get` that keeps reading the store as it is at this moment."""
        found = self._opened().snapshot()

        def get(key: bytes) -> bytes | None:
            try:
                value: bytes = found[key]
            except Exception as error:
                if str(error) == _NOT_FOUND:
                    return None
                raise self._failure(error, "read") from error
            return value

        return get

    def _failure(self, error: Exception, what: str) -> StateError:
        """Return the exception for an error of RocksDB, and set `damaged` if it means damage."""
        message = f"cannot {what} the state at {str(self.path)!r}"
        if str(error).startswith(_DAMAGED):
            self.damaged = True
            return DamagedStoreError(message, private=str(error), hint=_RESTORED)
        hint = "free disk space, and check the rights of the directory"
        return StateError(message, detail=str(error), hint=hint)

    def clear(self) -> None:
        """Remove every key by removing the files: a store can be too large for one batch."""
        self.destroy()
        self._open()

    def close(self) -> None:
        """Release the files. Later calls raise StateError.

        A damaged store releases them once none of its errors, scans or snapshots is referenced.
        """
        database, self._db = self._db, None
        if database is not None:
            try:
                database.close()
            except Exception as error:
                self._failure(error, "close")

    def destroy(self) -> None:
        """Close and remove everything that the store holds.

        The directory is renamed first, so that a process that is killed while files are removed
        leaves a complete database or none.
        """
        self.close()
        shutil.rmtree(self._removed, ignore_errors=True)
        try:
            self.path.rename(self._removed)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _not_moved(self.path, error) from error
        shutil.rmtree(self._removed, ignore_errors=True)


def set_aside(path: Path) -> Path:
    """Rename the files of a damaged store, if there are any; return the new name.

    Existing files with that name are removed.

    Raises:
        StateError: the parent directory is not writable.
    """
    aside = damaged_path(path)
    shutil.rmtree(aside, ignore_errors=True)
    try:
        path.rename(aside)
    except FileNotFoundError:
        return aside
    except OSError as error:
        raise _not_moved(path, error) from error
    return aside


def remove_unused(path: Path, since_s: float) -> list[Path]:
    """Remove a store and its damaged files if unused since a time; return what was removed.

    `since_s` is in seconds since 1970. The store must not be open.
    """
    removed = []
    for one in (path, damaged_path(path)):
        if one.is_dir() and max(map(_changed_s, (one, *one.iterdir()))) < since_s:
            going = _removed_path(path)
            shutil.rmtree(going, ignore_errors=True)
            one.rename(going)
            shutil.rmtree(going, ignore_errors=True)
            removed.append(one)
    return removed


def damaged_path(path: Path) -> Path:
    """Return where the files of a damaged store are kept for a while."""
    return path.with_name(f"{path.name}.damaged")


def _removed_path(path: Path) -> Path:
    """Return the path of files that are being removed."""
    return path.with_name(f"{path.name}.removed")


def _changed_s(path: Path) -> float:
    return path.stat().st_mtime


def _not_moved(path: Path, error: OSError) -> StateError:
    message = f"cannot remove the state at {str(path)!r}"
    return StateError(message, detail=str(error), hint="check the rights of the directory above it")


def _would_wait(database: Rdict) -> bool:
    """Return whether RocksDB would stall a writer now."""
    full = database.property_int_value(_FULL_BUFFERS) or 0
    return (
        full >= _WRITE_BUFFERS - 1
        or bool(database.property_int_value(_DELAYED))
        or bool(database.property_int_value(_STOPPED))
    )


def _open_error(path: Path, error: Exception) -> StateError:
    detail = str(error)
    if detail.startswith(_LOCKED[0]) or detail.endswith(_LOCKED[1]):
        message = f"the state at {str(path)!r} is in use by another process"
        hint = "give each worker its own PROCESSOR_DATA_DIR, or stop the other process"
        return StateError(message, detail=detail, hint=hint)
    message = f"cannot open the state at {str(path)!r}"
    if detail.startswith(_DAMAGED):
        return DamagedStoreError(message, private=detail, hint=_RESTORED)
    hint = "free disk space, and check the rights of the directory"
    return StateError(message, detail=detail, hint=hint)
