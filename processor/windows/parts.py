"""The records of one profile besides its head: read on demand, written with the profile.

A part is a chunk of entries, a node above chunks, or the state of a lifetime aggregate that is too
large for the head.
"""

from collections.abc import Iterable
from typing import Any, Protocol

from processor.aggregates import State
from processor.limits import PARTS_LOADED_MAX, STATES_REMEMBERED_MAX
from processor.windows.weight import weight

Part = Any  # Chunk, Node or State: the caller knows which
# Series, family and length in ms of a window, and the part of it.
Name = tuple[int, str, int, str]
Stamp = tuple[int, ...]

# The overhead of a remembered state: its name, and its item in a map.
_REMEMBERED_BYTES = 300
_NUMBER_BYTES = 8


class StoredParts(Protocol):
    """The parts of one profile that are stored."""

    def read(self, suffix: bytes) -> Part:
        """Return the newest part of a suffix; raise if there is none, or if it is damaged."""


class Parts:
    """Parts by the suffix of their record key.

    Parts that were put or deleted since the last `take_changes` are kept here. Of the others, which
    are read from `stored`, the PARTS_LOADED_MAX most recently read survive that call, until
    `let_go`. Without `stored` all parts are kept here.

    `rankings` are the rankings of its windows (processor/windows/ranked.py).

    `bytes` is the approximate memory of all that, and `changed_bytes` the part of it that cannot be
    released before the changes are taken.
    """

    __slots__ = (
        "_changed",
        "_loaded",
        "_rankings_bytes",
        "_remembered",
        "_stored",
        "_weighed",
        "bytes",
        "changed_bytes",
        "rankings",
    )

    def __init__(self, stored: StoredParts | None = None) -> None:
        self._stored = stored
        # Parts with their weights.
        self._loaded: dict[bytes, tuple[Part, int]] = {}
        self._changed: dict[bytes, tuple[Part, int] | None] = {}
        self._remembered: dict[Name, tuple[Stamp, State, int]] = {}
        # Rankings by name, the most recently read at the end; ranked.py defines both.
        self.rankings: dict[Any, list[Any]] = {}
        self._rankings_bytes = 0
        # The state whose weight was computed last.
        self._weighed: State = None
        self.bytes = 0
        self.changed_bytes = 0

    def get(self, suffix: bytes) -> Part:
        """Return the part, which must not be changed without a `put`."""
        found = self._loaded.pop(suffix, None)
        if found is None:
            assert self._stored is not None, "without a store every part is loaded"
            part = self._stored.read(suffix)
            found = part, weight(part)
            self.bytes += found[1]
        self._loaded[suffix] = found
        return found[0]

    def put(self, suffix: bytes, part: Part) -> None:
        """Replace a part or add one."""
        self._unload(suffix)
        self._forget_change(suffix)
        put = part, weight(part)
        self._loaded[suffix] = self._changed[suffix] = put
        self.bytes += put[1]
        self.changed_bytes += put[1]

    def delete(self, suffix: bytes) -> None:
        """Remove a part."""
        self._unload(suffix)
        self._forget_change(suffix)
        self._changed[suffix] = None

    def take_changes(self) -> list[tuple[bytes, Part | None]]:
        """Return what changed since the last call; None marks a deleted part."""
        changes = [
            (suffix, None if change is None else change[0])
            for suffix, change in self._changed.items()
        ]
        self._changed.clear()
        self.changed_bytes = 0
        if self._stored is not None:
            for suffix in list(self._loaded)[:-PARTS_LOADED_MAX]:
                self._unload(suffix)
        return changes

    def let_go(self) -> None:
        """Release what can be read or computed again: unchanged parts, states, rankings."""
        self._remembered.clear()
        self.rankings.clear()
        self._rankings_bytes = 0
        self._weighed = None
        if self._stored is None:
            self.bytes = sum(size for _, size in self._loaded.values())
            return
        self._loaded = {
            suffix: change for suffix, change in self._changed.items() if change is not None
        }
        self.bytes = self.changed_bytes

    def read_anew(self, stored: StoredParts, written: Iterable[bytes]) -> None:
        """Use `stored` from now on, also for parts that were written; forget the changes."""
        self._stored = stored
        self.take_changes()
        for suffix in written:
            self._unload(suffix)

    def remembered(self, name: Name, stamp: Stamp) -> State:
        """Return the state that is remembered under this name, if it has this stamp."""
        known, state, _ = self._remembered.get(name, (None, None, 0))
        return state if known == stamp else None

    def remember(self, name: Name, stamp: Stamp, state: State, also_bytes: int = 0) -> None:
        """Remember a state that was computed from parts; the stamp changes if these change.

        `also_bytes` is the weight of what it keeps alive.
        """
        if len(self._remembered) >= STATES_REMEMBERED_MAX:
            self.bytes -= sum(size for _, _, size in self._remembered.values())
            self._remembered.clear()
        before = self._remembered.get(name)
        if before is not None:
            self.bytes -= before[2]
        size = _REMEMBERED_BYTES + _NUMBER_BYTES * len(stamp) + also_bytes
        if state is not self._weighed:  # if there is one part only, it is the state of that part
            self._weighed = state
            size += weight(state)
        self._remembered[name] = (stamp, state, size)
        self.bytes += size

    def count_rankings(self) -> None:
        """Update the memory of the rankings, after one was created or moved."""
        size = sum(one.bytes for some in self.rankings.values() for one in some)
        self.bytes += size - self._rankings_bytes
        self._rankings_bytes = size

    def _unload(self, suffix: bytes) -> None:
        found = self._loaded.pop(suffix, None)
        if found is not None:
            self.bytes -= found[1]

    def _forget_change(self, suffix: bytes) -> None:
        change = self._changed.get(suffix)
        if change is not None:
            self.changed_bytes -= change[1]
