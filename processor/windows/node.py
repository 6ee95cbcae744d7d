"""The elements of a window's tree: summaries of chunks, and nodes that contain summaries."""

import msgspec

from processor.aggregates import State

# In place of a state: it is not kept, but computed from the parts that it would summarise.
NOT_KEPT = False


class Summary(msgspec.Struct, array_like=True, gc=False):
    """The summary of a chunk or node: number, entries, first and last time, small states.

    A summary is never changed, only replaced. Within a window, equal versions have equal content.
    """

    number: int
    version: int
    count: int
    first_ms: int
    last_ms: int
    states: list[State]


class Node(msgspec.Struct, array_like=True):
    """The summaries of consecutive chunks or nodes, and large states over them.

    Large states are stored with their own node, so that a change rewrites one at each level, but
    not those of its neighbours.
    """

    children: list[Summary]
    states: list[State]
