"""The aggregations, one row each. Checks, the engine and the pages read what they need from here.

A new aggregation is a name in `AggregationName`, a row in `AGGREGATIONS`, and the functions that
compute it in `processor/aggregates`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from definitions.attribute_types import FLOATS, INTEGERS, LISTS, MAP, NUMBERS, ORDERED, SCALARS

AggregationName = Literal[
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
TimeUnit = Literal["s", "min", "h", "d"]

TIME_UNITS_MS: Final[Mapping[TimeUnit, int]] = {
    "s": 1_000,
    "min": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
}


@dataclass(frozen=True, slots=True)
class Aggregation:
    """What one aggregation reads from events, and what its results are.

    `types` are the attribute types that its results can have.
    `takes_property`: it reads a property. Otherwise, it reads only that events happened, and when.
    `own_result`: its results do not have the type of the values, so any value counts.
    `date_parts`: it accepts parts of dates. They can be kept and counted, but they cannot be added
    and have no order across years.
    `time_unit`: its state is an event time, and its result is the time since then in a time unit.
    """

    name: AggregationName
    types: frozenset[str]
    takes_property: bool = True
    own_result: bool = False
    date_parts: bool = False
    time_unit: bool = False

    @property
    def gives_lists(self) -> bool:
        """Whether its results are lists of values."""
        return self.types <= LISTS


AGGREGATIONS: Final[Mapping[str, Aggregation]] = {
    row.name: row
    for row in (
        Aggregation("counter", INTEGERS, takes_property=False),
        Aggregation("sum", NUMBERS),
        Aggregation("min", ORDERED),
        Aggregation("max", ORDERED),
        Aggregation("mean", FLOATS),
        Aggregation("first", SCALARS, date_parts=True),
        Aggregation("last", SCALARS, date_parts=True),
        Aggregation("unique_list", LISTS, date_parts=True),
        Aggregation("most_frequent", SCALARS, date_parts=True),
        Aggregation("least_frequent", SCALARS, date_parts=True),
        Aggregation("category_count", MAP, own_result=True, date_parts=True),
        Aggregation("approx_count_distinct", INTEGERS, own_result=True, date_parts=True),
        Aggregation("time_since_last", FLOATS, takes_property=False, time_unit=True),
        Aggregation("time_since_first", FLOATS, takes_property=False, time_unit=True),
    )
}
