"""What a property of an event can be: a scalar within bounds, nothing, or REJECTED."""

import math

from processor.events.rejected import REJECTED, Rejected
from processor.events.self_describing import Json
from processor.limits import INTEGER_MAX, VALUE_BYTES_MAX

PropertyValue = str | int | float | bool | None | Rejected

_INTEGER_MIN = -INTEGER_MAX - 1


def bounded(value: Json) -> PropertyValue:
    """Return the value, REJECTED for one that cannot be used.

    That is an object or array, a number that is not finite, an integer beyond 64 bit, a string
    longer than VALUE_BYTES_MAX bytes.
    """
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
