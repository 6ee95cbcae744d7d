"""Reads events from bytes of the source: lazy columns, self-describing JSON, properties."""

from processor.events.columns import ATOMIC_COLUMNS, COLUMN_TYPES, ColumnType
from processor.events.event import Event
from processor.events.line import parse_event
from processor.events.packed import PackedRecordError, Unpacked, unpack, unpack_usual
from processor.events.properties import Property, PropertyReader, compile_property
from processor.events.rejected import REJECTED, Rejected
from processor.events.trigger import Source, Trigger
from processor.events.values import PropertyValue

__all__ = [
    "ATOMIC_COLUMNS",
    "COLUMN_TYPES",
    "REJECTED",
    "ColumnType",
    "Event",
    "PackedRecordError",
    "Property",
    "PropertyReader",
    "PropertyValue",
    "Rejected",
    "Source",
    "Trigger",
    "Unpacked",
    "compile_property",
    "parse_event",
    "unpack",
    "unpack_usual",
]
