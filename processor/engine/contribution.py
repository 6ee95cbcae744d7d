"""What one event adds to one profile, and what it asks of it."""

from dataclasses import dataclass

import msgspec

from processor.aggregates import Value


@dataclass(frozen=True, slots=True)
class Source:
    """Topic and partition that an event was read from."""

    topic: str
    partition: int


class Asks(msgspec.Struct, array_like=True, gc=False):
    """What joint rules want to hear of a profile: the `rules` by their ids.

    `ids` are those of the event, by attribute key, for all keys that these rules read or target.
    """

    rules: list[int]
    ids: dict[str, str]


class Contribution(msgspec.Struct, array_like=True, gc=False):
    """All that an event contributes to the profile of an attribute key and an id.

    `offset` is the event's in its source partition, `time_ms` its event time; `derived_tstamp` is
    the text of its column. `values` are (series id, value), None for series without a property;
    where there are none, the event only asks: it changes nothing and is not counted.
    """

    offset: int
    key: str
    id: str
    time_ms: int
    event_id: str
    event_name: str
    derived_tstamp: str
    values: list[tuple[int, Value]]
    asks: Asks | None = None
