"""Rolling windows over event time: entries in time order, in chunks of bounded size."""

from processor.windows.chunk import Chunk
from processor.windows.node import Node
from processor.windows.parts import Part, Parts
from processor.windows.read import state_between
from processor.windows.update import delete_parts, drop_until, insert
from processor.windows.window import Window, empty_window

__all__ = [
    "Chunk",
    "Node",
    "Part",
    "Parts",
    "Window",
    "delete_parts",
    "drop_until",
    "empty_window",
    "insert",
    "state_between",
]
