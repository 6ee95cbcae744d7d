"""Profiles that were read a moment ago, kept decoded for the next read.

Only those that have chunks: the others are decoded in microseconds. A profile that a flush writes
is brought to its new head at the next read; the parts that were not written, and what is remembered
of them, stay. Of what is kept nothing is ever newer or older than its head.
"""

from collections.abc import Callable, Iterable

from processor.engine.profile import Profile
from processor.engine.profile_codec import renew_profile
from processor.limits import READ_PROFILES_MAX

Fetch = Callable[[bytes], bytes | None]


class ReadProfiles:
    """The decoded profiles of a partition that were read last. Used in the event loop's thread."""

    def __init__(self) -> None:
        self._kept: dict[bytes, Profile] = {}
        # By prefix, the suffixes of what was written since its profile was read.
        self._written: dict[bytes, set[bytes]] = {}
        # The one that is being read, and so holds a snapshot of the store.
        self._reading: Profile | None = None

    def __contains__(self, prefix: bytes) -> bool:
        return prefix in self._kept

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, prefix: bytes, profile: Profile) -> None:
        """Keep a profile as it is in the store; the one that was not read for longest goes."""
        if not any(window.children for window in profile.head.windows.values()):
            return
        if len(self._kept) >= READ_PROFILES_MAX:
            longest = next(iter(self._kept))
            del self._kept[longest]
            self._written.pop(longest, None)
        self._kept[prefix] = profile
        self._reading = profile

    def note_written(self, prefix: bytes, suffixes: Iterable[bytes]) -> None:
        """Note what a flush has written of a profile, now that the store has it."""
        if prefix in self._kept:
            self._written.setdefault(prefix, set()).update(suffixes)

    def get(self, prefix: bytes, fetch: Fetch) -> Profile | None:
        """Return a profile that is kept, as the store has it; `fetch` returns parts by suffix."""
        profile = self._kept.pop(prefix, None)
        if profile is None or not renew_profile(profile, self._written.pop(prefix, ()), fetch):
            return None
        self._kept[prefix] = profile
        self._reading = profile
        return profile

    def let_go(self) -> None:
        """Let go of the snapshot of the read that ends: it holds the store open."""
        if self._reading is not None:
            renew_profile(self._reading, (), _let_go)
            self._reading = None


def _let_go(suffix: bytes) -> bytes:
    message = f"the part {suffix.hex()} is read from a snapshot that was let go"
    raise AssertionError(message)
