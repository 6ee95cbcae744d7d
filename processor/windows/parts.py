"""The records of one profile beside its head: read when they are needed, written with the profile.

A part is a chunk of entries, a node above chunks, or the state of a lifetime aggregate that is too
large for the head.
"""

from collections.abc import Callable, Iterable
from typing import Any

from processor.aggregates import State
from processor.limits import PARTS_LOADED_MAX, STATES_REMEMBERED_MAX

Part = Any  # Chunk, Node or State: who asks knows which
# Series, family and length in ms of a window, and which part of it.
Name = tuple[int, str, int, str]
Stamp = tuple[int, ...]


class Parts:
    """Parts by the suffix of their record key.

    `fetch` reads a stored part and raises where there is none. What was put or deleted since the
    last `take_changes` is kept here; of the others the PARTS_LOADED_MAX that were got last survive
    that call. Without `fetch` all parts are kept here.
    """

    __slots__ = ("_changed", "_fetch", "_loaded", "_remembered")

    def __init__(self, fetch: Callable[[bytes], Part] | None = None) -> None:
        self._fetch = fetch
        self._loaded: dict[bytes, Part] = {}
        self._changed: dict[bytes, Part | None] = {}
        self._remembered: dict[Name, tuple[Stamp, State]] = {}

    def get(self, suffix: bytes) -> Part:
        """Return the part, which must not be changed without a `put`."""
        part = self._loaded.pop(suffix, None)
        if part is None:
            assert self._fetch is not None, "without a reader every part is loaded"
            part = self._fetch(suffix)
        self._loaded[suffix] = part
        return part

    def put(self, suffix: bytes, part: Part) -> None:
        """Replace a part or add one."""
        self._loaded.pop(suffix, None)
        self._loaded[suffix] = self._changed[suffix] = part

    def delete(self, suffix: bytes) -> None:
        """Remove a part."""
        self._loaded.pop(suffix, None)
        self._changed[suffix] = None

    def take_changes(self) -> list[tuple[bytes, Part | None]]:
        """Return what changed since the last call; None marks a deleted part."""
        changes = list(self._changed.items())
        self._changed.clear()
        if self._fetch is not None:
            for suffix in list(self._loaded)[:-PARTS_LOADED_MAX]:
                del self._loaded[suffix]
        return changes

    def read_anew(self, fetch: Callable[[bytes], Part], written: Iterable[bytes]) -> None:
        """Fetch from now on with `fetch`, and anew what was written; forget what changed here."""
        self._fetch = fetch
        self.take_changes()
        for suffix in written:
            self._loaded.pop(suffix, None)

    def remembered(self, name: Name, stamp: Stamp) -> State:
        """Return the state that was remembered under this name, if it was with this stamp."""
        known, state = self._remembered.get(name, (None, None))
        return state if known == stamp else None

    def remember(self, name: Name, stamp: Stamp, state: State) -> None:
        """Remember a state that was made of parts; the stamp is another when those are."""
        if len(self._remembered) >= STATES_REMEMBERED_MAX:
            self._remembered.clear()
        self._remembered[name] = (stamp, state)
