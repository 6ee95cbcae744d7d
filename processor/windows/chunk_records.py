"""The chunks of one profile: read when a window needs them, written when the profile is."""

from collections.abc import Callable

from processor.limits import CHUNKS_LOADED_MAX
from processor.windows.chunk import Chunk


class ChunkRecords:
    """Chunks by the suffix of their record key.

    `fetch` reads a stored chunk and raises where there is none. What was put or deleted since the
    last `take_changes` is kept here; of the others at most CHUNKS_LOADED_MAX survive that call.
    Without `fetch` all chunks are kept here.
    """

    __slots__ = ("_changed", "_fetch", "_loaded")

    def __init__(self, fetch: Callable[[bytes], Chunk] | None = None) -> None:
        self._fetch = fetch
        self._loaded: dict[bytes, Chunk] = {}
        self._changed: dict[bytes, Chunk | None] = {}

    def get(self, suffix: bytes) -> Chunk:
        """Return the chunk, which must not be changed without a `put`."""
        chunk = self._loaded.get(suffix)
        if chunk is None and self._fetch is not None:
            chunk = self._loaded[suffix] = self._fetch(suffix)
        assert chunk is not None, "without a reader every chunk is loaded"
        return chunk

    def put(self, suffix: bytes, chunk: Chunk) -> None:
        """Replace a chunk or add one."""
        self._loaded[suffix] = self._changed[suffix] = chunk

    def delete(self, suffix: bytes) -> None:
        """Remove a chunk."""
        self._loaded.pop(suffix, None)
        self._changed[suffix] = None

    def take_changes(self) -> list[tuple[bytes, Chunk | None]]:
        """Return what changed since the last call; None marks a deleted chunk."""
        changes = list(self._changed.items())
        self._changed.clear()
        if self._fetch is not None:
            for suffix in list(self._loaded)[:-CHUNKS_LOADED_MAX]:
                del self._loaded[suffix]
        return changes
