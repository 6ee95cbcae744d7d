"""All state of one attribute-key value, decoded.

The head is what every step reads and writes. Chunks of windows, the nodes above them, and lifetime
states that are too large for the head are parts: records of their own. A profile refers to a plan
by ids alone, so the plan can be exchanged between two steps.

Event ids that the profile has counted are kept as 8-byte hashes (XXH3) in order of arrival, beside
their event times: 16 bytes an event instead of 100. Two of 64 ids meet by accident once in 10^17.
"""

from collections.abc import Callable

import msgspec

from processor.aggregates import Aggregate, State, Value
from processor.engine.joint_instance import JointInstance
from processor.errors import StateError
from processor.limits import HEAD_STATE_BYTES_MAX
from processor.windows import Part, Parts, Window, delete_parts

# Before any event time.
NEVER_MS = -1
_WIDTH = 8


# In the place of a lifetime state: it is a part.
IN_PART = False


class ProfileHead(msgspec.Struct, array_like=True):
    """The part of a profile that is one record.

    `latest_ms` is the greatest event time counted; `id_hashes` and `id_times` are the last counted
    events. `seen` is the greatest event time of each series, `slots` the accumulators of lifetime
    attributes, `timers` what their time to live counts from, `windows` the windowed series.
    `firings` is, of each rule whose firings are limited, how many there were, and the event time of
    the last. `joints` are, of each joint rule that has this profile as a target, the instances in
    the order of their last parts. `generation` is that of its partition's coverage when this
    profile was looked at last. `next_number` is above all numbers that windows which are gone have
    given: what is remembered of one must not be taken for another of the same series.
    """

    latest_ms: int
    id_hashes: bytes
    id_times: bytes
    seen: dict[int, int]
    slots: dict[int, State]
    timers: dict[int, int]
    windows: dict[int, Window]
    firings: dict[int, tuple[int, int]]
    joints: dict[int, list[JointInstance]]
    generation: int = 0
    next_number: int = 0


def empty_head() -> ProfileHead:
    """Return the head of a profile that has counted nothing."""
    return ProfileHead(NEVER_MS, b"", b"", {}, {}, {}, {}, {}, {})


class Profile:
    """A profile to be moved on by `step` and `expire`.

    `fetch` reads a stored part by its suffix. Without it the profile keeps all its parts in memory,
    which is for profiles that never leave it.
    """

    __slots__ = ("changed", "head", "parts")

    def __init__(
        self, fetch: Callable[[bytes], Part] | None = None, head: ProfileHead | None = None
    ) -> None:
        self.head = empty_head() if head is None else head
        self.parts = Parts(fetch)
        self.changed = False

    @property
    def empty(self) -> bool:
        """Whether there is nothing to keep."""
        head = self.head
        return not (head.slots or head.windows or head.id_times or head.firings or head.joints)

    def slot_state(self, slot: int) -> State:
        """Return a lifetime state, wherever it is; None where there is none."""
        state = self.head.slots.get(slot)
        return self.parts.get(_suffix(slot)) if state is IN_PART else state

    def add_large(self, slot: int, aggregate: Aggregate, time_ms: int, value: Value) -> None:
        """Add a value to a lifetime state that may be too large for the head."""
        slots = self.head.slots
        before = self.slot_state(slot)
        state = aggregate.add(before, time_ms, value)
        if slots.get(slot) is not IN_PART:
            slots[slot] = state
            assert aggregate.size is not None, "it is one of the large families"
            if aggregate.size(state) <= HEAD_STATE_BYTES_MAX:
                return
            slots[slot] = IN_PART
        if state is not before:
            self.parts.put(_suffix(slot), state)

    def drop_window(self, series_id: int) -> bool:
        """Drop a windowed series; say if there was one."""
        head = self.head
        window = head.windows.pop(series_id, None)
        if window is None:
            return False
        delete_parts(window, self.parts)
        head.next_number = max(head.next_number, window.next_number)
        return True

    def drop_slot(self, slot: int) -> bool:
        """Drop a lifetime state; say if there was one."""
        state = self.head.slots.pop(slot, None)
        if state is IN_PART:
            self.parts.delete(_suffix(slot))
        return state is not None


def _suffix(slot: int) -> bytes:
    return slot.to_bytes(_WIDTH)


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


def no_part(suffix: bytes) -> StateError:
    """Return the error for a part that the head knows and the store does not have."""
    message = f"the part {suffix.hex()!r} of a profile is missing"
    return StateError(message, hint="restore the partition from its changelog: empty its directory")
