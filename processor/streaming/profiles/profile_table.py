"""One partition of the profile table: committed bytes in a store, decoded profiles above them.

Four layers, from top to bottom:

    profiles    decoded, with everything applied so far; never shown to readers
    made        records that were encoded before the next flush, so that later changes can be undone
    committing  encoded records of the flush in progress, by store key
    store       what a transaction has committed

A profile is changed in `profiles`. A flush encodes the changed profiles into `committing` and sends
them. When the transaction is committed, they become visible to readers and go into the store.

Keys of the store and of the changelog: 0x01 is the positions record, 0x03 that of the coverage;
0x02, one byte length, the attribute key's name, two bytes length, the id in UTF-8, then a suffix
(empty: the profile's head) are profile records; 0x04 starts those of counted events
(processor/streaming/profiles/counted_store.py); 0x00 starts what is kept locally only and not in
the changelog.
"""

import struct
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from processor.engine import (
    HEAD_SUFFIX,
    Plan,
    Profile,
    changed_records,
    decode_coverage,
    decode_profile,
    new_coverage,
    new_profile,
    settle,
)
from processor.errors import StateError
from processor.limits import PROFILE_BYTES_MAX, STORE_WRITE_BYTES
from processor.profile_inputs import ProfileInput
from processor.state.store import Store
from processor.streaming.profiles.counted_store import CountedStore
from processor.streaming.profiles.partition_memory import PartitionMemory, memory_alone
from processor.streaming.profiles.positions import Positions
from processor.streaming.profiles.profile_records import (
    CommittedRecords,
    NewestRecords,
    StoredRecords,
)
from processor.streaming.profiles.restore_mark import Restored, restored_record, stored_restored

POSITIONS_KEY = b"\x01"
PROFILE_TAG = b"\x02"
COVERAGE_KEY = b"\x03"
_LENGTHS = struct.Struct(">H")
# Between two pieces written to the store: enough time for another thread to take Python's lock.
_PAUSE_S = 0.0002


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
    """One partition's profiles. Used by one task at a time, except for `committed_profile`.

    `memory` holds its decoded profiles and the events that the partition remembers. Without it, no
    events are remembered.
    """

    def __init__(
        self, store: Store, positions: Positions, memory: PartitionMemory | None = None
    ) -> None:
        self.store = store
        self.positions = positions
        self.memory = memory_alone() if memory is None else memory
        self.counted = self.memory.counted
        self._counted = CountedStore(store, self.counted)
        self._encoded = positions.offsets
        self.found = self.flushed = positions.offsets
        coverage = store.get(COVERAGE_KEY)
        self.coverage = new_coverage() if coverage is None else decode_coverage(coverage)
        self.coverage_changed = False
        self._noted: Plan | None = None
        self._encoded_generation = self.flushed_generation = self.coverage.generation
        self._held = self.memory.profiles
        # By prefix and suffix: records encoded ahead of the next flush.
        self._made: dict[bytes, dict[bytes, bytes | None]] = {}
        self._committing: dict[bytes, bytes | None] = {}
        self._committed: dict[bytes, bytes | None] = {}
        self.read = self.memory.read
        # For profiles in `read`: the suffixes that the flush in progress writes.
        self._rewritten: dict[bytes, list[bytes]] = {}

    def load_counted(self) -> Iterator[None]:
        """Remember the counted events that the store holds, before any others are counted.

        Yield between steps of at most a millisecond.

        Raises:
            StateFormatError: a record is damaged, or has another format.
        """
        return self._counted.load()

    # --- changing profiles ---------------------------------------------------------------------

    def profile(self, prefix: bytes) -> Profile | None:
        """Return the profile with everything applied so far, or None if there is none."""
        found = self._held.get(prefix)
        if found is None:
            head = self.newest(prefix, HEAD_SUFFIX)
            if head is None:
                return None
            found = decode_profile(head, NewestRecords(self, prefix))
            self._held.keep(prefix, found)
        self.settle(found)
        return found

    def settle(self, profile: Profile) -> None:
        """Reduce a decoded profile to what is kept now, and correct impossible times."""
        if profile.head.generation != self.coverage.generation:
            self.coverage.renew(profile)
        if profile.head.arrival_ms < 0 and self._noted and self.positions.taken_over_ms:
            settle(profile, self._noted, self.positions.taken_over_ms)

    def new_profile(self, prefix: bytes) -> Profile:
        """Return a profile that did not exist until now."""
        made = new_profile(NewestRecords(self, prefix))
        made.head.generation = self.coverage.generation
        self._held.keep(prefix, made)
        return made

    def changed(self, prefix: bytes, profile: Profile) -> None:
        """Note that the next flush must write a profile."""
        self._held.changed(prefix, profile)

    def used(self, prefix: bytes, profile: Profile) -> None:
        """Note that a profile was read and did not change: its decoded parts take memory."""
        self._held.used(prefix, profile)

    def applied(self, size: int) -> None:
        """Note that `size` bytes of frames or parts were applied: changes take memory."""
        self._held.grew(size)

    def encode(self, prefix: bytes, level: int) -> None:
        """Encode the changes of a profile to bytes, to which `undo` restores it."""
        profile = self._held.take(prefix)
        if profile is not None:
            records = changed_records(profile, level)
            self._made.setdefault(prefix, {}).update(records)
            self._held.encoded(prefix, profile, sum(len(value or b"") for _, value in records))

    def undo(self, prefix: bytes) -> None:
        """Drop changes of a profile that are newer than its encoded bytes."""
        self._held.discard(prefix)

    def forget(self, prefix: bytes) -> None:
        """Drop a decoded profile, unless it waits for the next flush."""
        self._held.drop(prefix)

    @property
    def has_changes(self) -> bool:
        """Whether anything changed, or frames were applied, since the last flush began."""
        first = ProfileInput.CONTRIBUTIONS
        applied = self.positions.next_offsets[first] != self._encoded[first]
        return applied or bool(self.changes) or self.coverage_changed

    @property
    def crowded(self) -> bool:
        """Whether the changes of the worker's partitions take too much of its memory."""
        return self._held.crowded

    @property
    def changes(self) -> int:
        """Number of profiles changed since the last flush began."""
        return self._held.changes + len(self._made)

    def note(self, plan: Plan, now_ms: int) -> None:
        """Note what the plan keeps from now on; called before anything is applied under it.

        `now_ms`: what is newly kept may have missed all events up to this time.
        """
        if plan is not self._noted:
            self._noted = plan
            self.coverage_changed |= self.coverage.note(plan, now_ms)

    def note_sent_under(self, definitions_offset: int, now_ms: int) -> None:
        """Note the definitions under which what is applied now was sent."""
        self.coverage_changed |= self.coverage.sent_under(definitions_offset, now_ms)

    def note_read_under(self, definitions_offset: int, now_ms: int) -> None:
        """Note the oldest definitions under which any source partition is read from now on."""
        self.coverage_changed |= self.coverage.read_under(definitions_offset, now_ms)

    def forget_gone(self, generation: int) -> None:
        """Forget what was gone by a generation that was flushed before a sweep of all profiles."""
        self.coverage_changed |= self.coverage.forget_gone(generation)

    def newest(self, prefix: bytes, suffix: bytes) -> bytes | None:
        """Return a record of a profile with what was encoded last, or None if there is none."""
        made = self._made.get(prefix)
        if made is not None and suffix in made:
            return made[suffix]
        record_key = prefix + suffix
        if record_key in self._committing:
            return self._committing[record_key]
        return self.store.get(record_key)

    # --- the flush -----------------------------------------------------------------------------

    def begin_flush(self, level: int) -> Iterator[int]:
        """Encode what changed; yield after each record, so that the caller can slice the work.

        `level` is the format level of the records.

        After the last record, `flush_records` holds everything that goes into the transaction.
        Nothing may be applied before that.
        """
        assert not self._committing, "one flush at a time"
        changed = self._held.take_changed()
        made, self._made = self._made, {}
        for prefix in dict.fromkeys([*made, *changed]):
            size = total = 0
            records = made.get(prefix, {})
            profile = changed.get(prefix)
            if profile is not None:
                records.update(changed_records(profile, level))
            if prefix in self.read:
                self._rewritten[prefix] = list(records)
            for suffix, value in records.items():
                self._committing[prefix + suffix] = value
                size = max(size, len(value or b""))
                total += len(value or b"")
            if profile is not None:
                self._held.encoded(prefix, profile, total)
            if size > PROFILE_BYTES_MAX:
                key, identifier, _ = split_record_key(prefix)
                message = f"a record of a profile of {key!r} has {size} bytes"
                hint = f"at most {PROFILE_BYTES_MAX} can be written; the log names the profile"
                raise StateError(message, hint=hint, private=f"{key} {identifier!r}")
            yield size
        next_offset = self.positions.next_offsets[ProfileInput.CONTRIBUTIONS]
        for record_key, value in self._counted.flush_records(next_offset, level):
            self._committing[record_key] = value
            yield len(value or b"")
        if self.coverage_changed:
            self.coverage_changed = False
            self._committing[COVERAGE_KEY] = self.coverage.encode(level)
        self._encoded = self.positions.offsets
        self._encoded_generation = self.coverage.generation
        self._committing[POSITIONS_KEY] = self.positions.encode(level)

    @property
    def flush_records(self) -> dict[bytes, bytes | None]:
        """The records of the flush in progress; the positions record is the last."""
        return self._committing

    def publish(self) -> None:
        """Show readers what is committed. Safe to call from the flush's thread."""
        self._committed = self._committing

    def write(self, topic_id: str, next_offset: int, wall_ms: int) -> None:
        """Write what is committed into the store, and then how far the store follows the changelog.

        If a crash leaves only a part of it, the next owner reads the rest from the changelog. So it
        can be written in pieces: RocksDB's binding holds Python's lock while it writes, and the
        event loop would otherwise wait for the whole write.
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
        """Note that the store, to which nothing was added, is up to date at `wall_ms`."""
        restored = stored_restored(self.store)
        if restored is not None:
            self.store.write(
                [restored_record(Restored(restored.topic_id, restored.next_offset, wall_ms))]
            )

    def end_flush(self) -> None:
        """Read what the flush wrote from the store again."""
        for prefix, suffixes in self._rewritten.items():
            if self._committing[prefix] is None:
                self.read.forget(prefix)
            else:
                self.read.note_written(prefix, suffixes)
        self._committing = {}
        self._committed = {}
        self._held.flushed()
        self._rewritten.clear()
        self.flushed = self._encoded
        self.flushed_generation = self._encoded_generation

    # --- reading what is committed -------------------------------------------------------------

    @contextmanager
    def committed_profile(self, key: str, identifier: str) -> Iterator[Profile | None]:
        """Yield the committed state of a profile: what a transaction wrote, and nothing else.

        The caller must read it at once, without an await: its parts come from a snapshot of the
        store, which ends with the context.
        """
        prefix = record_prefix(key, identifier)
        try:
            yield self._committed_profile(prefix)
        finally:
            self.read.let_go()

    def _committed_profile(self, prefix: bytes) -> Profile | None:
        # First a snapshot of the store, then what is committed above it: whichever step of a flush
        # happens between the two, head and chunks are of the same state.
        stored = self.store.snapshot()
        committed = self._committed
        records = CommittedRecords(committed, stored, prefix)
        # A kept profile is from before a flush that is committed but has not ended.
        found = None if prefix in committed else self.read.get(prefix, records)
        if found is None:
            head = records.get(HEAD_SUFFIX)
            if head is None:
                return None
            found = decode_profile(head, records)
            if prefix not in self._committing:
                self.read.keep(prefix, found)
        self.coverage.renew(found)
        return found

    def stored_records(self, prefix: bytes) -> StoredRecords:
        """Return the records of a profile in the store, without a flush in progress."""
        return StoredRecords(self.store, prefix)

    def heads(
        self, start: bytes = b"", end: bytes | None = None
    ) -> Generator[tuple[bytes, bytes], None, None]:
        """Yield (prefix, head) of the profiles in the store from `start` to before `end`."""
        for record_key, value in self.store.scan(max(start, PROFILE_TAG)):
            beyond = end is not None and record_key >= end
            if beyond or not record_key.startswith(PROFILE_TAG):
                return
            if not split_record_key(record_key)[2]:
                yield record_key, value


def stored_positions(store: Store) -> Positions | None:
    """Return the positions that a store holds; None for one without applied frames."""
    data = store.get(POSITIONS_KEY)
    return None if data is None else Positions.decode(data)
