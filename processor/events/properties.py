"""Properties of definitions compiled to functions that read one value of an event.

A function answers a str, int, float or bool; None for a value that is missing or null; REJECTED
for one that is there but cannot be used: an object or array, a number that is not finite or an
integer beyond 64 bit, a string longer than VALUE_BYTES_MAX bytes, column text that is not of its
column's type.
"""

import math
import re
from collections.abc import Callable

from definitions import AtomicProperty, EntityProperty, EventProperty
from definitions.paths import parse_path
from processor.errors import DefinitionError
from processor.events.columns import COLUMN_INDEX, COLUMN_TYPES, ColumnType
from processor.events.event import Event
from processor.events.rejected import REJECTED, Rejected
from processor.events.self_describing import Json
from processor.events.timestamp import timestamp_ms
from processor.limits import INTEGER_MAX, VALUE_BYTES_MAX

__all__ = [
    "REJECTED",
    "Property",
    "PropertyReader",
    "PropertyValue",
    "Rejected",
    "compile_property",
]

Property = AtomicProperty | EventProperty | EntityProperty
PropertyValue = str | int | float | bool | None | Rejected
PropertyReader = Callable[[Event], PropertyValue]
Path = tuple[str | int, ...]

_INTEGER_MIN = -INTEGER_MAX - 1
_INTEGER_PATTERN = re.compile(rb"-?[0-9]{1,19}")
# The decimal numbers that Enrich writes; float() would also take "nan", "1_0" and " 1".
_DOUBLE_PATTERN = re.compile(rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_BOOLS = {b"1": True, b"0": False}


def compile_property(definition: Property) -> PropertyReader:
    """Return the function that reads the property; DefinitionError if there can be none.

    The function raises MalformedEventError (JSON) when a column it must read holds broken JSON.
    """
    if definition.date_part is not None:
        message = f"date_part {definition.date_part!r} cannot be read"
        raise DefinitionError(message, hint="leave date_part out")
    if isinstance(definition, AtomicProperty):
        return _compile_atomic(definition.name)
    schema = f"{definition.vendor}/{definition.name}/{definition.major_version}"
    path = _path(definition.path)
    if isinstance(definition, EventProperty):
        return _compile_event(schema, path)
    return _compile_entity(schema, definition.index, path)


def _path(text: str) -> Path:
    try:
        return parse_path(text)
    except ValueError as error:
        raise DefinitionError(str(error), hint="write names and [n], as in items[0].id") from error


def _compile_event(schema: str, path: Path) -> PropertyReader:
    def read(event: Event) -> PropertyValue:
        data = event.unstruct_data(schema)
        return None if data is None else _scalar(_follow(data, path))

    return read


def _compile_entity(schema: str, index: int, path: Path) -> PropertyReader:
    def read(event: Event) -> PropertyValue:
        data = event.entity_data(schema, index)
        return None if data is None else _scalar(_follow(data, path))

    return read


def _follow(data: Json, path: Path) -> Json:
    """Return what stands at the path, None where it leads nowhere."""
    for step in path:
        if isinstance(step, str):
            if type(data) is not dict:
                return None
            data = data.get(step)
        elif type(data) is list and step < len(data):
            data = data[step]
        else:
            return None
    return data


def _scalar(value: Json) -> PropertyValue:
    match value:
        case str():
            return value if _short(value) else REJECTED
        case None | bool():  # before int: bool is one of its subclasses
            return value
        case int():
            return value if _INTEGER_MIN <= value <= INTEGER_MAX else REJECTED
        case float():
            return value if math.isfinite(value) else REJECTED
        case _:
            return REJECTED


def _short(text: str) -> bool:
    if len(text) * 4 <= VALUE_BYTES_MAX:  # a character has at most four bytes
        return True
    return len(text) <= VALUE_BYTES_MAX and len(text.encode()) <= VALUE_BYTES_MAX


def _compile_atomic(name: str) -> PropertyReader:
    index = COLUMN_INDEX[name]
    convert = _CONVERTERS[COLUMN_TYPES[name]]

    def read(event: Event) -> PropertyValue:
        text = event.columns[index]
        return convert(text) if text else None

    return read


def _string(text: bytes) -> PropertyValue:
    return text.decode() if len(text) <= VALUE_BYTES_MAX else REJECTED


def _int(text: bytes) -> PropertyValue:
    if _INTEGER_PATTERN.fullmatch(text) is None:
        return REJECTED
    return _scalar(int(text))


def _double(text: bytes) -> PropertyValue:
    if len(text) > VALUE_BYTES_MAX or _DOUBLE_PATTERN.fullmatch(text) is None:
        return REJECTED
    return _scalar(float(text))


def _bool(text: bytes) -> PropertyValue:
    return _BOOLS.get(text, REJECTED)


def _timestamp(text: bytes) -> PropertyValue:
    try:
        timestamp_ms(text)
    except ValueError:
        return REJECTED
    return text.decode().replace(" ", "T") + "Z"


def _json(text: bytes) -> PropertyValue:
    return REJECTED  # a whole document is never a value


_CONVERTERS: dict[ColumnType, Callable[[bytes], PropertyValue]] = {
    ColumnType.STRING: _string,
    ColumnType.INT: _int,
    ColumnType.DOUBLE: _double,
    ColumnType.BOOL: _bool,
    ColumnType.TIMESTAMP: _timestamp,
    ColumnType.JSON: _json,
}
