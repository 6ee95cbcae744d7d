"""Every aggregation by its name in an attribute's `aggregation`."""

from processor.aggregates.aggregate import Aggregate
from processor.aggregates.approx_count_distinct import APPROX_COUNT_DISTINCT
from processor.aggregates.category_count import CATEGORY_COUNT
from processor.aggregates.counter import COUNTER
from processor.aggregates.first import FIRST
from processor.aggregates.last import LAST
from processor.aggregates.least_frequent import LEAST_FREQUENT
from processor.aggregates.maximum import MAXIMUM
from processor.aggregates.mean import MEAN
from processor.aggregates.minimum import MINIMUM
from processor.aggregates.most_frequent import MOST_FREQUENT
from processor.aggregates.sum import SUM
from processor.aggregates.time_since_first import TIME_SINCE_FIRST
from processor.aggregates.time_since_last import TIME_SINCE_LAST
from processor.aggregates.unique_list import UNIQUE_LIST

AGGREGATES: dict[str, Aggregate] = {
    aggregate.name: aggregate
    for aggregate in (
        COUNTER,
        SUM,
        MEAN,
        MINIMUM,
        MAXIMUM,
        FIRST,
        LAST,
        UNIQUE_LIST,
        MOST_FREQUENT,
        LEAST_FREQUENT,
        CATEGORY_COUNT,
        APPROX_COUNT_DISTINCT,
        TIME_SINCE_LAST,
        TIME_SINCE_FIRST,
    )
}
# One aggregation of each family: they are the same in adding, merging and gathering.
FAMILIES: dict[str, Aggregate] = {aggregate.family: aggregate for aggregate in AGGREGATES.values()}
