"""All state of one attribute-key value, decoded.

The head is what every step reads and writes; window chunks are records of their own. A profile
refers to a plan by ids alone, so the plan can be exchanged between two steps.

Event ids that the profile has counted are kept as 8-byte hashes (XXH3) in order of arrival, beside
their event times: 16 bytes an event instead of 100. Two of 64 ids meet by accident once in 10^17.
"""

from collections.abc import Callable

import msgspec

from processor.aggregates import State
from processor.errors import StateError
from processor.windows import Chunk, ChunkRecords, Window

# Before any event time.
NEVER_MS = -1
_WIDTH = 8


class ProfileHead(msgspec.Struct, array_like=True):
    """The part of a profile that is one record.

    `latest_ms` is the greatest event time counted; `id_hashes` and `id_times` are the last counted
    events. `seen` is the greatest event time of each series, `slots` the accumulators of lifetime
    attributes, `timers` what their time to live counts from, `windows` the windowed series.
    """

    latest_ms: int
    id_hashes: bytes
    id_times: bytes
    seen: dict[int, int]
    slots: dict[int, State]
    timers: dict[int, int]
    windows: dict[int, Window]


def empty_head() -> ProfileHead:
    """Return the head of a profile that has counted nothing."""
    return ProfileHead(NEVER_MS, b"", b"", {}, {}, {}, {})


class Profile:
    """A profile to be moved on by `step` and `expire`.

    `fetch` reads a stored chunk by its suffix. Without it the profile keeps all its chunks in
    memory, which is for profiles that never leave it.
    """

    __slots__ = ("changed", "chunks", "head")

    def __init__(
        self, fetch: Callable[[bytes], Chunk] | None = None, head: ProfileHead | None = None
    ) -> None:
        self.head = empty_head() if head is None else head
        self.chunks = ChunkRecords(fetch)
        self.changed = False

    @property
    def empty(self) -> bool:
        """Whether there is nothing to keep."""
        head = self.head
        return not (head.slots or head.windows or head.id_times)


def has_counted(head: ProfileHead, digest: bytes, floor_ms: int) -> bool:
    """Say whether the event of this hash was counted with an event time after `floor_ms`."""
    hashes = head.id_hashes
    at = hashes.find(digest)
    while at >= 0:
        if at % _WIDTH == 0 and _time_at(head.id_times, at) > floor_ms:
            return True
        at = hashes.find(digest, at + 1)
    return False


def remember(head: ProfileHead, digest: bytes, time_ms: int, *, ids: int, floor_ms: int) -> None:
    """Note a counted event; keep the last `ids`, without old ones at or before `floor_ms`."""
    times = head.id_times
    start = len(times) + _WIDTH - ids * _WIDTH
    if start < 0:
        start = 0
    while start < len(times) and int.from_bytes(times[start : start + _WIDTH]) <= floor_ms:
        start += _WIDTH
    head.id_hashes = head.id_hashes[start:] + digest
    head.id_times = times[start:] + time_ms.to_bytes(_WIDTH)


def forget_ids(head: ProfileHead, floor_ms: int) -> None:
    """Drop counted events at or before `floor_ms`, if that leaves none."""
    times = head.id_times
    if all(_time_at(times, at) <= floor_ms for at in range(0, len(times), _WIDTH)):
        head.id_hashes = head.id_times = b""


def _time_at(times: bytes, at: int) -> int:
    return int.from_bytes(times[at : at + _WIDTH])


def no_chunk(suffix: bytes) -> StateError:
    """Return the error for a chunk that the head knows and the store does not have."""
    message = f"the window chunk {suffix.hex()!r} of a profile is missing"
    return StateError(message, hint="restore the partition from its changelog: empty its directory")
