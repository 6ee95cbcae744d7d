"""Rolling windows over event time: entries in time order, in chunks of bounded size."""

from processor.windows.chunk import Chunk
from processor.windows.cut import cut_window
from processor.windows.node import Node
from processor.windows.parts import Part, Parts, StoredParts
from processor.windows.ranked import ranks_between
from processor.windows.read import state_between
from processor.windows.update import delete_parts, drop_until, insert, spill
from processor.windows.weight import SUMMARY_BYTES, weight
from processor.windows.window import Window, empty_window

__all__ = [
    "SUMMARY_BYTES",
    "Chunk",
    "Node",
    "Part",
    "Parts",
    "StoredParts",
    "Window",
    "cut_window",
    "delete_parts",
    "drop_until",
    "empty_window",
    "insert",
    "ranks_between",
    "spill",
    "state_between",
    "weight",
]
