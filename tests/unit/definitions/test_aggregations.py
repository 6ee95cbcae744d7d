from typing import get_args

from definitions.aggregations import AGGREGATIONS, TIME_UNITS_MS, AggregationName, TimeUnit
from definitions.attribute_types import AttributeType


def test_each_name_has_one_row_in_the_same_order():
    assert list(AGGREGATIONS) == list(get_args(AggregationName))
    assert list(TIME_UNITS_MS) == list(get_args(TimeUnit))


def test_results_are_of_types_that_an_attribute_can_have():
    known = set(get_args(AttributeType))
    for row in AGGREGATIONS.values():
        assert row.types, row.name
        assert row.types <= known, row.name


def test_an_aggregation_without_a_property_reads_no_value():
    for row in AGGREGATIONS.values():
        assert row.takes_property or not (row.own_result or row.date_parts), row.name


def test_only_unique_list_gives_lists():
    assert [row.name for row in AGGREGATIONS.values() if row.gives_lists] == ["unique_list"]
