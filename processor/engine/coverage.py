"""Since when what a partition keeps is complete, and what of it has to go.

The owner of a partition notes what the definitions in force keep: entries of windows, accumulators,
times to live, firings. Each has a name: the id of the series, accumulator, timer or rule; the
entries of a series have its id inverted. The note says since which event time it has been computed
without a break, and, of entries, how long they are kept.

What is not kept any more is *gone* from the next generation on. A profile of an older generation
may hold some of it still, and loses that as soon as anybody looks at it. So what comes back starts
anew everywhere, at whatever moment a sweep or a read meets which profile.

The record is 1 byte magic 0xA9, 1 byte format number 1, 4 bytes CRC-32 (zlib, big-endian) of the
rest, and msgpack: [definitions offset, that of the first note, generation, {name: [since, kept
ms]}, {name: generation}].
"""

import struct
import zlib
from collections.abc import Mapping

import msgspec

from processor.engine.attribute import CompiledAttribute
from processor.engine.expire import forget
from processor.engine.plan import Plan
from processor.engine.profile import Profile
from processor.errors import StateFormatError

MAGIC = 0xA9
FORMAT = 1
_HEADER = struct.Struct(">BBI")
# Since the partition's beginning.
_ALWAYS_MS = 0
# Before any plan's.
_NO_OFFSET = -2


class Kept(msgspec.Struct, array_like=True):
    """Since which event time something is kept, 0 for always; of entries, for how long."""

    since_ms: int
    kept_ms: int


class Coverage(msgspec.Struct, array_like=True):
    """What is kept under the definitions up to an offset, and what is gone, by name.

    `first_offset` is that of the definitions noted first: those of the partition's beginning.
    """

    definitions_offset: int
    first_offset: int
    generation: int
    kept: dict[int, Kept]
    gone: dict[int, int]

    def note(self, plan: Plan, now_ms: int) -> bool:
        """Note what a plan keeps; return whether anything is different.

        What is new may have missed all events up to `now_ms`; none, at the partition's beginning. A
        plan older than the last one noted says nothing: who reads the definitions behind others
        will get to theirs.
        """
        if plan.definitions_offset < self.definitions_offset:
            return False
        if self.definitions_offset == _NO_OFFSET:
            now_ms = _ALWAYS_MS
            self.first_offset = plan.definitions_offset
        moved = plan.definitions_offset > self.definitions_offset
        self.definitions_offset = plan.definitions_offset
        wanted = _kept_by(plan)
        ended = self.kept.keys() - wanted.keys()
        if ended:
            self.generation += 1
            for name in ended:
                del self.kept[name]
                self.gone[name] = self.generation
        for name, kept_ms in wanted.items():
            before = self.kept.get(name)
            if before is None:
                self.kept[name] = Kept(now_ms, kept_ms)
                continue
            if kept_ms > before.kept_ms:
                before.since_ms = max(before.since_ms, now_ms - before.kept_ms)
            before.kept_ms = kept_ms
        return moved

    def begin_later(self, definitions_offset: int, now_ms: int) -> bool:
        """Note that something was sent under these definitions; return whether that matters.

        Those that were noted first were not the first ones, then: what they keep begins only now.
        """
        if definitions_offset >= self.first_offset:
            return False
        self.first_offset = _NO_OFFSET
        for kept in self.kept.values():
            kept.since_ms = kept.since_ms or now_ms
        return True

    def since_ms(self, attribute: CompiledAttribute, now_ms: int) -> int | None:
        """Return since when an attribute's value at `now_ms` is complete; None: it is complete.

        An attribute that was not noted yet begins now.
        """
        period_ms = attribute.period_ms
        if attribute.series_id is None:
            return None
        if attribute.lifetime is not None:
            kept = self.kept.get(attribute.lifetime.slot)
        else:
            kept = self.kept.get(~attribute.series_id)
        if kept is None:
            return now_ms
        if period_ms is None:
            return None if kept.since_ms == _ALWAYS_MS else kept.since_ms
        since_ms = kept.since_ms
        if kept.kept_ms < period_ms:  # the plan is newer than the note
            since_ms = max(since_ms, now_ms - kept.kept_ms)
        return None if since_ms <= now_ms - period_ms else since_ms

    def renew(self, profile: Profile) -> None:
        """Drop from a profile what is gone since it was looked at last."""
        head = profile.head
        if head.generation == self.generation:
            return
        names = [name for name, number in self.gone.items() if number > head.generation]
        head.generation = self.generation
        if forget(profile, names):
            profile.changed = True

    def forget_gone(self, generation: int) -> bool:
        """Forget what was gone by a generation: no profile holds any of it. Say if there was any.

        Whoever says so has looked at all profiles that were stored when that generation was.
        """
        left = {name: number for name, number in self.gone.items() if number > generation}
        some = len(left) < len(self.gone)
        self.gone = left
        return some

    def encode(self) -> bytes:
        """Return the record's bytes."""
        body = _encoder.encode(self)
        return _HEADER.pack(MAGIC, FORMAT, zlib.crc32(body)) + body


def new_coverage() -> Coverage:
    """Return that of a partition at its beginning, of which nothing was noted."""
    return Coverage(_NO_OFFSET, _NO_OFFSET, 0, {}, {})


def decode_coverage(data: bytes) -> Coverage:
    """Return the note that a record holds.

    Raises:
        StateFormatError: another format number, or a wrong checksum.
    """
    magic, number, checksum = _HEADER.unpack_from(data)
    body = data[_HEADER.size :]
    if (magic, number) != (MAGIC, FORMAT):
        message = f"a coverage of format {magic:#04x}/{number} is not {MAGIC:#04x}/{FORMAT}"
        raise StateFormatError(message, hint="was the state written by a newer version?")
    if zlib.crc32(body) != checksum:
        message = "the coverage record does not match its checksum"
        raise StateFormatError(message, hint="it was damaged after it was written")
    return _decoder.decode(body)


def _kept_by(plan: Plan) -> Mapping[int, int]:
    """Return the names of what a plan keeps, each with how long that is for entries, else 0."""
    names = dict.fromkeys([*plan.series, *plan.slots, *plan.timers, *plan.limits, *plan.joints], 0)
    return names | {~one.series_id: one.kept_ms for one in plan.series.values() if one.kept_ms}


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Coverage)
