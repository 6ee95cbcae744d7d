"""Requests of trackers to events: one in a query, or many in a body.

A body is `{"schema": "iglu:…/payload_data/…", "data": [{parameter: text, …}, …]}`. What the query
of such a request says holds for each of its events, before what they say themselves; without a
body it is the event. An event that cannot be right is refused alone; a body that cannot be read is
refused as a whole.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
import orjson

from processor.collector.arrival import Arrival
from processor.collector.enriched import Parameters, enriched_event
from processor.errors import DeadLetterReason, MalformedEventError, TrackerProtocolError
from processor.limits import COLLECTED_EVENTS_MAX, DETAIL_CHARS_MAX, QUERY_FIELDS_MAX

_PAYLOAD: Final = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-"
_JSON: Final = "application/json"
_NAMES_TOLD_MAX = 10


@dataclass(frozen=True, slots=True)
class CollectedEvent:
    """A line of the enriched TSV, and the visitor that it is of."""

    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """What a tracker sent that cannot be an event, and why."""

    value: bytes
    reason: DeadLetterReason
    detail: str


@dataclass(frozen=True, slots=True)
class Collected:
    """What became of a request."""

    events: list[CollectedEvent]
    refused: list[RefusedEvent]


class _Body(msgspec.Struct, gc=False):
    schema: str
    data: list[msgspec.Raw]


_body_decoder = msgspec.json.Decoder(_Body)


def collect_query(query: str, arrival: Arrival) -> Collected:
    """Return the event of a query, or why there is none."""
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
    """Return the events of a body; where there is none, that of the query.

    Raises:
        TrackerProtocolError: it has none that could be looked at.
    """
    if query and not body and not content_type:
        return collect_query(query, arrival)
    kind = content_type.partition(";")[0].strip().lower()
    if kind != _JSON:
        message = f"the content type is {content_type[:100]!r}; it must be {_JSON}"
        raise TrackerProtocolError(DeadLetterReason.PAYLOAD, message)
    given = _query_parameters(query)
    items = [(sent, _merged(orjson.loads(sent), given)) for sent in _items(body)]
    return _collect(items, arrival)


def refused_request(value: bytes, error: TrackerProtocolError) -> Collected:
    """Return a request of which nothing could be used."""
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
        else:
            collected.events.append(CollectedEvent(visitor, value))
    return collected


def _query_parameters(query: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(query, errors="replace", max_num_fields=QUERY_FIELDS_MAX))
    except ValueError as error:
        message = f"the query cannot be read: {error}"
        raise TrackerProtocolError(DeadLetterReason.PAYLOAD, message) from error


def _items(body: bytes) -> list[bytes]:
    try:
        orjson.loads(body)  # all of it is JSON; what follows looks only at what it needs
        document = _body_decoder.decode(body)
    except (orjson.JSONDecodeError, msgspec.DecodeError, RecursionError) as error:
        message = f"the body is not self-describing JSON with a list of events: {error}"
        raise TrackerProtocolError(DeadLetterReason.PAYLOAD, message) from error
    if not document.schema.startswith(_PAYLOAD):
        message = f"the body has the schema {document.schema[:100]!r} instead of {_PAYLOAD}0-4"
        raise TrackerProtocolError(DeadLetterReason.PAYLOAD, message)
    count = len(document.data)
    if not count:
        message = "the body has no events"
        raise TrackerProtocolError(DeadLetterReason.PAYLOAD, message)
    if count > COLLECTED_EVENTS_MAX:
        message = f"the body has {count} events, at most {COLLECTED_EVENTS_MAX} are allowed"
        raise TrackerProtocolError(DeadLetterReason.TOO_LARGE, message)
    return [bytes(item) for item in document.data]


def _checked(item: Any) -> Parameters:  # decoded JSON
    if not isinstance(item, dict):
        message = "an event is an object of parameters"
        raise TrackerProtocolError(DeadLetterReason.PAYLOAD, message)
    wrong = sorted(name for name, text in item.items() if not isinstance(text, str))
    if wrong:
        told = ", ".join(wrong[:_NAMES_TOLD_MAX])
        message = f"values of parameters are texts, but not those of {told}"
        raise TrackerProtocolError(DeadLetterReason.PARAMETER, message)
    return item
