"""What is kept of an event after it was read: its identity, its source, and its times."""

from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True)
class Source:
    """The topic and partition from which an event was read."""

    topic: str
    partition: int


class Trigger(msgspec.Struct, frozen=True, gc=False):
    """The event that caused something: a contribution, the sending of a part, a firing.

    It is created once for an event, and passed on to the message of a firing. `offset` is the
    event's offset in its source partition, `time_ms` its event time. `derived_tstamp` is the text
    of its column, as Enrich writes it, and may be empty. `arrival_ms` is the arrival time of its
    record, 0 if unknown: records of format level 1 do not have it.
    """

    event_id: str
    event_name: str
    derived_tstamp: str
    source: Source
    offset: int
    time_ms: int
    arrival_ms: int = 0
