"""Which profile of an attribute key an event belongs to."""

from collections import Counter

import orjson

from processor.events import REJECTED, PropertyValue
from processor.limits import IDENTIFIER_CHARS_MAX

_IDENTIFIER = "identifier"


def identify(key: str, value: PropertyValue, rejected: Counter[tuple[str, str]]) -> str | None:
    """Return the id that the value of a key's property is, None where it is none.

    A value that cannot be an id is counted in `rejected`.
    """
    if type(value) is str:
        text = value
    elif value is None:
        return None
    elif value is REJECTED:
        rejected[key, _IDENTIFIER] += 1
        return None
    else:
        text = orjson.dumps(value).decode()
    if len(text) > IDENTIFIER_CHARS_MAX:
        rejected[key, _IDENTIFIER] += 1
        return None
    return text or None
