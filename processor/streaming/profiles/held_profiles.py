"""The decoded profiles of one partition that are in use, within the worker's memory.

Those that changed stay until a flush has encoded them. The others, which the store has as well,
stay while there is memory; so do the parts of either that did not change, and the states made of
them (processor/streaming/profiles/memory_budget.py).

Invariants:
 - a profile is in `_changed` or in `_clean`, never in both, and it is counted once;
 - `_with_parts` has the profiles that hold something to release, the least recently used first;
 - a profile that is evicted releases its parts first: remembered states refer back to them, and
   Python would collect such a cycle only much later.
"""

from collections import OrderedDict

from processor.engine import EMPTY_PROFILE_BYTES, Profile, head_weight
from processor.limits import FRAME_MEMORY_FACTOR, PROFILE_CACHE_MAX
from processor.streaming.profiles.memory_budget import MemoryBudget

# A head is measured again when its records have grown or shrunk by this fraction (one part in 16).
_WEIGHED_AGAIN = 16


class HeldProfiles:
    """Profiles by prefix.

    `parts_bytes` and `head_bytes` can be released. `change_bytes` were changed since the last flush
    began. `flush_bytes` are taken by the flush in progress.
    """

    def __init__(self, budget: MemoryBudget) -> None:
        self.parts_bytes = self.head_bytes = 0
        self.change_bytes = self.flush_bytes = 0
        self._budget = budget
        self._clean: OrderedDict[bytes, Profile] = OrderedDict()
        self._changed: dict[bytes, Profile] = {}
        self._with_parts: OrderedDict[bytes, Profile] = OrderedDict()
        self._grown = 0

    def __len__(self) -> int:
        return len(self._clean) + len(self._changed)

    @property
    def crowded(self) -> bool:
        """Whether the changes of all partitions take too much memory."""
        return self._budget.crowded

    @property
    def changes(self) -> int:
        """Number of profiles that were changed since the last flush began."""
        return len(self._changed)

    def get(self, prefix: bytes) -> Profile | None:
        """Return a profile that is held; mark it as the most recently used one."""
        found = self._changed.get(prefix)
        if found is None:
            found = self._clean.get(prefix)
            if found is not None:
                self._clean.move_to_end(prefix)
        return found

    def keep(self, prefix: bytes, profile: Profile) -> None:
        """Hold a profile that was just decoded or made."""
        self.drop(prefix)
        profile.head_bytes = head_weight(profile.head)
        self._hold(prefix, profile)

    def _hold(self, prefix: bytes, profile: Profile) -> None:
        if len(self._clean) >= PROFILE_CACHE_MAX:
            self._evict()
        self._clean[prefix] = profile
        self._add_heads(profile.head_bytes)
        self.used(prefix, profile)

    def changed(self, prefix: bytes, profile: Profile) -> None:
        """Hold a changed profile, at least until the next flush has encoded it."""
        if prefix not in self._changed:
            if self._clean.pop(prefix, None) is not None:
                self._add_heads(-profile.head_bytes)
            if profile.head_bytes <= EMPTY_PROFILE_BYTES:  # it was made for this change
                profile.head_bytes = head_weight(profile.head)
            self._changed[prefix] = profile
            self._add_changes(profile.head_bytes)
        self.used(prefix, profile)

    def used(self, prefix: bytes, profile: Profile) -> None:
        """Count the memory of a profile's parts, after it was read or changed."""
        parts = profile.parts
        changed = parts.changed_bytes
        loose = parts.bytes - changed
        if loose != profile.loose_bytes or changed != profile.changed_bytes:
            self._add_parts(loose - profile.loose_bytes)
            self._add_changes(changed - profile.changed_bytes)
            profile.loose_bytes, profile.changed_bytes = loose, changed
        if loose:
            self._with_parts[prefix] = profile
            self._with_parts.move_to_end(prefix)
        budget = self._budget
        if budget.held > budget.room:
            budget.make_room()

    def grew(self, applied_bytes: int) -> None:
        """Count bytes of frames or parts that were applied since the last flush began."""
        grown = applied_bytes * FRAME_MEMORY_FACTOR
        self._grown += grown
        self._add_changes(grown)

    def drop(self, prefix: bytes) -> None:
        """Release a profile that did not change."""
        profile = self._clean.pop(prefix, None)
        if profile is not None:
            self._add_heads(-profile.head_bytes)
            self._let_parts_go(prefix, profile)

    def take(self, prefix: bytes) -> Profile | None:
        """Return a changed profile ahead of a flush; the caller then passes it to `encoded`."""
        return self._changed.pop(prefix, None)

    def discard(self, prefix: bytes) -> None:
        """Release a profile, including its changes."""
        profile = self._changed.pop(prefix, None)
        if profile is None:
            self.drop(prefix)
            return
        self._let_parts_go(prefix, profile)
        self._add_changes(-profile.head_bytes - profile.changed_bytes)
        profile.changed_bytes = 0

    # --- the flush -----------------------------------------------------------------------------

    def take_changed(self) -> dict[bytes, Profile]:
        """Return profiles changed since the last call; the caller passes each to `encoded`."""
        changed, self._changed = self._changed, {}
        self._add_changes(-self._grown)
        self._grown = 0
        return changed

    def encoded(self, prefix: bytes, profile: Profile, record_bytes: int) -> None:
        """Keep a profile whose changes were encoded to `record_bytes`, unless it is empty.

        The records are in memory twice until the flush ends: here and in the producer. The head is
        measured again if the size of the records differs from when it was last measured.
        """
        self._add_changes(-profile.head_bytes)
        self.add_flush_bytes(2 * record_bytes)
        if profile.empty:
            self._let_parts_go(prefix, profile)
            return
        if abs(record_bytes - profile.weighed_at) * _WEIGHED_AGAIN > profile.weighed_at:
            profile.head_bytes = head_weight(profile.head)
            profile.weighed_at = record_bytes
        self._hold(prefix, profile)

    def add_flush_bytes(self, count: int) -> None:
        """Count bytes that the flush in progress takes."""
        self.flush_bytes += count
        self._budget.changes += count
        self._budget.held += count

    def flushed(self) -> None:
        """Count no more bytes for the flush: it has ended."""
        self.add_flush_bytes(-self.flush_bytes)

    # --- releasing memory ----------------------------------------------------------------------

    def free_parts(self, wanted: int) -> None:
        """Release parts and states until `wanted` bytes are released, or none is left."""
        left = self.parts_bytes - wanted
        while self._with_parts and self.parts_bytes > left:
            prefix, profile = self._with_parts.popitem(last=False)
            self._let_parts_go(prefix, profile)

    def free_heads(self, wanted: int) -> None:
        """Release profiles that did not change, until `wanted` bytes are released."""
        left = self.head_bytes - wanted
        while self._clean and self.head_bytes > left:
            self._evict()

    def _evict(self) -> None:
        prefix, profile = self._clean.popitem(last=False)
        self._add_heads(-profile.head_bytes)
        self._let_parts_go(prefix, profile)

    def _let_parts_go(self, prefix: bytes, profile: Profile) -> None:
        self._with_parts.pop(prefix, None)
        profile.parts.let_go()
        changed = profile.parts.changed_bytes
        self._add_parts(-profile.loose_bytes)
        self._add_changes(changed - profile.changed_bytes)
        profile.loose_bytes, profile.changed_bytes = 0, changed

    def _add_heads(self, count: int) -> None:
        self.head_bytes += count
        self._budget.held += count

    def _add_parts(self, count: int) -> None:
        self.parts_bytes += count
        self._budget.held += count

    def _add_changes(self, count: int) -> None:
        self.change_bytes += count
        self._budget.changes += count
        self._budget.held += count
