"""One limit in bytes for what a worker holds decoded, and which holder releases memory first.

The order in which memory is released:

 1. parts and remembered states, those of the least recently used profile first
 2. profiles that are the same in the store, the least recently used first

The partition that holds the most of a kind gives it back first. What is changed and not flushed
cannot be given back: while it takes more than its share the budget is *crowded*, and partitions
flush before they go on (processor/streaming/profiles/ownership.py).

All of it is used only in the event loop's thread.
"""

from collections.abc import Callable
from typing import Protocol

from processor.limits import MEMORY_CHANGES_SHARE, MEMORY_FREED_BYTES
from processor.metrics import MEMORY_FREED


class Holder(Protocol):
    """Holds profiles and can release some; it reports every change of its bytes to the budget.

    It can release `parts_bytes` in the first step and `head_bytes` in the second. It cannot release
    `change_bytes` and `flush_bytes`.
    """

    parts_bytes: int
    head_bytes: int
    change_bytes: int
    flush_bytes: int

    def free_parts(self, wanted: int) -> None:
        """Release parts until `wanted` bytes are released, or none is left."""
        ...

    def free_heads(self, wanted: int) -> None:
        """Release unchanged profiles until `wanted` bytes are released, or none is left."""
        ...


class MemoryBudget:
    """The memory that the holders of one worker may take together.

    `held` is what they take; `changes` is the part of it that is changed and not flushed. `others`
    is what is taken beside them: its owners report it here from time to time.
    """

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.held = 0
        self.changes = 0
        self.others = 0
        self.holders: list[Holder] = []

    @property
    def room(self) -> int:
        """Bytes that the holders may take now."""
        return self.bytes_max - self.others

    @property
    def crowded(self) -> bool:
        """Whether changes take so much that they must be flushed before more are made."""
        return self.changes > self.room * MEMORY_CHANGES_SHARE

    def leave(self, holder: Holder) -> None:
        """Forget a holder, with everything that it holds."""
        self.holders.remove(holder)
        changes = holder.change_bytes + holder.flush_bytes
        self.changes -= changes
        self.held -= changes + holder.parts_bytes + holder.head_bytes
        holder.parts_bytes = holder.head_bytes = holder.change_bytes = holder.flush_bytes = 0

    def make_room(self) -> None:
        """Release memory if too much is held, and slightly more than the excess.

        So a caller that takes much waits for much to be released, but never for all of it.
        """
        excess = self.held - self.room
        if excess > 0:
            left = self._free("parts", _parts_bytes, _free_parts, excess + MEMORY_FREED_BYTES)
            if left > MEMORY_FREED_BYTES:
                self._free("profiles", _head_bytes, _free_heads, left)

    def _free(
        self,
        of: str,
        held_by: Callable[[Holder], int],
        free: Callable[[Holder, int], None],
        wanted: int,
    ) -> int:
        """Let the holders release what they have of a kind; return how much is still wanted."""
        while wanted > 0 and self.holders:
            holder = max(self.holders, key=held_by)
            before = self.held
            if held_by(holder):
                free(holder, min(wanted, MEMORY_FREED_BYTES))
            freed = before - self.held
            if freed <= 0:
                break
            MEMORY_FREED.labels(of).inc(freed)
            wanted -= freed
        return wanted


def _parts_bytes(holder: Holder) -> int:
    return holder.parts_bytes


def _head_bytes(holder: Holder) -> int:
    return holder.head_bytes


def _free_parts(holder: Holder, wanted: int) -> None:
    holder.free_parts(wanted)


def _free_heads(holder: Holder, wanted: int) -> None:
    holder.free_heads(wanted)
