"""Bytes by key on disk. Independent of profiles, and of the changelog that restores a store."""

from processor.state.rocksdb_store import RocksDBStore
from processor.state.store import Store

__all__ = ["RocksDBStore", "Store"]
