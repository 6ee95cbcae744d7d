"""A rule that fired, and its message on the interventions topic (JSON, schema 1-0-0)."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from processor.aggregates import Result
from processor.events import Trigger
from processor.limits import INTERVENTION_BYTES_MAX, LONG_TEXT_CHARS

_SCHEMA = "iglu:io.processor/intervention/jsonschema/1-0-0"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE_END = len("YYYY-MM-DD")
_SECOND_END = len("YYYY-MM-DD HH:MM:SS")
_FRACTION_DIGITS = 3
_SIDES = ("before", "after")


@dataclass(frozen=True, slots=True)
class Because:
    """A deciding criterion, with the attribute's values without and with the event."""

    attribute: str
    group_version: int
    operator: str
    value: Result
    before: Result
    after: Result


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule that went from not met to met for a target.

    `attributes` are `group:attribute` -> value with the event. `definitions_offset` is the offset
    of the definitions that were applied.
    """

    name: str
    version: int
    intervention_id: str
    target_key: str
    target_id: str
    attributes: dict[str, Result]
    trigger: Trigger
    because: Sequence[Because]
    definitions_offset: int


def encode_message(fired: Fired) -> bytes:
    """Return the message's JSON.

    If the message is larger than INTERVENTION_BYTES_MAX, lists and maps among its values are left
    out. If it is still too large, texts longer than LONG_TEXT_CHARS are left out too. Values that
    are left out are null, and `left_out` names their attributes.
    """
    data = _data(fired)
    message = _encoded(data)
    for left_out in (_is_collection, _is_large):
        if len(message) <= INTERVENTION_BYTES_MAX:
            break
        message = _encoded(_without(data, left_out))
    return message


def _encoded(data: dict[str, Any]) -> bytes:
    message = {"schema": _SCHEMA, "data": data}
    try:
        return orjson.dumps(message)
    except TypeError:  # a sum of integers can be larger than the 64 bits that orjson writes
        return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def _without(data: dict[str, Any], left_out: Callable[[Result], bool]) -> dict[str, Any]:
    """Return a message's data with null for values that are left out, and their names."""
    attributes, because = data["attributes"], data["because"]
    names = {name for name, value in attributes.items() if left_out(value)}
    names |= {one["attribute"] for one in because for side in _SIDES if left_out(one[side])}

    def kept(value: Result) -> Result:
        return None if left_out(value) else value

    return {
        **data,
        "attributes": {name: kept(value) for name, value in attributes.items()},
        "because": [{**one, **{side: kept(one[side]) for side in _SIDES}} for one in because],
        "left_out": sorted(names),
    }


def _is_collection(value: Result) -> bool:
    return isinstance(value, list | dict)


def _is_large(value: Result) -> bool:
    return _is_collection(value) or (isinstance(value, str) and len(value) > LONG_TEXT_CHARS)


def _data(fired: Fired) -> dict[str, Any]:
    trigger = fired.trigger
    return {
        "intervention_id": fired.intervention_id,
        "name": fired.name,
        "version": fired.version,
        "origin": "rule",
        "target_attribute_key": {"name": fired.target_key, "id": fired.target_id},
        "attributes": fired.attributes,
        "fired_at": iso_time(trigger.time_ms),
        "trigger": {
            "event_id": trigger.event_id,
            "event_name": trigger.event_name,
            "derived_tstamp": _iso_of_column(trigger.derived_tstamp),
            "topic": trigger.source.topic,
            "partition": trigger.source.partition,
            "offset": trigger.offset,
        },
        "because": [_because(because) for because in fired.because],
        "definitions_offset": fired.definitions_offset,
    }


def _because(because: Because) -> dict[str, Result]:
    return {
        "attribute": because.attribute,
        "group_version": because.group_version,
        "operator": because.operator,
        "value": because.value,
        "before": because.before,
        "after": because.after,
    }


def iso_time(time_ms: int) -> str:
    """Return a time as ISO 8601, to the millisecond, in UTC."""
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _iso_of_column(text: str) -> str | None:
    if not text:
        return None
    fraction = text[_SECOND_END + 1 :].ljust(_FRACTION_DIGITS, "0")
    return f"{text[:_DATE_END]}T{text[_DATE_END + 1 : _SECOND_END]}.{fraction}Z"


@dataclass(frozen=True, slots=True)
class Pushed:
    """A direct intervention for one target: a client pushed it, no rule fired."""

    name: str
    version: int
    intervention_id: str
    target_key: str
    target_id: str
    attributes: Mapping[str, Any]  # JSON values
    pushed_at_ms: int


def encode_pushed(pushed: Pushed) -> bytes:
    """Return the message's JSON."""
    return _encoded(
        {
            "intervention_id": pushed.intervention_id,
            "name": pushed.name,
            "version": pushed.version,
            "origin": "push",
            "target_attribute_key": {"name": pushed.target_key, "id": pushed.target_id},
            "attributes": dict(pushed.attributes),
            "fired_at": iso_time(pushed.pushed_at_ms),
        }
    )
