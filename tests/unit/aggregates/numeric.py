"""Which aggregations are of numbers alone, by their rows."""

from definitions.aggregations import AGGREGATIONS
from definitions.attribute_types import ORDERED

NUMERIC = {
    name
    for name, row in AGGREGATIONS.items()
    if row.takes_property and not row.own_result and row.types <= ORDERED
}
