"""Bytes of the source topic to events: lazy columns, self-describing JSON, property paths."""

from processor.events.columns import ATOMIC_COLUMNS, COLUMN_TYPES, ColumnType
from processor.events.event import Event, parse_event
from processor.events.properties import (
    REJECTED,
    Property,
    PropertyReader,
    PropertyValue,
    Rejected,
    compile_property,
)

__all__ = [
    "ATOMIC_COLUMNS",
    "COLUMN_TYPES",
    "REJECTED",
    "ColumnType",
    "Event",
    "Property",
    "PropertyReader",
    "PropertyValue",
    "Rejected",
    "compile_property",
    "parse_event",
]
