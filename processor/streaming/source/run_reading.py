"""A run that the first stage reads: what its events contribute, and where that can be cut."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from processor.engine import Contribution, Plan
from processor.events import Source
from processor.kafka.record import Headers, Record
from processor.streaming.fetch.gates import Run
from processor.streaming.messages.frames import Part
from processor.streaming.source.native_code import NativeTable
from processor.streaming.source.source_partition import RunDelivery, SourcePartition


class PackedEvent(NamedTuple):
    """An event of a packed record, in place of its record; `number` counts from 0."""

    topic: str
    partition: int
    offset: int
    number: int
    timestamp: int | None
    timestamp_type: int | None
    key: bytes | None
    headers: Headers
    value: bytes

    @classmethod
    def of(cls, record: Record, number: int, value: bytes) -> "PackedEvent":
        """Return the event with that number."""
        return cls(
            record.topic, record.partition, record.offset, number, record.timestamp,
            record.timestamp_type, record.key, record.headers, value,
        )  # fmt: skip


@dataclass(slots=True, eq=False)
class Reading:
    """A run that is being read: contributions of its events, by target, that are not yet written.

    `unpacked` counts the events of packed records among them. `table` is that of the plan; without
    it, no contributions are encoded yet.
    """

    source: SourcePartition
    run: Run
    plan: Plan
    delivery: RunDelivery
    table: NativeTable | None
    by_target: dict[int, list[Part]] = field(default_factory=dict)
    unpacked: int = 0

    @property
    def origin(self) -> Source:
        """Where the run was read."""
        return Source(self.run.gate.topic, self.run.gate.partition)

    def add(self, target: int, part: Part) -> None:
        """Add contributions to a target, after those of earlier events."""
        if target in self.by_target:
            self.by_target[target].append(part)
        else:
            self.by_target[target] = [part]


def by_offset(contribution: Contribution) -> object:
    """Return what contributions of one record have in common."""
    return contribution.trigger.offset


def by_event(contribution: Contribution) -> object:
    """Return what contributions of one event have in common."""
    return contribution.trigger.event_id


def cut_at(contributions: list[Contribution], part: Callable[[Contribution], object]) -> int:
    """Return an index near the middle at which one part ends; 0 if there is only one part."""
    middle = len(contributions) // 2
    for index in chain(range(middle, len(contributions)), range(middle, 0, -1)):
        if index > 0 and part(contributions[index]) != part(contributions[index - 1]):
            return index
    return 0
