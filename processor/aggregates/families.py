"""Every family under the name that an attribute's `aggregation` gives it."""

from processor.aggregates.aggregate import Aggregate
from processor.aggregates.counter import COUNTER
from processor.aggregates.first import FIRST
from processor.aggregates.last import LAST
from processor.aggregates.maximum import MAXIMUM
from processor.aggregates.mean import MEAN
from processor.aggregates.minimum import MINIMUM
from processor.aggregates.sum import SUM

AGGREGATES: dict[str, Aggregate] = {
    family.name: family for family in (COUNTER, SUM, MEAN, MINIMUM, MAXIMUM, FIRST, LAST)
}
