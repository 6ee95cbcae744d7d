"""The values of a property of an event: a scalar within bounds, None, or REJECTED.

A number is one value in any spelling: 5, 5.0 and 5e0 are equal, and have the same text.
"""

import math

import orjson

from processor.events.rejected import REJECTED, Rejected
from processor.events.self_describing import Json
from processor.limits import INTEGER_MAX, VALUE_CHARS_MAX

PropertyValue = str | int | float | bool | None | Rejected

_INTEGER_MIN = -INTEGER_MAX - 1


def bounded(value: Json) -> PropertyValue:
    """Return the value, or REJECTED if it cannot be used.

    Values that cannot be used: an object or array, a number that is not finite, an integer beyond
    64 bits, a string of more than VALUE_CHARS_MAX characters.
    """
    match value:
        case str():
            return value if len(value) <= VALUE_CHARS_MAX else REJECTED
        case None | bool():  # before int: bool is one of its subclasses
            return value
        case int():
            return value if _INTEGER_MIN <= value <= INTEGER_MAX else REJECTED
        case float():
            return value if math.isfinite(value) else REJECTED
        case _:
            return REJECTED


def whole(number: float) -> int | float:
    """Return the integer that a finite float equals, if it fits 64 bits; else the float."""
    if number.is_integer() and _INTEGER_MIN <= number <= INTEGER_MAX:
        return int(number)
    return number


def json_text(value: bool | int | float) -> str:
    """Return the JSON text of a boolean or a finite number; equal numbers have the same text.

    It is the text of an integer if that fits 64 bits, else the shortest text that parses as the
    double, as JavaScript writes it: 0.1, 1e+25.
    """
    return orjson.dumps(whole(value) if isinstance(value, float) else value).decode()
