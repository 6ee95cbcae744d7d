"""Converts texts of the tracker protocol to texts of columns; refuses invalid ones.

Every function takes a text that is not empty, and raises ValueError with the reason if it is
invalid. The rules are those of Snowplow's Enrich: what Enrich refuses is refused here, so that a
mistake shows on a laptop and not in production.
"""

import re
import uuid
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - columns are UTC and say no zone
# The years 1 to 9999: other years have no text in this form.
_TIME_MS_MIN, _TIME_MS_MAX = -62_135_596_800_000, 253_402_300_799_999
# Integers of the columns have 32 bits.
_INT_MIN, _INT_MAX = -(2**31), 2**31 - 1
# Powers of ten that a double holds, and digits that say all that it holds.
_EXPONENT_MAX = 308
_DIGITS_MAX = 100
_INT_PATTERN = re.compile(r"[+-]?[0-9]{1,10}")
_SIZE_PATTERN = re.compile(r"([0-9]{1,10})x([0-9]{1,10})")
_TIME_PATTERN = re.compile(r"-?[0-9]{1,15}")
# An address with a port, or an IPv6 address in brackets.
_WITH_PORT = re.compile(r'"?(?:\[([^\]]+)\]|([0-9]{1,3}(?:\.[0-9]{1,3}){3}))(?::[0-9]*)?"?')
_CONTROL_PATTERN = re.compile(r"[\x00-\x1f\x7f]")
# Old trackers send this for a missing number.
_NULL = "null"

PLATFORMS = frozenset({"web", "iot", "app", "mob", "pc", "cnsl", "tv", "srv", "headset"})
EVENTS = {
    "pv": "page_view",
    "pp": "page_ping",
    "se": "struct",
    "ev": "struct",
    "ue": "unstruct",
    "tr": "transaction",
    "ti": "transaction_item",
}


def clean(text: str) -> str:
    """Return a text that cannot break a line: tabs become four spaces, controls are removed."""
    return _CONTROL_PATTERN.sub("", text.replace("\t", "    "))


def time_text(time_ms: int) -> str:
    """Return a time in the form of the columns."""
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    return moment.isoformat(" ", "milliseconds")


def to_text(text: str) -> str:
    """Any text."""
    return text


def to_integer(text: str) -> str:
    """An integer of 32 bits."""
    if text.lower() == _NULL:
        return ""
    if not _INT_PATTERN.fullmatch(text) or not _INT_MIN <= int(text) <= _INT_MAX:
        message = "is not an integer of 32 bits"
        raise ValueError(message)
    return str(int(text))


def to_decimal(text: str) -> str:
    """A decimal number, written without an exponent."""
    if text.lower() == _NULL:
        return ""
    message = "is not a number"
    if len(text) > _DIGITS_MAX:
        raise ValueError(message)
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(message) from error
    if not number.is_finite() or abs(number.adjusted()) > _EXPONENT_MAX:
        raise ValueError(message)
    return format(number, "f")


def to_flag(text: str) -> str:
    """1 or 0."""
    if text not in {"0", "1"}:
        message = "is neither 0 nor 1"
        raise ValueError(message)
    return text


def to_uuid(text: str) -> str:
    """A UUID, in lower case."""
    message = "is not a UUID"
    try:
        found = str(uuid.UUID(text))
    except ValueError as error:
        raise ValueError(message) from error
    if found != text.lower():
        raise ValueError(message)
    return found


def to_time(text: str) -> str:
    """A time, from milliseconds since 1970; it may be negative."""
    if not _TIME_PATTERN.fullmatch(text) or not _TIME_MS_MIN <= int(text) <= _TIME_MS_MAX:
        message = "is not a time in milliseconds since 1970"
        raise ValueError(message)
    return time_text(int(text))


def to_size(text: str) -> tuple[str, str]:
    """Width and height, from a text such as 1280x1024."""
    match = _SIZE_PATTERN.fullmatch(text)
    if match is None or any(int(part) > _INT_MAX for part in match.groups()):
        message = "is not a width and a height such as 1280x1024"
        raise ValueError(message)
    width, height = match.groups()
    return str(int(width)), str(int(height))


def to_platform(text: str) -> str:
    """One of the protocol's platforms."""
    if text not in PLATFORMS:
        message = f"is not a platform: {', '.join(sorted(PLATFORMS))}"
        raise ValueError(message)
    return text


def to_event(text: str) -> str:
    """The kind of event, from its code."""
    try:
        return EVENTS[text]
    except KeyError as error:
        message = f"is not an event's code: {', '.join(EVENTS)}"
        raise ValueError(message) from error


def to_ip_address(text: str) -> str:
    """The first of several addresses, which is the visitor's, without its port.

    The others belong to proxies. An IPv6 address with a port is in brackets.
    """
    first = re.split(r"[, ]", text, maxsplit=1)[0]
    match = _WITH_PORT.fullmatch(first)
    return first if match is None else match[1] or match[2]
