"""One computed value of a profile."""

from typing import Literal

from definitions.criteria import Criteria
from definitions.events import Event
from definitions.model import Duration, Items, Model, Name, Text, Value
from definitions.properties import Property

AttributeType = Literal[
    "bytes",
    "string",
    "int32",
    "int64",
    "double",
    "float",
    "bool",
    "unix_timestamp",
    "timestamp",
    "bytes_list",
    "string_list",
    "int32_list",
    "int64_list",
    "double_list",
    "float_list",
    "bool_list",
    "unix_timestamp_list",
    "dict",
]
Aggregation = Literal[
    "counter",
    "sum",
    "min",
    "max",
    "mean",
    "first",
    "last",
    "unique_list",
    "most_frequent",
    "least_frequent",
    "category_count",
    "approx_count_distinct",
    "time_since_last",
    "time_since_first",
]


class Attribute(Model):
    """A value computed from the events that match `events` and `criteria`.

    `period` looks back that far from now; without it the attribute holds for the lifetime of the
    profile, or until nothing contributed to it for `ttl`.
    """

    name: Name
    description: Text | None = None
    type: AttributeType
    events: Items[Event]
    aggregation: Aggregation
    property: Property | None = None
    criteria: Criteria | None = None
    period: Duration | None = None
    default_value: Value | None = None
    time_unit: Literal["s", "min", "h", "d"] | None = None
    ttl: Duration | None = None
