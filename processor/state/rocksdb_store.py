"""The state store on RocksDB: one database per partition of the profile table."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from rocksdict import (
    BlockBasedOptions,
    Cache,
    DBCompressionType,
    Options,
    Rdict,
    WriteBatch,
)

from processor.errors import StateError

# Shared by all partitions of a worker: 64 databases must not take 64 caches.
_BLOCK_CACHE = Cache(128 * 1024 * 1024)
# Two memtables a database; 64 partitions stay below 1 GiB.
_WRITE_BUFFER_BYTES = 8 * 1024 * 1024
_BLOOM_BITS = 10
# What a snapshot of rocksdict says, as a plain Exception, of a key that it does not have.
_NOT_FOUND = "key not found"


def _options() -> Options:
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_write_buffer_size(_WRITE_BUFFER_BYTES)
    options.set_max_write_buffer_number(2)
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

    Raises:
        StateError: the directory is taken by another process, or is not a readable database.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db: Rdict | None = None
        try:
            self._db = Rdict(str(path), _options())
        except Exception as error:
            raise _open_error(path, error) from error

    def _open(self) -> Rdict:
        if self._db is None:
            message = f"the state at {str(self.path)!r} is closed"
            raise StateError(message)
        return self._db

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a key, or None."""
        value: bytes | None = self._open().get(key)
        return value

    def write(self, records: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Apply puts and deletes (value None) in one atomic batch, in the order given."""
        batch = WriteBatch(raw_mode=True)
        for key, value in records:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        database = self._open()
        try:
            database.write(batch)
        except Exception as error:
            message = f"cannot write the state at {str(self.path)!r}"
            raise StateError(
                message,
                detail=str(error),
                hint="free disk space, or start on an empty data directory: "
                "it is restored from the changelog",
            ) from error

    def scan(self, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) in key order from `start` on, as of the moment of the call."""
        snapshot = self._open().snapshot()
        items: Iterator[tuple[bytes, bytes]] = snapshot.items(from_key=start)  # type: ignore[assignment]  # its stub lacks __iter__
        return items

    def snapshot(self) -> Callable[[bytes], bytes | None]:
        """Return a `get` that goes on reading the store as it is at this moment."""
        found = self._open().snapshot()

        def get(key: bytes) -> bytes | None:
            try:
                value: bytes = found[key]
            except Exception as error:
                if str(error) == _NOT_FOUND:
                    return None
                raise
            return value

        return get

    def clear(self) -> None:
        """Remove every key, by removing the files: a store can be too large for one batch."""
        self.destroy()
        self._db = Rdict(str(self.path), _options())

    def close(self) -> None:
        """Release the files. Later calls raise StateError."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def destroy(self) -> None:
        """Close and remove everything that the store holds."""
        self.close()
        shutil.rmtree(self.path, ignore_errors=True)


def _open_error(path: Path, error: Exception) -> StateError:
    detail = str(error)
    if "lock" in detail.lower():
        message = f"the state at {str(path)!r} is in use by another process"
        return StateError(
            message,
            detail=detail,
            hint="give each worker its own PROCESSOR_DATA_DIR, or stop the other process",
        )
    message = f"cannot open the state at {str(path)!r}"
    return StateError(
        message,
        detail=detail,
        hint="move the directory away and start again: the state is restored from the changelog",
    )
