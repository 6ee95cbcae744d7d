"""Bytes by key on disk, and the changelog from which they are rebuilt. Knows no profile."""

from processor.state.changelog import (
    ChangelogReader,
    ChangelogRecord,
    RestoreProgress,
)
from processor.state.rocksdb_store import RocksDBStore
from processor.state.store import Store

__all__ = ["ChangelogReader", "ChangelogRecord", "RestoreProgress", "RocksDBStore", "Store"]
