"""All state of one value of an attribute key, decoded.

Every step reads and writes the head. Chunks of windows, the nodes above them, and lifetime states
that are too large for the head are parts: each is its own record. A profile refers to a plan only
by ids, so the plan can be replaced between two steps.

A partition remembers the events that it has counted (processor/engine/counted_events.py). Workers
of format level 1 note them in the head instead, as 8-byte hashes (XXH3) of event ids in order of
arrival, with their event times. These ids count until they are too old.
"""

import msgspec

from processor.aggregates import Aggregate, State, Value
from processor.engine.joint.instance import JointInstance
from processor.errors import StateError
from processor.limits import HEAD_STATE_BYTES_MAX
from processor.windows import Parts, StoredParts, Window, delete_parts

# Before any event time.
NEVER_MS = -1
_WIDTH = 8


# In place of a lifetime state: the state is a part.
IN_PART = False


class ProfileHead(msgspec.Struct, array_like=True):
    """The part of a profile that is one record.

    `latest_ms` is the greatest event time counted. `id_hashes` and `id_times` are events that were
    counted while workers of format level 1 were in the group. `seen` is the greatest event time of
    each series; `slots` are the accumulators of lifetime attributes; `timers` are the starts of
    their times to live; `windows` are the windowed series. `firings` has, for each rule with
    limited firings, their number and the event time of the last. `joints` has, for each joint rule
    that targets this profile, the instances in the order of their last parts. `generation` is the
    generation of the partition's coverage when this profile was last used. `next_number` is greater
    than all numbers given by removed windows: what is remembered of one must not be mistaken for
    another one of the same series. `arrival_ms` is how far arrivals had come at the last
    contribution, negative if that is not known (in a head of format 1).
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
    arrival_ms: int = NEVER_MS


def empty_head() -> ProfileHead:
    """Return the head of a profile that has counted nothing."""
    return ProfileHead(NEVER_MS, b"", b"", {}, {}, {}, {}, {}, {})


class Profile:
    """A profile, which `step` and `expire` change.

    Its parts are read from `stored`. Without it, the profile keeps all its parts in memory, for
    profiles that are never stored.

    `head_bytes`, `loose_bytes` and `changed_bytes` are for whoever holds many profiles: what is
    counted of the head, of parts that can be let go, and of those that cannot; `weighed_at` is the
    size of its records when the head was weighed (processor/streaming/profiles/held_profiles.py).
    """

    __slots__ = (
        "changed", "changed_bytes", "head", "head_bytes", "loose_bytes", "parts", "pieces",
        "weighed_at",
    )  # fmt: skip

    def __init__(self, stored: StoredParts | None = None, head: ProfileHead | None = None) -> None:
        self.head = empty_head() if head is None else head
        self.parts = Parts(stored)
        self.changed = False
        # How many further records its head had when it was last encoded.
        self.pieces = 0
        self.head_bytes = self.loose_bytes = self.changed_bytes = self.weighed_at = 0

    @property
    def empty(self) -> bool:
        """Whether there is nothing to keep."""
        head = self.head
        return not (head.slots or head.windows or head.id_times or head.firings or head.joints)

    def put_slot_state(self, slot: int, state: State) -> None:
        """Replace a lifetime state, in the head or in its part."""
        if self.head.slots[slot] is IN_PART:
            self.parts.put(_suffix(slot), state)
        else:
            self.head.slots[slot] = state

    def slot_state(self, slot: int) -> State:
        """Return a lifetime state, from the head or its part; None if there is none."""
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
        """Drop a windowed series; return whether there was one."""
        head = self.head
        window = head.windows.pop(series_id, None)
        if window is None:
            return False
        delete_parts(window, self.parts)
        head.next_number = max(head.next_number, window.next_number)
        return True

    def drop_slot(self, slot: int) -> bool:
        """Drop a lifetime state; return whether there was one."""
        state = self.head.slots.pop(slot, None)
        if state is IN_PART:
            self.parts.delete(_suffix(slot))
        return state is not None


def _suffix(slot: int) -> bytes:
    return slot.to_bytes(_WIDTH)


def has_counted(head: ProfileHead, digest: bytes, floor_ms: int) -> bool:
    """Return whether the event with this hash was counted with an event time after `floor_ms`."""
    hashes = head.id_hashes
    at = hashes.find(digest)
    while at >= 0:
        if at % _WIDTH == 0 and _time_at(head.id_times, at) > floor_ms:
            return True
        at = hashes.find(digest, at + 1)
    return False


def remember(head: ProfileHead, digest: bytes, time_ms: int, *, ids: int, floor_ms: int) -> None:
    """Note a counted event; keep the last `ids` events, without those at or before `floor_ms`."""
    times = head.id_times
    start = len(times) + _WIDTH - ids * _WIDTH
    if start < 0:
        start = 0
    while start < len(times) and int.from_bytes(times[start : start + _WIDTH]) <= floor_ms:
        start += _WIDTH
    head.id_hashes = head.id_hashes[start:] + digest
    head.id_times = times[start:] + time_ms.to_bytes(_WIDTH)


def forget_ids(head: ProfileHead, floor_ms: int) -> None:
    """Drop counted events if all of them are at or before `floor_ms`."""
    times = head.id_times
    if all(_time_at(times, at) <= floor_ms for at in range(0, len(times), _WIDTH)):
        head.id_hashes = head.id_times = b""


def _time_at(times: bytes, at: int) -> int:
    return int.from_bytes(times[at : at + _WIDTH])


def no_part(suffix: bytes) -> StateError:
    """Return the error for a part that the head refers to and the store does not have."""
    message = f"the part {suffix.hex()!r} of a profile is missing"
    return StateError(message, hint="restore the partition from its changelog: empty its directory")
