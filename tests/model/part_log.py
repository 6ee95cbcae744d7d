"""The rules topic as an independent reader sees it: parts, and the order in which they join.

A part is the byte 0xA8, a format number 1, and msgpack of its fields. Parts name their rule with a
number. Which rule that is follows from who can have sent the part: what the event and the rule's
attributes say. Rules whose parts are always the same are taken for one another; theirs stand side
by side.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from tests.model.comparing import kind_of
from tests.model.enriched import Json
from tests.model.joint import Part
from tests.model.messages import ProfileId, RuleId
from tests.model.topic_reader import Records

HEADER = bytes([0xA8, 1])
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
    if value[:2] != HEADER:
        raise ValueError(f"not a part of format 1: {value[:2].hex()}")
    return msgspec.msgpack.decode(value[2:], type=SentPart)


class PartLog:
    """All partitions of the topic beside the parts that the model has sent."""

    def __init__(self, source_topic: str, sent: Iterable[Part]) -> None:
        self.problems: list[str] = []
        self._topic = source_topic
        self._waiting: dict[Way, list[Part]] = defaultdict(list)
        self._rules: dict[int, set[RuleId]] = {}
        for part in sent:
            source = part.source
            way = (source["partition"], source["offset"], part.sender, part.target)
            self._waiting[way].append(part)

    def read(self, topic: Records) -> Iterator[Part]:
        """The model's part for each record, in the order of a partition; notes what is wrong."""
        found = [
            (partition, decode_part(record.value or b""))
            for partition, records in sorted(topic.items())
            for record in records
        ]
        for _, part in found:
            self._rules.setdefault(part.rule, set()).update(
                one.rule.id for one in self._waiting.get(part.way, ())
            )
        for _, part in found:
            self._rules[part.rule] &= {one.rule.id for one in self._candidates(part)}
        self._tell_apart()
        homes: dict[ProfileId, int] = {}
        for partition, part in found:
            target = (part.target_key, part.target_id)
            if homes.setdefault(target, partition) != partition:
                self.problems.append(f"{target} gets parts in {homes[target]} and {partition}")
            yield from self._take(part)
        for way, parts in sorted(self._waiting.items()):
            self.problems += [f"part {way} of {one.rule.id}: missing" for one in parts]

    def _candidates(self, part: SentPart) -> list[Part]:
        if part.topic != self._topic:
            return []
        return [one for one in self._waiting.get(part.way, ()) if says(part, one)]

    def _tell_apart(self) -> None:
        """Give each number one rule, first where there is no choice."""
        chosen: dict[int, RuleId] = {}
        while open_ := [number for number in self._rules if number not in chosen]:
            left = {one: self._rules[one] - set(chosen.values()) for one in open_}
            number = min(open_, key=lambda one: (len(left[one]), one))
            chosen[number] = min(left[number], default=("", 0))
        self._rules = {number: {rule} for number, rule in chosen.items()}

    def _take(self, part: SentPart) -> Iterator[Part]:
        mine = [one for one in self._candidates(part) if one.rule.id in self._rules[part.rule]]
        if not mine:
            self.problems.append(f"part {part.way}: no rule says so, or once more: {part}")
            return
        self._waiting[part.way].remove(mine[0])
        yield mine[0]


def says(part: SentPart, due: Part) -> bool:
    """Does a part say of the event and of the attributes what the model's says?"""
    event = due.event
    facts = (part.time_ms, part.event_id, part.event_name, part.derived_tstamp)
    if facts != (event.time_ms, event.event_id, event.event_name, event.derived_tstamp):
        return False
    if any(part.ids.get(key) != one for key, one in due.ids.items()):
        return False
    pairs = [
        (part.before, due.before.values()),
        (part.after, due.after.values()),
        (part.told, due.told.values()),
    ]
    kinds = {one.definition["aggregation"] for one in (*due.rule.reads.values(), *due.rule.payload)}
    # These are not exact.
    if "approx_count_distinct" in kinds:
        return True
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
