"""Rolling windows over event time: entries in time order, in chunks of bounded size."""

from processor.windows.chunk import Chunk
from processor.windows.chunk_records import ChunkRecords
from processor.windows.window import (
    Window,
    delete_chunks,
    drop_until,
    empty_window,
    insert,
    state_between,
)

__all__ = [
    "Chunk",
    "ChunkRecords",
    "Window",
    "delete_chunks",
    "drop_until",
    "empty_window",
    "insert",
    "state_between",
]
