"""What a window's tree is made of: summaries of chunks, and nodes that hold summaries."""

import msgspec

from processor.aggregates import State

# In place of a state: it is not kept, but made from the parts that it would stand for.
NOT_KEPT = False


class Summary(msgspec.Struct, array_like=True, gc=False):
    """What stands above a chunk or node: its number, entries, first and last time, small states.

    A summary is never changed but replaced. Of one window, equal versions summarise the same.
    """

    number: int
    version: int
    count: int
    first_ms: int
    last_ms: int
    states: list[State]


class Node(msgspec.Struct, array_like=True):
    """The summaries of chunks or nodes that follow each other in time, and large states over them.

    Large states stand with the node that they are of, so that a change rewrites one at each level
    and not those of its neighbours.
    """

    children: list[Summary]
    states: list[State]
