"""Recently read profiles, kept decoded for the next read.

Only profiles with chunks are kept: others are decoded in microseconds. A profile that a flush
writes receives its new head at the next read. Parts that were not written, and states remembered
for them, stay. No kept part is ever newer or older than its profile's head.
"""

from collections import OrderedDict
from collections.abc import Iterable

from processor.engine import Profile, ProfileRecords, head_weight, renew_profile
from processor.limits import READ_PROFILES_MAX
from processor.streaming.profiles.memory_budget import MemoryBudget
from processor.streaming.profiles.profile_records import NO_RECORDS


class ReadProfiles:
    """The most recently read profiles of a partition. Used in the event loop's thread.

    `parts_bytes` is roughly their memory: whole profiles are released in the step for parts
    (memory_budget.py).
    """

    def __init__(self, budget: MemoryBudget) -> None:
        self.parts_bytes = 0
        self.head_bytes = self.change_bytes = self.flush_bytes = 0
        self._budget = budget
        self._kept: OrderedDict[bytes, Profile] = OrderedDict()
        # By prefix, the suffixes of records written since the profile was read.
        self._written: dict[bytes, set[bytes]] = {}
        # The profile that is being read, and therefore holds a snapshot of the store.
        self._reading: tuple[bytes, Profile] | None = None

    def __contains__(self, prefix: bytes) -> bool:
        return prefix in self._kept

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, prefix: bytes, profile: Profile) -> None:
        """Keep a profile as it is in the store; the least recently read one may be dropped."""
        if not any(window.children for window in profile.head.windows.values()):
            return
        if len(self._kept) >= READ_PROFILES_MAX:
            self._drop(next(iter(self._kept)))
        self._kept[prefix] = profile
        self._reading = prefix, profile

    def note_written(self, prefix: bytes, suffixes: Iterable[bytes]) -> None:
        """Note which records of a profile a flush has written, now that the store has them."""
        if prefix in self._kept:
            self._written.setdefault(prefix, set()).update(suffixes)

    def forget(self, prefix: bytes) -> None:
        """Forget a profile that a flush has deleted: a later one with its id is a different one."""
        if prefix in self._kept:
            self._drop(prefix)

    def get(self, prefix: bytes, records: ProfileRecords) -> Profile | None:
        """Return a kept profile as it is in the store; its parts come from `records`."""
        profile = self._kept.get(prefix)
        if profile is None:
            return None
        if not renew_profile(profile, self._written.pop(prefix, ()), records):
            self._drop(prefix)
            return None
        self._kept.move_to_end(prefix)
        self._reading = prefix, profile
        return profile

    def let_go(self) -> None:
        """Release the snapshot of the read that ends: it holds the store open."""
        if self._reading is not None:
            prefix, profile = self._reading
            self._reading = None
            renew_profile(profile, (), NO_RECORDS)
            if prefix in self._kept:
                self._add_bytes(-profile.loose_bytes)
                profile.loose_bytes = head_weight(profile.head) + profile.parts.bytes
                self._add_bytes(profile.loose_bytes)
                self._budget.make_room()

    def free_parts(self, wanted: int) -> None:
        """Release profiles until `wanted` bytes are released, or none is left."""
        left = self.parts_bytes - wanted
        while self._kept and self.parts_bytes > left:
            self._drop(next(iter(self._kept)))

    def free_heads(self, wanted: int) -> None:
        """Do nothing: profiles are released as a whole."""

    def _drop(self, prefix: bytes) -> None:
        profile = self._kept.pop(prefix)
        self._written.pop(prefix, None)
        self._add_bytes(-profile.loose_bytes)
        profile.loose_bytes = 0
        profile.parts.let_go()  # what is remembered refers back to the parts

    def _add_bytes(self, count: int) -> None:
        self.parts_bytes += count
        self._budget.held += count
