"""The rules topic as an independent reader sees it: parts, and the order in which they join.

A part is the byte 0xA8, the format number 1 and msgpack of its fields; or the format number 2, the
big-endian CRC-32 of the rest, and msgpack. Parts name their rule with a number. Which rule that is
follows from who can have sent the part: what the event and the rule's attributes say. Rules whose
parts are always the same are taken for one another; theirs stand side by side.
"""

import struct
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from tests.model.comparing import kind_of
from tests.model.enriched import Json
from tests.model.joint import Part
from tests.model.messages import ProfileId, RuleId
from tests.model.topic_reader import Records

HEADER_1 = bytes([0xA8, 1])
HEADER_2 = struct.Struct(">BBI")
# The source partition and offset of its event, its sender, its target.
Way = tuple[int, int, ProfileId, ProfileId]


class SentPart(msgspec.Struct, array_like=True, frozen=True):
    """A part as the topic has it."""

    rule: int
    target_key: str
    target_id: str
    key: str
    ids: dict[str, str]
    before: list[Any]
    after: list[Any]
    told: list[Any]
    time_ms: int
    event_id: str
    event_name: str
    derived_tstamp: str
    topic: str
    partition: int
    offset: int
    definitions_offset: int

    @property
    def way(self) -> Way:
        """From where it goes to where, because of which event."""
        sender = (self.key, self.ids.get(self.key, ""))
        return self.partition, self.offset, sender, (self.target_key, self.target_id)


def decode_part(value: bytes) -> SentPart:
    """The part of a record; ValueError where it is none."""
    if value[:2] == HEADER_1:
        return msgspec.msgpack.decode(value[2:], type=SentPart)
    body = value[HEADER_2.size :]
    if value[: HEADER_2.size] != HEADER_2.pack(0xA8, 2, zlib.crc32(body)):
        raise ValueError(f"not a part of format 1 or 2: {value[:6].hex()}")
    return msgspec.msgpack.decode(body, type=SentPart)


class PartLog:
    """All partitions of the topic beside the parts that the model has sent."""

    def __init__(self, source_topic: str, sent: Iterable[Part]) -> None:
        self.problems: list[str] = []
        self._topic = source_topic
        self._waiting: dict[Way, list[Part]] = defaultdict(list)
        # How many parts of a number could be of a rule; then the one rule that it is.
        self._agreeing: dict[int, Counter[RuleId]] = defaultdict(Counter)
        self._rules: dict[int, RuleId] = {}
        for part in sent:
            source = part.source
            way = (source["partition"], source["offset"], part.sender, part.target)
            self._waiting[way].append(part)

    def read(self, topic: Records) -> Iterator[Part]:
        """The model's part for each record, in the order of a partition; notes what is wrong."""
        found = []
        for partition, records in sorted(topic.items()):
            for record in records:
                part = decode_part(record.value or b"")
                candidates = self._candidates(part)
                self._agreeing[part.rule].update({one.rule.id for one in candidates})
                found.append((partition, part, candidates))
        self._tell_apart()
        homes: dict[ProfileId, int] = {}
        for partition, part, candidates in found:
            target = (part.target_key, part.target_id)
            if homes.setdefault(target, partition) != partition:
                self.problems.append(f"{target} gets parts in {homes[target]} and {partition}")
            yield from self._take(part, candidates)
        for way, parts in sorted(self._waiting.items()):
            self.problems += [f"part {way} of {one.rule.id}: missing" for one in parts]

    def _candidates(self, part: SentPart) -> list[Part]:
        if part.topic != self._topic:
            return []
        return [one for one in self._waiting.get(part.way, ()) if says(part, one)]

    def _tell_apart(self) -> None:
        """Give each number one of the rules that most of its parts agree with.

        First where there is no choice.
        """
        likely = {
            number: {rule for rule, count in rules.items() if count == max(rules.values())}
            for number, rules in self._agreeing.items()
        }
        while open_ := [number for number in likely if number not in self._rules]:
            left = {one: likely[one] - set(self._rules.values()) for one in open_}
            number = min(open_, key=lambda one: (len(left[one]), one))
            self._rules[number] = min(left[number], default=("", 0))

    def _take(self, part: SentPart, candidates: list[Part]) -> Iterator[Part]:
        """The first of the candidates that is of the part's rule and was not taken yet."""
        waiting = self._waiting[part.way]
        for one in candidates:
            if one.rule.id == self._rules[part.rule]:
                place = next((at for at, it in enumerate(waiting) if it is one), None)
                if place is not None:
                    yield waiting.pop(place)
                    return
        self.problems.append(f"part {part.way}: no rule says so, or once more: {part}")


def says(part: SentPart, due: Part) -> bool:
    """Does a part say of the event and of the attributes what the model's says?"""
    event = due.event
    facts = (part.time_ms, part.event_id, part.event_name, part.derived_tstamp)
    if facts != (event.time_ms, event.event_id, event.event_name, event.derived_tstamp):
        return False
    if any(part.ids.get(key) != one for key, one in due.ids.items()):
        return False
    kinds = {one.definition["aggregation"] for one in (*due.rule.reads.values(), *due.rule.payload)}
    # These are not exact.
    if "approx_count_distinct" in kinds:
        return True
    pairs = [
        (part.before, due.before.values()),
        (part.after, due.after.values()),
        (part.told, due.told.values()),
    ]
    return all(texts(found) == texts(values) for found, values in pairs if is_plain(found))


def is_plain(values: list[Any]) -> bool:
    """Are all of them JSON? Integers beyond 64 bits come in another form."""
    return not any(isinstance(one, msgspec.msgpack.Ext) for one in values)


def texts(values: Iterable[Any]) -> set[str]:
    """Values in a form that is the same for equal ones."""
    return {text(one) for one in values}


def text(value: Json | list[Any] | str | float | bool | None) -> str:
    """The same for 1 and 1.0, another one for true."""
    if isinstance(value, list):
        return f"[{', '.join(map(text, value))}]"
    if kind_of(value) == "number" and value == int(value):  # type: ignore[arg-type]  # no text
        return repr(int(value))  # type: ignore[arg-type]
    return repr(value)
