"""Bytes of the source topic to events: lazy columns, self-describing JSON, properties."""

from processor.events.columns import ATOMIC_COLUMNS, COLUMN_TYPES, ColumnType
from processor.events.event import Event, parse_event
from processor.events.properties import Property, PropertyReader, compile_property
from processor.events.rejected import REJECTED, Rejected
from processor.events.values import PropertyValue

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
