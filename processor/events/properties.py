"""Compiles properties of definitions to functions that read one value of an event.

A function returns a str, int, float or bool; None for a value that is missing or null; REJECTED for
a value that exists but cannot be used: an object or array, a number that is not finite, an integer
beyond 64 bits, a string of more than VALUE_CHARS_MAX characters, column text that is not of its
column's type, text that is not a date although a part of a date is requested, an entity beyond
those that are read.
"""

import re
from collections.abc import Callable, Sequence

from definitions import AtomicProperty, CalculatedProperty, EntityProperty, EventProperty
from definitions.paths import parse_path
from processor.errors import DefinitionError
from processor.events.calculated import compile_calculation
from processor.events.columns import COLUMN_TYPES, ColumnType
from processor.events.date_parts import DATE_PARTS, DatePart
from processor.events.date_time import date_time_s
from processor.events.event import Event, column_reader
from processor.events.rejected import REJECTED
from processor.events.self_describing import Json
from processor.events.timestamp import any_timestamp_ms, timestamp_ms, timestamp_text
from processor.events.values import PropertyValue, bounded
from processor.limits import VALUE_CHARS_MAX

Property = AtomicProperty | EventProperty | EntityProperty | CalculatedProperty
PropertyReader = Callable[[Event], PropertyValue]
Path = tuple[str | int, ...]

_INTEGER_PATTERN = re.compile(rb"-?[0-9]{1,19}")
# The decimal numbers that Enrich writes; float() would also accept "nan", "1_0" and " 1".
_DOUBLE_PATTERN = re.compile(rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_BOOLS = {b"1": True, b"0": False}


def compile_property(definition: Property) -> PropertyReader:
    """Return the function that reads the property; DefinitionError if it cannot be compiled.

    The function raises MalformedEventError (JSON) if a column that it reads has broken JSON.
    """
    if isinstance(definition, CalculatedProperty):
        return _compile_calculated(definition)
    part = None if definition.date_part is None else DATE_PARTS[definition.date_part]
    if isinstance(definition, AtomicProperty):
        if part is None:
            return _compile_atomic(definition.name)
        return _compile_part_of_column(definition.name, part)
    schema = f"{definition.vendor}/{definition.name}/{definition.major_version}"
    path = _path(definition.path)
    if isinstance(definition, EventProperty):
        read = _compile_event(schema, path)
    else:
        read = _compile_entity(schema, definition.index, path)
    return read if part is None else _compile_part_of_text(read, part)


def _compile_calculated(definition: CalculatedProperty) -> PropertyReader:
    readers = tuple(map(compile_property, definition.properties))
    if definition.operation == "coalesce":
        return _coalesce(readers)
    calculate = compile_calculation(definition.operation, definition.separator or "")
    return lambda event: calculate([read(event) for read in readers])


def _coalesce(readers: Sequence[PropertyReader]) -> PropertyReader:
    """Return the reader of the first value that is not null; later ones are not read."""

    def read_first(event: Event) -> PropertyValue:
        for read in readers:
            value = read(event)
            if value is not None:
                return value
        return None

    return read_first


def _compile_part_of_column(name: str, part: DatePart) -> PropertyReader:
    if COLUMN_TYPES[name] is not ColumnType.TIMESTAMP:
        message = f"column {name!r} holds no date, so it has no date_part"
        raise DefinitionError(message, hint="use a column whose name ends in _tstamp")
    column = column_reader(name)

    def read(event: Event) -> PropertyValue:
        text = column(event)
        if not text:
            return None
        try:
            return part(any_timestamp_ms(text) // 1_000)
        except ValueError:
            return REJECTED

    return read


def _compile_part_of_text(read: PropertyReader, part: DatePart) -> PropertyReader:
    def read_part(event: Event) -> PropertyValue:
        value = read(event)
        if value is None:
            return None
        if type(value) is not str:
            return REJECTED
        try:
            return part(date_time_s(value))
        except ValueError:
            return REJECTED

    return read_part


def _path(text: str) -> Path:
    try:
        return parse_path(text)
    except ValueError as error:
        raise DefinitionError(str(error), hint="write names and [n], as in items[0].id") from error


def _compile_event(schema: str, path: Path) -> PropertyReader:
    def read(event: Event) -> PropertyValue:
        data = event.unstruct_data(schema)
        return None if data is None else bounded(_follow(data, path))

    return read


def _compile_entity(schema: str, index: int, path: Path) -> PropertyReader:
    def read(event: Event) -> PropertyValue:
        data = event.entity_data(schema, index)
        if data is None or data is REJECTED:
            return data
        return bounded(_follow(data, path))

    return read


def _follow(data: Json, path: Path) -> Json:
    """Return the value at the path; None if the path does not exist."""
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


def _compile_atomic(name: str) -> PropertyReader:
    column = column_reader(name)
    convert = _CONVERTERS[COLUMN_TYPES[name]]

    def read(event: Event) -> PropertyValue:
        text = column(event)
        return convert(text) if text else None

    return read


def _string(text: bytes) -> PropertyValue:
    return text.decode() if len(text) <= VALUE_CHARS_MAX else bounded(text.decode())


def _int(text: bytes) -> PropertyValue:
    if _INTEGER_PATTERN.fullmatch(text) is None:
        return REJECTED
    return bounded(int(text))


def _double(text: bytes) -> PropertyValue:
    if len(text) > VALUE_CHARS_MAX or _DOUBLE_PATTERN.fullmatch(text) is None:
        return REJECTED
    return bounded(float(text))


def _bool(text: bytes) -> PropertyValue:
    return _BOOLS.get(text, REJECTED)


def _timestamp(text: bytes) -> PropertyValue:
    try:
        timestamp_ms(text)
    except ValueError:
        return _other_timestamp(text)
    return text.decode().replace(" ", "T") + "Z"


def _other_timestamp(text: bytes) -> PropertyValue:
    try:
        return timestamp_text(any_timestamp_ms(text)).replace(" ", "T") + "Z"
    except ValueError:
        return REJECTED


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
