"""One partition of the profile table: committed bytes in a store, decoded profiles above them.

Three layers, from top to bottom:

    profiles    decoded, with everything applied so far; never shown to readers
    committing  encoded records of the flush that is under way, by store key
    store       what a transaction has committed

A profile is worked on in `profiles`; a flush encodes the changed ones into `committing` and sends
them; when the transaction is committed they become visible to readers and go into the store.

Keys of the store and of the changelog: 0x01 is the positions record, 0x03 that of the coverage;
0x02, one byte length, the attribute key's name, two bytes length, the id in UTF-8, then a suffix
(empty: the profile's head) are profile records; 0x00 starts what is kept locally only and not in
the changelog.
"""

import struct
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import msgspec

from processor.engine.coverage import decode_coverage, new_coverage
from processor.engine.plan import Plan
from processor.engine.profile import Profile
from processor.engine.profile_codec import (
    HEAD_SUFFIX,
    changed_records,
    decode_profile,
    new_profile,
)
from processor.errors import StateError
from processor.limits import PROFILE_BYTES_MAX, PROFILE_CACHE_MAX, STORE_WRITE_BYTES
from processor.state.store import Store
from processor.streaming.positions import Positions
from processor.streaming.read_profiles import ReadProfiles

POSITIONS_KEY = b"\x01"
PROFILE_TAG = b"\x02"
COVERAGE_KEY = b"\x03"
_RESTORED_KEY = b"\x00restored"
_LENGTHS = struct.Struct(">H")
# Between two pieces that go into the store: time enough for another thread to take Python's lock.
_PAUSE_S = 0.0002


class Restored(msgspec.Struct, array_like=True):
    """How far the local store follows the changelog; kept in the store only.

    `next_offset` is the first changelog offset not in the store; `wall_ms` when that was last known
    to be all there was.
    """

    topic_id: str
    next_offset: int
    wall_ms: int


def record_prefix(key: str, identifier: str) -> bytes:
    """Return the store key of a profile's head; its other records add a suffix."""
    name = key.encode()
    encoded = identifier.encode()
    return b"".join((PROFILE_TAG, bytes((len(name),)), name, _LENGTHS.pack(len(encoded)), encoded))


def split_record_key(record_key: bytes) -> tuple[str, str, bytes]:
    """Return (attribute key, id, suffix) of a profile record's key."""
    name_end = 2 + record_key[1]
    (length,) = _LENGTHS.unpack_from(record_key, name_end)
    id_start = name_end + _LENGTHS.size
    id_end = id_start + length
    return (
        record_key[2:name_end].decode(),
        record_key[id_start:id_end].decode(),
        record_key[id_end:],
    )


class ProfileTable:
    """One partition's profiles. Used by one task at a time, except for `committed_profile`."""

    def __init__(self, store: Store, positions: Positions) -> None:
        self.store = store
        self.positions = positions
        self._encoded = positions.offsets
        self.flushed = positions.offsets
        coverage = store.get(COVERAGE_KEY)
        self.coverage = new_coverage() if coverage is None else decode_coverage(coverage)
        self.coverage_changed = False
        self._noted: Plan | None = None
        self._encoded_generation = self.flushed_generation = self.coverage.generation
        self._profiles: dict[bytes, Profile] = {}
        self._changed: dict[bytes, Profile] = {}
        self._committing: dict[bytes, bytes | None] = {}
        self._committed: dict[bytes, bytes | None] = {}
        self.read = ReadProfiles()
        # Of profiles in `read`: the suffixes of what the flush under way writes.
        self._rewritten: dict[bytes, list[bytes]] = {}

    # --- working on profiles -------------------------------------------------------------------

    def profile(self, prefix: bytes) -> Profile | None:
        """Return the profile with everything applied so far, or None if there is none."""
        found = self._profiles.get(prefix)
        if found is None and prefix in self._changed:  # emptied, and not flushed yet
            found = self._changed[prefix]  # it starts anew
        if found is None:
            head = self._newest(prefix)
            if head is None:
                return None
            found = decode_profile(head, lambda suffix: self._newest(prefix + suffix))
            self._remember(prefix, found)
        if found.head.generation != self.coverage.generation:
            self.coverage.renew(found)
        return found

    def new_profile(self, prefix: bytes) -> Profile:
        """Return a profile that did not exist until now."""
        made = new_profile(lambda suffix: self._newest(prefix + suffix))
        made.head.generation = self.coverage.generation
        self._remember(prefix, made)
        return made

    def changed(self, prefix: bytes, profile: Profile) -> None:
        """Note that a profile is to be written by the next flush."""
        self._changed[prefix] = profile

    def forget(self, prefix: bytes) -> None:
        """Drop a decoded profile that is empty now; the next flush deletes its records."""
        self._profiles.pop(prefix, None)

    @property
    def has_changes(self) -> bool:
        """Whether anything changed, or frames were applied, since the last flush began."""
        applied = self.positions.next_offset != self._encoded.contributions
        return applied or bool(self._changed) or self.coverage_changed

    @property
    def changes(self) -> int:
        """Profiles changed since the last flush began."""
        return len(self._changed)

    def note(self, plan: Plan, now_ms: int) -> None:
        """Note what the plan keeps from now on; to be called before anything is applied under it.

        `now_ms`: what is new may have missed all events up to it.
        """
        if plan is not self._noted:
            self._noted = plan
            now_ms = max(now_ms, self.positions.newest_ms())
            self.coverage_changed |= self.coverage.note(plan, now_ms)

    def note_sent_under(self, definitions_offset: int, now_ms: int) -> None:
        """Note under which definitions something was sent that is applied now."""
        if definitions_offset < self.coverage.first_offset:
            self.coverage_changed |= self.coverage.begin_later(definitions_offset, now_ms)

    def forget_gone(self, generation: int) -> None:
        """Forget what was gone by a generation that was flushed before a sweep of all profiles."""
        self.coverage_changed |= self.coverage.forget_gone(generation)

    def _newest(self, record_key: bytes) -> bytes | None:
        if record_key in self._committing:
            return self._committing[record_key]
        return self.store.get(record_key)

    def _remember(self, prefix: bytes, profile: Profile) -> None:
        if len(self._profiles) >= PROFILE_CACHE_MAX:
            self._forget_oldest()
        self._profiles[prefix] = profile

    def _forget_oldest(self) -> None:
        """Forget half of the profiles, oldest first, but none that is not written yet."""
        for prefix in list(self._profiles)[: PROFILE_CACHE_MAX // 2]:
            if prefix not in self._changed:
                del self._profiles[prefix]

    # --- the flush -----------------------------------------------------------------------------

    def begin_flush(self) -> Iterator[int]:
        """Encode the changed profiles; yield after each, so that the caller can slice the work.

        When it is exhausted, `flush_records` holds all that goes into the transaction. Nothing may
        be applied before that.
        """
        assert not self._committing, "one flush at a time"
        changed, self._changed = self._changed, {}
        for prefix, profile in changed.items():
            size = 0
            records = changed_records(profile)
            if prefix in self.read:
                self._rewritten[prefix] = [suffix for suffix, _ in records]
            for suffix, value in records:
                self._committing[prefix + suffix] = value
                size = max(size, len(value or b""))
            if size > PROFILE_BYTES_MAX:
                key, identifier, _ = split_record_key(prefix)
                message = f"a record of the profile of {key} {identifier!r} takes {size} bytes"
                raise StateError(message, hint=f"at most {PROFILE_BYTES_MAX} can be written")
            yield size
        if self.coverage_changed:
            self.coverage_changed = False
            self._committing[COVERAGE_KEY] = self.coverage.encode()
        self._encoded = self.positions.offsets
        self._encoded_generation = self.coverage.generation
        self._committing[POSITIONS_KEY] = self.positions.encode()

    @property
    def flush_records(self) -> dict[bytes, bytes | None]:
        """The records of the flush under way; the positions record is the last."""
        return self._committing

    def publish(self) -> None:
        """Show readers what is committed. Safe to call from the flush's thread."""
        self._committed = self._committing

    def write(self, topic_id: str, next_offset: int, wall_ms: int) -> None:
        """Write what is committed into the store, and then how far it follows the changelog.

        Whoever finds a part of it, after a crash, reads the rest from the changelog. So it is
        written in pieces: RocksDB's binding holds Python's lock while it writes, and the event loop
        would wait for all of it.
        """
        piece: list[tuple[bytes, bytes | None]] = []
        size = 0
        for key, value in self._committing.items():
            if key == POSITIONS_KEY:
                continue
            piece.append((key, value))
            size += len(value or b"")
            if size >= STORE_WRITE_BYTES:
                self.store.write(piece)
                time.sleep(_PAUSE_S)
                piece, size = [], 0
        positions = self._committing[POSITIONS_KEY]
        restored = Restored(topic_id, next_offset, wall_ms)
        self.store.write([*piece, (POSITIONS_KEY, positions), restored_record(restored)])

    def remark(self, wall_ms: int) -> None:
        """Note that the store, to which nothing had to be added, is up to date at `wall_ms`."""
        restored = stored_restored(self.store)
        if restored is not None:
            self.store.write(
                [restored_record(Restored(restored.topic_id, restored.next_offset, wall_ms))]
            )

    def end_flush(self) -> None:
        """Let the store answer again for what the flush wrote."""
        self._committing = {}
        self._committed = {}
        for prefix, suffixes in self._rewritten.items():
            self.read.note_written(prefix, suffixes)
        self._rewritten.clear()
        self.flushed = self._encoded
        self.flushed_generation = self._encoded_generation

    # --- reading what is committed -------------------------------------------------------------

    @contextmanager
    def committed_profile(self, key: str, identifier: str) -> Iterator[Profile | None]:
        """Give the committed state of a profile: what a transaction wrote, and nothing else.

        It is read at once, without an await: its parts come from a snapshot of the store, which
        ends with the context.
        """
        prefix = record_prefix(key, identifier)
        try:
            yield self._committed_profile(prefix)
        finally:
            self.read.let_go()

    def _committed_profile(self, prefix: bytes) -> Profile | None:
        # First the store as it is now, then what is committed above it: whichever step of a flush
        # comes between the two, head and chunks are of one state.
        stored = self.store.snapshot()
        committed = self._committed

        def newest(suffix: bytes) -> bytes | None:
            record_key = prefix + suffix
            return committed[record_key] if record_key in committed else stored(record_key)

        # What is kept is as the store was before a flush that is committed and not ended.
        found = None if prefix in committed else self.read.get(prefix, newest)
        if found is None:
            head = newest(HEAD_SUFFIX)
            if head is None:
                return None
            found = decode_profile(head, newest)
            if prefix not in self._committing:
                self.read.keep(prefix, found)
        self.coverage.renew(found)
        return found

    def heads(self) -> Generator[tuple[bytes, bytes], None, None]:
        """Yield (prefix, head) of every profile in the store."""
        for record_key, value in self.store.scan(PROFILE_TAG):
            if not record_key.startswith(PROFILE_TAG):
                return
            if not split_record_key(record_key)[2]:
                yield record_key, value


def restored_record(restored: Restored) -> tuple[bytes, bytes]:
    """Return the local record that says how far a store follows the changelog."""
    return _RESTORED_KEY, msgspec.msgpack.encode(restored)


def stored_restored(store: Store) -> Restored | None:
    """Return how far a store follows the changelog; None for a new store."""
    data = store.get(_RESTORED_KEY)
    return None if data is None else msgspec.msgpack.decode(data, type=Restored)


def stored_positions(store: Store) -> Positions | None:
    """Return the positions that a store holds; None for one without applied frames."""
    data = store.get(POSITIONS_KEY)
    return None if data is None else Positions.decode(data)
