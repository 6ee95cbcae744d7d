"""The records of one profile, as each of its readers finds them.

NewestRecords     what was encoded last, for the task that changes the profile
CommittedRecords  what a transaction has committed, for readers
StoredRecords     what the store holds, for the sweep
NO_RECORDS        none, for a profile that nobody reads at the moment
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from processor.state import Store


class _Newest(Protocol):
    def newest(self, prefix: bytes, suffix: bytes) -> bytes | None: ...


class NewestRecords:
    """The records of a profile, also those that are not committed yet."""

    __slots__ = ("_prefix", "_table")

    def __init__(self, table: _Newest, prefix: bytes) -> None:
        self._table = table
        self._prefix = prefix

    def get(self, suffix: bytes) -> bytes | None:
        """Return the newest record of a suffix, or None if there is none."""
        return self._table.newest(self._prefix, suffix)


class CommittedRecords:
    """The records of a profile in a snapshot of the store, and in a flush above it."""

    __slots__ = ("_committed", "_prefix", "_stored")

    def __init__(
        self,
        committed: Mapping[bytes, bytes | None],
        stored: Callable[[bytes], bytes | None],
        prefix: bytes,
    ) -> None:
        self._committed = committed
        self._stored = stored
        self._prefix = prefix

    def get(self, suffix: bytes) -> bytes | None:
        """Return the committed record of a suffix, or None if there is none."""
        key = self._prefix + suffix
        return self._committed[key] if key in self._committed else self._stored(key)


class StoredRecords:
    """The records of a profile in the store, without those of a flush in progress."""

    __slots__ = ("_prefix", "_store")

    def __init__(self, store: Store, prefix: bytes) -> None:
        self._store = store
        self._prefix = prefix

    def get(self, suffix: bytes) -> bytes | None:
        """Return the stored record of a suffix, or None if there is none."""
        return self._store.get(self._prefix + suffix)


class _NoRecords:
    """The records of a profile whose snapshot of the store was released."""

    __slots__ = ()

    def get(self, suffix: bytes) -> bytes | None:
        message = f"the part {suffix.hex()} is read from a snapshot that was let go"
        raise AssertionError(message)


NO_RECORDS = _NoRecords()
