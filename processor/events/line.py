"""Reads an event from a record of the source, and checks what every record must have.

A line end after the record is not part of it. Times in other forms than Enrich's are accepted.
"""

from collections.abc import Callable
from functools import partial

from processor.errors import DeadLetterReason, MalformedEventError
from processor.events.columns import ATOMIC_COLUMNS, COLLECTOR_TSTAMP, EVENT_ID
from processor.events.compression import compression_of
from processor.events.event import (
    DERIVED_IN_TAIL,
    HEAD_END,
    NAME_IN_TAIL,
    TABS_BETWEEN,
    TAIL_COLUMNS,
    VENDOR_IN_TAIL,
    VERSION_IN_TAIL,
    Event,
    Kind,
    OtherTimesEvent,
)
from processor.events.packed import PackedRecordError
from processor.events.surrogates import utf8_of_whole_characters
from processor.events.timestamp import any_timestamp_ms, timestamp_ms
from processor.limits import EVENT_BYTES_MAX, EVENT_ID_CHARS_MAX, SCHEMA_PART_CHARS_MAX

_COLUMN_COUNT = len(ATOMIC_COLUMNS)


def parse_event(value: bytes | None, arrival_ms: int | None = None) -> Event:
    """Split a record of the source; MalformedEventError if it is not an enriched event.

    PackedRecordError is raised for a packed record, whose events must be unpacked.

    `arrival_ms` is the arrival time of the record (processor/streaming/messages/arrival.py); None
    if it is its collector_tstamp.

    Checks size, UTF-8, the number of columns, event_id, and collector_tstamp. Everything else is
    checked by the code that reads it. A line end after the record is not part of it.
    """
    if not value:
        raise MalformedEventError(DeadLetterReason.EMPTY, "the record has no value")
    if len(value) > EVENT_BYTES_MAX:
        raise _too_large(value)
    if not value.isascii():
        value = _as_utf8(value)
    head = value.split(b"\t", HEAD_END)
    tail = head.pop().rsplit(b"\t", TAIL_COLUMNS)
    between = tail[0]
    if between.count(b"\t") != TABS_BETWEEN:
        count = value.count(b"\t") + 1
        detail = f"{count} columns instead of {_COLUMN_COUNT}"
        raise MalformedEventError(DeadLetterReason.COLUMN_COUNT, detail)
    event_id = head[EVENT_ID]
    if not event_id or len(event_id) > EVENT_ID_CHARS_MAX:  # bytes: at least as many as characters
        _check_event_id(event_id)
    if tail[-1]:
        tail[-1] = tail[-1].rstrip(b"\r\n")
    make: Callable[..., Event] = Event
    try:
        collector_ms = timestamp_ms(head[COLLECTOR_TSTAMP])
        derived = tail[DERIVED_IN_TAIL]
        derived_ms = timestamp_ms(derived) if derived else collector_ms
    except ValueError:
        collector_ms, found_ms = _other_times(head[COLLECTOR_TSTAMP], tail[DERIVED_IN_TAIL])
        derived_ms = collector_ms if found_ms is None else found_ms
        make = partial(OtherTimesEvent, found_ms)
    vendor, name, version = tail[VENDOR_IN_TAIL], tail[NAME_IN_TAIL], tail[VERSION_IN_TAIL]
    kind = (vendor, name, version)
    if len(vendor) + len(name) + len(version) > SCHEMA_PART_CHARS_MAX:
        _check_kind(kind)
    if arrival_ms is None:
        arrival_ms = collector_ms
    return make(head, tail, kind, (collector_ms, derived_ms, arrival_ms))


def _other_times(collector: bytes, derived: bytes) -> tuple[int, int | None]:
    """Return collector_tstamp and derived_tstamp; None if the latter is not a valid time."""
    try:
        collector_ms = any_timestamp_ms(collector)
    except ValueError as error:
        detail = f"collector_tstamp: {error}"
        raise MalformedEventError(DeadLetterReason.TIMESTAMP, detail) from error
    try:
        return collector_ms, any_timestamp_ms(derived)
    except ValueError:
        return collector_ms, None


def _check_event_id(event_id: bytes) -> None:
    if not event_id:
        raise MalformedEventError(DeadLetterReason.EVENT_ID, "event_id is empty")
    length = len(event_id.decode())
    if length > EVENT_ID_CHARS_MAX:
        detail = f"event_id has {length} characters, at most {EVENT_ID_CHARS_MAX} are allowed"
        raise MalformedEventError(DeadLetterReason.EVENT_ID, detail)


def _check_kind(kind: Kind) -> None:
    for name, part in zip(("event_vendor", "event_name", "event_version"), kind, strict=True):
        length = len(part.decode())
        if length > SCHEMA_PART_CHARS_MAX:
            detail = f"{name} has {length} characters, at most {SCHEMA_PART_CHARS_MAX} are allowed"
            raise MalformedEventError(DeadLetterReason.TOO_LARGE, detail)


def _as_utf8(value: bytes) -> bytes:
    try:
        value.decode()
    except UnicodeDecodeError:
        return _repaired_utf8(value)
    return value


def _repaired_utf8(value: bytes) -> bytes:
    if compression_of(value):
        raise PackedRecordError
    try:
        return utf8_of_whole_characters(value)
    except UnicodeDecodeError as error:
        raise MalformedEventError(DeadLetterReason.UTF8, str(error)) from error


def _too_large(value: bytes) -> MalformedEventError:
    if compression_of(value):
        return PackedRecordError()
    detail = f"{len(value)} bytes, at most {EVENT_BYTES_MAX} are allowed"
    return MalformedEventError(DeadLetterReason.TOO_LARGE, detail)
