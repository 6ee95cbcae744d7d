"""What one event adds to one profile."""

import msgspec

from processor.aggregates import Value


class Contribution(msgspec.Struct, array_like=True, gc=False):
    """All that an event contributes to the profile of an attribute key and an id.

    `offset` is the event's in its source partition, `time_ms` its event time; `derived_tstamp` is
    the text of its column. `values` are (series id, value), None for series without a property.
    """

    offset: int
    key: str
    id: str
    time_ms: int
    event_id: str
    event_name: str
    derived_tstamp: str
    values: list[tuple[int, Value]]
