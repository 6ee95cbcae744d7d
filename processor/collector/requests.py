"""Converts requests of trackers to events: one in a query, or many in a body.

A body is `{"schema": "iglu:…/payload_data/…", "data": [{parameter: text, …}, …]}`. The parameters
in the query of such a request apply to each of its events and take precedence over the event's own;
without a body, the query is the event. An invalid event is refused alone; a body that cannot be
parsed is refused as a whole.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from processor.collector.arrival import Arrival
from processor.collector.bodies import read_body
from processor.collector.enriched import Parameters, enriched_event
from processor.collector.queries import query_fields
from processor.errors import DeadLetterReason, MalformedEventError, TrackerProtocolError
from processor.events.json_size import holds_more_values
from processor.limits import (
    COLLECTED_EVENTS_MAX,
    COLLECTED_VALUES_MAX,
    DETAIL_CHARS_MAX,
)

_PAYLOAD: Final = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-"
# A page that is being left sends text/plain, which needs no preflight request.
_TYPES: Final = ("application/json", "text/plain")
_NAMES_TOLD_MAX = 10


@dataclass(frozen=True, slots=True)
class CollectedEvent:
    """A line of the enriched TSV, and its visitor."""

    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """Something that a tracker sent but that cannot be an event, with the reason."""

    value: bytes
    reason: DeadLetterReason
    detail: str


@dataclass(frozen=True, slots=True)
class Collected:
    """The result of a request."""

    events: list[CollectedEvent]
    refused: list[RefusedEvent]


@dataclass(frozen=True, slots=True)
class _NoJson:
    """A placeholder for an event that is not JSON."""

    detail: str


def collect_query(query: str, arrival: Arrival) -> Collected:
    """Return the event of a query, or the reason why there is none."""
    sent = query.encode(errors="replace")
    try:
        parameters = _query_parameters(query)
        if not parameters:
            message = "the query is empty; it must hold the parameters of an event"
            raise TrackerProtocolError(DeadLetterReason.PAYLOAD, message)
    except TrackerProtocolError as error:
        return refused_request(sent, error)
    return _collect([(sent, parameters)], arrival)


def collect_body(body: bytes, content_type: str, query: str, arrival: Arrival) -> Collected:
    """Return the events of a body; if there is no body, the event of the query.

    Raises:
        TrackerProtocolError: the body has no readable events.
    """
    if query and not body and not content_type:
        return collect_query(query, arrival)
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in _TYPES:
        message = f"the content type is {content_type[:100]!r}; it must be {_TYPES[0]}"
        raise TrackerProtocolError(DeadLetterReason.PAYLOAD, message)
    given = _query_parameters(query)
    items = [(sent, _merged(_parsed(sent), given)) for sent in _items(body)]
    return _collect(items, arrival)


def refused_request(value: bytes, error: TrackerProtocolError) -> Collected:
    """Return the result of a request that is refused as a whole."""
    return Collected([], [RefusedEvent(value, error.reason, error.detail)])


def _merged(item: Any, given: Parameters) -> Any:  # decoded JSON
    return {**item, **given} if isinstance(item, dict) else item


def _collect(items: Iterable[tuple[bytes, Any]], arrival: Arrival) -> Collected:  # decoded JSON
    collected = Collected([], [])
    for sent, item in items:
        try:
            value, visitor = enriched_event(_checked(item), arrival)
        except (TrackerProtocolError, MalformedEventError) as error:
            detail = error.detail[:DETAIL_CHARS_MAX]
            collected.refused.append(RefusedEvent(sent, error.reason, detail))
        except MemoryError:
            raise
        except Exception as error:
            # A fault of ours in one event must not affect the other events of its request.
            detail = repr(error)[:DETAIL_CHARS_MAX]
            collected.refused.append(RefusedEvent(sent, DeadLetterReason.UNEXPECTED, detail))
        else:
            collected.events.append(CollectedEvent(visitor, value))
    return collected


def _query_parameters(query: str) -> dict[str, str]:
    try:
        return query_fields(query)
    except ValueError as error:
        message = f"the query cannot be read: {error}"
        raise TrackerProtocolError(DeadLetterReason.PAYLOAD, message) from error


def _items(body: bytes) -> list[bytes]:
    if holds_more_values(body, COLLECTED_VALUES_MAX):
        message = f"the body holds more than {COLLECTED_VALUES_MAX} values"
        raise TrackerProtocolError(DeadLetterReason.TOO_LARGE, message)
    try:
        document = read_body(body)
    except ValueError as error:
        message = f"the body is not self-describing JSON with a list of events: {error}"
        raise TrackerProtocolError(DeadLetterReason.PAYLOAD, message) from error
    if not document.schema.startswith(_PAYLOAD):
        message = f"the body has the schema {document.schema[:100]!r} instead of {_PAYLOAD}0-4"
        raise TrackerProtocolError(DeadLetterReason.PAYLOAD, message)
    count = len(document.events)
    if not count:
        message = "the body has no events"
        raise TrackerProtocolError(DeadLetterReason.PAYLOAD, message)
    if count > COLLECTED_EVENTS_MAX:
        message = f"the body has {count} events, at most {COLLECTED_EVENTS_MAX} are allowed"
        raise TrackerProtocolError(DeadLetterReason.TOO_LARGE, message)
    return document.events


def _parsed(sent: bytes) -> Any:  # decoded JSON
    try:
        return orjson.loads(sent)
    except orjson.JSONDecodeError as error:
        return _NoJson(str(error))


def _checked(item: Any) -> Parameters:  # decoded JSON
    if isinstance(item, _NoJson):
        message = f"the event is not JSON: {item.detail}"
        raise TrackerProtocolError(DeadLetterReason.PAYLOAD, message)
    if not isinstance(item, dict):
        message = "an event is an object of parameters"
        raise TrackerProtocolError(DeadLetterReason.PAYLOAD, message)
    wrong = sorted(name for name, text in item.items() if not isinstance(text, str))
    if wrong:
        told = ", ".join(wrong[:_NAMES_TOLD_MAX])
        message = f"values of parameters are texts, but not those of {told}"
        raise TrackerProtocolError(DeadLetterReason.PARAMETER, message)
    return item
