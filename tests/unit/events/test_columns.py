from collections import Counter

from snowplow_analytics_sdk.event_transformer import ENRICHED_EVENT_FIELD_TYPES

from definitions.properties import ATOMIC_FIELDS
from processor.events import ATOMIC_COLUMNS, COLUMN_TYPES, ColumnType


def test_columns_are_those_of_the_definitions_in_the_same_order() -> None:
    assert ATOMIC_COLUMNS == ATOMIC_FIELDS


def test_columns_are_those_of_the_analytics_sdk_but_for_one_name() -> None:
    theirs = [name for name, _ in ENRICHED_EVENT_FIELD_TYPES]
    theirs[theirs.index("refr_device_tstamp")] = "refr_dvce_tstamp"
    assert list(ATOMIC_COLUMNS) == theirs


def test_types_are_those_of_the_analytics_sdk_but_for_se_value() -> None:
    kinds = {
        "convert_string": ColumnType.STRING,
        "convert_int": ColumnType.INT,
        "convert_double": ColumnType.DOUBLE,
        "convert_bool": ColumnType.BOOL,
        "convert_tstamp": ColumnType.TIMESTAMP,
        "convert_contexts": ColumnType.JSON,
        "convert_unstruct": ColumnType.JSON,
    }
    theirs = [kinds[convert.__name__] for _, convert in ENRICHED_EVENT_FIELD_TYPES]
    differing = {
        name
        for name, kind in zip(ATOMIC_COLUMNS, theirs, strict=True)
        if COLUMN_TYPES[name] != kind
    }
    assert differing == {"se_value"}
    assert COLUMN_TYPES["se_value"] is ColumnType.DOUBLE


def test_every_type_has_its_number_of_columns() -> None:
    assert Counter(COLUMN_TYPES.values()) == {
        ColumnType.STRING: 84,
        ColumnType.TIMESTAMP: 7,
        ColumnType.INT: 15,
        ColumnType.DOUBLE: 11,
        ColumnType.BOOL: 11,
        ColumnType.JSON: 3,
    }
