"""One computed value of a profile."""

from typing import Annotated

from definitions.aggregations import AggregationName, TimeUnit
from definitions.attribute_types import AttributeType
from definitions.criteria import Criteria
from definitions.events import Event
from definitions.limits import EVENTS_PER_ATTRIBUTE_MAX
from definitions.model import AtMost, Duration, Items, Model, Name, Text, Value
from definitions.properties import Property


class Attribute(Model):
    """A value computed from the events that match `events` and `criteria`.

    `period` looks back that far from now; without it the attribute holds for the lifetime of the
    profile, or until nothing contributed to it for `ttl`.
    """

    name: Name
    description: Text | None = None
    type: AttributeType
    events: Annotated[Items[Event], AtMost(EVENTS_PER_ATTRIBUTE_MAX)]
    aggregation: AggregationName
    property: Property | None = None
    criteria: Criteria | None = None
    period: Duration | None = None
    default_value: Value | None = None
    time_unit: TimeUnit | None = None
    ttl: Duration | None = None
