"""Which events an attribute counts: selectors by vendor, name and version."""

from typing import Annotated

from pydantic import Field, StringConstraints

from definitions.limits import NAME_CHARS_MAX
from definitions.model import Model, SchemaName

EventVendor = Annotated[
    str, StringConstraints(pattern=r"^[a-zA-Z0-9_.-]+$", min_length=1, max_length=NAME_CHARS_MAX)
]
EventVersion = Annotated[str, StringConstraints(pattern=r"^[0-9]+-[0-9]+-[0-9]+$")]


class Event(Model):
    """Selects events whose vendor, name and version equal those given; absent ones match all.

    Or, without any of these, events that carry this event specification: an entity
    com.snowplowanalytics.snowplow/event_specification whose `id` equals it.
    """

    name: SchemaName | None = None
    vendor: EventVendor | None = None
    version: EventVersion | None = None
    event_specification_id: Annotated[str | None, Field(min_length=1)] = None


def PageView() -> Event:
    """Selects Snowplow page views."""
    return Event(vendor="com.snowplowanalytics.snowplow", name="page_view", version="1-0-0")


def PagePing() -> Event:
    """Selects Snowplow page pings."""
    return Event(vendor="com.snowplowanalytics.snowplow", name="page_ping", version="1-0-0")


def StructuredEvent() -> Event:
    """Selects Snowplow structured events."""
    return Event(vendor="com.google.analytics", name="event", version="1-0-0")
