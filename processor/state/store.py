"""The interface of a state store. Every store passes the suite in tests/contracts.

Only processor/streaming/profiles calls a store: the event loop reads, and the threads of a flush
and of a takeover write. Reads may overlap one write. Nothing may be called during `clear` or
`close`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol


class Store(Protocol):
    """Bytes by key, in key order, with atomic batches."""

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a key, or None."""
        ...

    def write(self, records: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Apply puts and deletes (value None) in one atomic batch, in the order given."""
        ...

    def scan(self, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) in key order from `start` on, as of the moment of the call."""
        ...

    def snapshot(self) -> Callable[[bytes], bytes | None]:
        """Return a `get` that keeps reading the store as it is at this moment."""
        ...

    def clear(self) -> None:
        """Remove every key."""
        ...

    def close(self) -> None:
        """Release the files. Later calls raise StateError."""
        ...

    def destroy(self) -> None:
        """Close and remove everything that the store holds."""
        ...
