"""What one event adds to one profile, and what it asks of that profile."""

import msgspec

from processor.aggregates import Value
from processor.events import Trigger


class Asks(msgspec.Struct, array_like=True, gc=False):
    """Which joint rules need parts from a profile: the `rules`, by their ids.

    `ids` are the ids of the event, by attribute key, for all keys that these rules read or target.
    """

    rules: list[int]
    ids: dict[str, str]


class Contribution(msgspec.Struct, gc=False):
    """Everything that an event contributes to the profile of an attribute key and an id.

    `values` are (series id, value), None for series without a property; where there are none, the
    event only asks: it changes nothing and is not counted. processor/streaming/messages/frames.py
    has its bytes.
    """

    trigger: Trigger
    key: str
    id: str
    values: list[tuple[int, Value]]
    asks: Asks | None = None
