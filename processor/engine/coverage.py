"""Since when the state that a partition keeps is complete, and which state must be dropped.

The owner of a partition notes what the definitions in force keep: entries of windows, accumulators,
times to live, firings. Each has a name: the id of the series, accumulator, timer or rule. The
entries of a series have its id inverted. The note states since which event time each has been
computed without a break and, for entries, how long they are kept.

What is no longer kept is *gone* from the next generation on. A profile of an older generation may
still hold some of it, and loses it as soon as the profile is used. So what is kept again later
starts anew everywhere, regardless of when a sweep or a read reaches each profile.

The body of the record (processor/formats.py) is the msgpack of [definitions offset, that of the
first note, generation, {name: [since, kept ms, definitions offset, confirmed]}, {name:
generation}]. At format level 1, the last two elements of a name are missing.

A stage that reads events may be behind with the definitions, and may not yet send what is new to
the owner. So `since` of what is new moves forward until all partitions of the source are known to
be read under definitions that contain it (`read_under`). It also moves forward whenever something
is received that was sent under older definitions (`sent_under`).
"""

from collections.abc import Mapping

import msgspec

from processor.engine.attribute import CompiledAttribute
from processor.engine.expire import forget
from processor.engine.plan import Plan
from processor.engine.profile import Profile
from processor.formats import FIRST_LEVEL, Kind, RecordReader, first_fields

# Fields of a Coverage at level 1; the index of what is kept, and the fields of each such entry.
_FIELDS_1 = 5
_KEPT = 3
_KEPT_FIELDS_1 = 2
# Since the partition's beginning.
_ALWAYS_MS = 0
# Lower than the offset of any plan.
_NO_OFFSET = -2


class Kept(msgspec.Struct, array_like=True):
    """Since which event time something is kept, 0 for always; for entries, also how long.

    `offset` is the offset of the definitions that introduced it. `confirmed` states that all
    partitions of the source were read under these or later definitions from `since_ms` on. Records
    of versions that did not check this have neither.
    """

    since_ms: int
    kept_ms: int
    offset: int = _NO_OFFSET
    confirmed: bool = True


class Coverage(msgspec.Struct, array_like=True):
    """What is kept under the definitions up to an offset, and what is gone, both by name.

    `first_offset` is the offset of the first definitions noted: those at the partition's beginning.
    """

    definitions_offset: int
    first_offset: int
    generation: int
    kept: dict[int, Kept]
    gone: dict[int, int]

    def note(self, plan: Plan, now_ms: int) -> bool:
        """Note what a plan keeps; return whether anything changed.

        What is new may have missed all events up to `now_ms`; at the partition's beginning, it has
        missed none. A plan older than the last one noted is ignored: a worker that is behind with
        the definitions will reach the newer ones.
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
                always = now_ms == _ALWAYS_MS
                self.kept[name] = Kept(now_ms, kept_ms, plan.definitions_offset, always)
                continue
            if kept_ms > before.kept_ms:
                before.since_ms = max(before.since_ms, now_ms - before.kept_ms)
            before.kept_ms = kept_ms
        return moved

    def sent_under(self, definitions_offset: int, now_ms: int) -> bool:
        """Note that something was sent under these definitions; return whether anything changed.

        What later definitions introduced begins only now. If these definitions are older than the
        first ones noted, those were not the first, and nothing was always kept.
        """
        if definitions_offset >= self.definitions_offset:
            return False
        first = definitions_offset < self.first_offset
        if first:
            self.first_offset = _NO_OFFSET
        moved = False
        for kept in self.kept.values():
            if kept.offset > definitions_offset or (first and kept.since_ms == _ALWAYS_MS):
                moved |= kept.since_ms < now_ms
                kept.since_ms = max(kept.since_ms, now_ms)
        return moved or first

    def read_under(self, definitions_offset: int, now_ms: int) -> bool:
        """Note the oldest definitions under which any source partition is read from now on.

        They can be older than before, if a partition has moved to a worker that is behind with the
        definitions. Return whether anything changed.
        """
        moved = False
        for kept in self.kept.values():
            if not kept.confirmed or 0 <= definitions_offset < kept.offset:
                kept.since_ms = max(kept.since_ms, now_ms)
                kept.confirmed = kept.offset <= definitions_offset
                moved = True
        return moved

    def cut(self, limit_ms: int) -> None:
        """Limit times that are later than possible, because a clock was ahead, to `limit_ms`."""
        for kept in self.kept.values():
            kept.since_ms = min(kept.since_ms, limit_ms)

    def since_ms(self, attribute: CompiledAttribute, now_ms: int) -> int | None:
        """Return since when an attribute's value at `now_ms` is complete; None: it is complete.

        An attribute that has not been noted yet begins now.
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
        """Drop from a profile what has gone since the profile was last used."""
        head = profile.head
        if head.generation == self.generation:
            return
        names = [name for name, number in self.gone.items() if number > head.generation]
        head.generation = self.generation
        if forget(profile, names):
            profile.changed = True

    def forget_gone(self, generation: int) -> bool:
        """Forget what was gone by a generation; return whether there was anything.

        No profile holds any of it: the caller has checked all profiles stored at that generation.
        """
        left = {name: number for name, number in self.gone.items() if number > generation}
        some = len(left) < len(self.gone)
        self.gone = left
        return some

    def encode(self, level: int) -> bytes:
        """Return the record's bytes at a format level."""
        return Kind.COVERAGE.seal(_encoder.encode(self._at_level(level)), level)

    def _at_level(self, level: int) -> object:
        if level > FIRST_LEVEL:
            return self
        fields = list(first_fields(self, _FIELDS_1))
        fields[_KEPT] = {
            name: first_fields(kept, _KEPT_FIELDS_1) for name, kept in self.kept.items()
        }
        return fields


def new_coverage() -> Coverage:
    """Return the coverage of a partition at its beginning, for which nothing is noted yet."""
    return Coverage(_NO_OFFSET, _NO_OFFSET, 0, {}, {})


def decode_coverage(data: bytes) -> Coverage:
    """Return the coverage that a record holds.

    Raises:
        StateFormatError: wrong format number, wrong checksum, or broken msgpack.
    """
    return _reader.read(data)


def _kept_by(plan: Plan) -> Mapping[int, int]:
    """Return the names of what a plan keeps; for entries with how long, else with 0."""
    names = dict.fromkeys([*plan.series, *plan.slots, *plan.timers, *plan.limits, *plan.joints], 0)
    return names | {~one.series_id: one.kept_ms for one in plan.series.values() if one.kept_ms}


_encoder = msgspec.msgpack.Encoder()
_reader = RecordReader({Kind.COVERAGE: msgspec.msgpack.Decoder(Coverage).decode})
