"""Positions: how far each input is applied, stored with the state that they describe.

The body of the record (processor/formats.py) is the msgpack of the array [contributions topic id,
next offset, [[source topic id, partition, epoch, next sequence, last offset, 0, last offset of
former epochs], ...], rules topic id, next offset there, time of the first takeover, since when
counted events are remembered, for how long, {title of a further input: [its topic id, next offset
there], ...}]. The 0 was the greatest event time, which versions of format level 1 used. At that
level, the last element of the inner arrays is missing, and the three after the rules' offset. A
record from before the rules topic existed has no elements for it.

The map is missing if it would be empty. If it is there at level 1, the three elements before it
have their values for "not known". It keeps inputs that this version does not know: a version that
forgot them would let another one apply their records again.
"""

from collections.abc import Iterable, Mapping

import msgspec

from processor.errors import SequenceError
from processor.formats import FIRST_LEVEL, Kind, RecordReader, first_fields
from processor.profile_inputs import ProfileInput
from processor.streaming.messages.frames import Section

# Fields of a SourcePosition and of a record at level 1, and of a record without further inputs.
_SOURCE_FIELDS_1 = 6
_FIELDS_1 = 5
_FIELDS = 8
# The first two inputs have fields of their own in the record.
_CONTRIBUTIONS, _RULES, *_FURTHER = ProfileInput
# Since when counted events are remembered, if they are not remembered at all.
NOTHING_REMEMBERED_MS = -1
# In a record of level 1 with further inputs, in place of the fields that this level does not have.
_NOT_KNOWN = (0, NOTHING_REMEMBERED_MS, 0)
# At level 1, no offset is cut, so the last offset is enough.
_NOT_STORED = -2


class SourcePosition(msgspec.Struct, array_like=True):
    """What has been applied of one source partition.

    `epoch` and `sequence` (the next one expected, -1 for any) determine which sections may follow.
    Contributions of source offsets up to and including `offset` are applied. Those up to and
    including `replayed_to` were applied in former epochs: they are received again in this one.
    `time_ms` is no longer used.
    """

    topic_id: str
    partition: int
    epoch: int = -1
    sequence: int = 0
    offset: int = -1
    time_ms: int = 0
    replayed_to: int = _NOT_STORED

    def __post_init__(self) -> None:
        if self.replayed_to == _NOT_STORED:
            self.replayed_to = self.offset


# The offset to read next of each input.
Offsets = Mapping[ProfileInput, int]


class _Stored(msgspec.Struct, array_like=True):
    topic_id: str
    next_offset: int
    sources: list[SourcePosition]
    rules_topic_id: str = ""
    rules_next_offset: int = 0
    taken_over_ms: int = 0
    remembered_since_ms: int = NOTHING_REMEMBERED_MS
    remembered_horizon_ms: int = 0
    further: dict[str, tuple[str, int]] = {}


# In place of a sequence: the next section may have any number.
_ANY = -1

_encoder = msgspec.msgpack.Encoder()
_reader = RecordReader({Kind.POSITIONS: msgspec.msgpack.Decoder(_Stored).decode})


class Positions:
    """The positions of one partition in each input.

    An id in `topic_ids` is empty if nothing has been noted about that topic yet. `taken_over_ms`
    is when a version that keeps arrivals first took over the partition, 0 if none has.
    `remembered_since_ms` is since when all counted events are remembered, 0 for always.
    """

    def __init__(
        self, topic_ids: Mapping[ProfileInput, str] = {}, offsets: Mapping[ProfileInput, int] = {}
    ) -> None:
        self.topic_ids = {one: topic_ids.get(one, "") for one in ProfileInput}
        self.next_offsets = {one: offsets.get(one, 0) for one in ProfileInput}
        # Positions in inputs that this version does not know, as they are stored.
        self._unknown: dict[str, tuple[str, int]] = {}
        self.taken_over_ms = 0
        self.remembered_since_ms = NOTHING_REMEMBERED_MS
        self._remembered_horizon_ms = 0
        self._sources: dict[tuple[str, int], SourcePosition] = {}

    @property
    def offsets(self) -> Offsets:
        """The offsets to read next; they do not change when a position moves."""
        return self.next_offsets.copy()

    @property
    def sources(self) -> list[SourcePosition]:
        """What has been applied of each source partition."""
        return list(self._sources.values())

    def note_topics(self, topic_ids: Mapping[ProfileInput, str]) -> None:
        """Note the topics of inputs that did not exist when the positions were stored."""
        for one, topic_id in topic_ids.items():
            self.topic_ids[one] = self.topic_ids[one] or topic_id

    def remember(self, horizon_ms: int, now_ms: int) -> None:
        """Note, at a takeover of the partition, for how long counted events are remembered."""
        since_ms = self.remembered_since_ms
        if not horizon_ms:
            since_ms = NOTHING_REMEMBERED_MS
        elif since_ms == NOTHING_REMEMBERED_MS:
            since_ms = now_ms if self.next_offsets[_CONTRIBUTIONS] else 0
        elif horizon_ms > self._remembered_horizon_ms:
            since_ms = max(since_ms, now_ms - self._remembered_horizon_ms)
        self.remembered_since_ms, self._remembered_horizon_ms = since_ms, horizon_ms

    def admit(self, section: Section) -> SourcePosition | None:
        """Return the position to compare a section's contributions with, or None to drop it.

        None: a former owner of its source partition wrote the section, or it is already applied.

        Raises:
            SequenceError: a section before this one is missing.
        """
        position = self._position(section)
        expected = _expected(position.epoch, position.sequence, section)
        if section.epoch < position.epoch or section.sequence < expected:
            return None
        if section.sequence > expected:
            message = (
                f"source partition {section.partition}: section {section.sequence} of epoch "
                f"{section.epoch} arrived, expected {expected}"
            )
            raise SequenceError(message, hint="frames are missing from the contributions topic")
        if section.epoch != position.epoch:
            position.epoch, position.replayed_to = section.epoch, position.offset
        position.sequence = expected + 1
        return position

    def gaps(self, sections: Iterable[Section]) -> list[Section]:
        """Return the sections with a gap before them, if admitted in this order."""
        come: dict[tuple[str, int], tuple[int, int]] = {}
        gaps = []
        for section in sections:
            name = (section.topic_id, section.partition)
            position = self._sources.get(name)
            known = (-1, 0) if position is None else (position.epoch, position.sequence)
            epoch, sequence = come.get(name, known)
            expected = _expected(epoch, sequence, section)
            if section.epoch < epoch or section.sequence < expected:
                continue
            if section.sequence > expected:
                gaps.append(section)
            else:
                come[name] = section.epoch, expected + 1
        return gaps

    def supersede(self, section: Section, epoch: int) -> None:
        """Let a later epoch of a section's source follow: its owner sends everything again."""
        position = self._position(section)
        position.epoch, position.sequence, position.replayed_to = epoch, 0, position.offset

    def newest_epoch(self, section: Section) -> int:
        """Return the current epoch of a section's source."""
        return self._position(section).epoch

    def pass_over(self, topic_id: str, partitions: int) -> None:
        """Let the next section of each partition of the source have any number.

        For an operator who continues after lost frames; `partitions` is how many the source has.
        """
        for number in range(partitions):
            name = (topic_id, number)
            self._sources.setdefault(name, SourcePosition(topic_id, number))
        for position in self._sources.values():
            position.sequence = _ANY

    def _position(self, section: Section) -> SourcePosition:
        name = (section.topic_id, section.partition)
        position = self._sources.get(name)
        if position is None:
            position = self._sources[name] = SourcePosition(section.topic_id, section.partition)
        return position

    def encode(self, level: int) -> bytes:
        """Return the record's bytes at a format level."""
        ids, offsets = self.topic_ids, self.next_offsets
        further = {one.title: (ids[one], offsets[one]) for one in _FURTHER if ids[one]}
        stored = _Stored(
            ids[_CONTRIBUTIONS], offsets[_CONTRIBUTIONS], self.sources,
            ids[_RULES], offsets[_RULES], self.taken_over_ms,
            self.remembered_since_ms, self._remembered_horizon_ms, self._unknown | further,
        )  # fmt: skip
        return Kind.POSITIONS.seal(_encoder.encode(_at_level(stored, level)), level)

    @classmethod
    def decode(cls, data: bytes) -> "Positions":
        """Return the positions that a record of any level holds.

        Raises:
            StateFormatError: wrong format number, wrong checksum, or broken msgpack.
        """
        stored = _reader.read(data)
        ids = {_CONTRIBUTIONS: stored.topic_id, _RULES: stored.rules_topic_id}
        offsets = {_CONTRIBUTIONS: stored.next_offset, _RULES: stored.rules_next_offset}
        for one in _FURTHER:
            ids[one], offsets[one] = stored.further.pop(one.title, ("", 0))
        positions = cls(ids, offsets)
        positions._unknown = stored.further
        positions.taken_over_ms = stored.taken_over_ms
        positions.remembered_since_ms = stored.remembered_since_ms
        positions._remembered_horizon_ms = stored.remembered_horizon_ms
        positions._sources = {(p.topic_id, p.partition): p for p in stored.sources}
        return positions


def _expected(epoch: int, sequence: int, section: Section) -> int:
    """Return the number that a section must have to follow that epoch and next sequence."""
    if sequence == _ANY and section.epoch >= epoch:
        return section.sequence
    return sequence if section.epoch == epoch else 0


def _at_level(stored: _Stored, level: int) -> object:
    if level > FIRST_LEVEL:
        return stored if stored.further else first_fields(stored, _FIELDS)
    topic_id, next_offset, _, *rest = first_fields(stored, _FIELDS_1)
    sources = [first_fields(one, _SOURCE_FIELDS_1) for one in stored.sources]
    further = (*_NOT_KNOWN, stored.further) if stored.further else ()
    return topic_id, next_offset, sources, *rest, *further
