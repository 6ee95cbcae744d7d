"""Which profile of an attribute key an event belongs to."""

import re
from collections import Counter

import orjson

from processor.events import REJECTED, Event, PropertyReader, PropertyValue
from processor.limits import IDENTIFIER_CHARS_MAX

_IDENTIFIER = "identifier"
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


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


def uuids_only(read: PropertyReader) -> PropertyReader:
    """Return a reader that rejects every value but a UUID in its usual form of 36 characters."""

    def read_uuid(event: Event) -> PropertyValue:
        value = read(event)
        if value is None or value is REJECTED:
            return value
        return value if type(value) is str and _UUID.fullmatch(value) else REJECTED

    return read_uuid
