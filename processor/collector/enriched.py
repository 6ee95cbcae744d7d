"""Converts one event of the tracker protocol to one line of the enriched TSV.

Columns are set in this order; a later step may overwrite an earlier one:

1. properties of the request: address, useragent, the collector's cookie, times
2. the parameters
3. the parts of the page's address and of its referrer, and the page's query
4. the derived time
5. vendor, name, format and version of the event's schema
"""

from collections.abc import Mapping

from processor import __version__
from processor.collector.addresses import Address, query_columns, take_apart
from processor.collector.arrival import Arrival
from processor.collector.conversion import clean, time_text
from processor.collector.documents import unstruct_schema
from processor.collector.lengths import LENGTHS
from processor.collector.parameters import PARAMETERS
from processor.errors import DeadLetterReason, TrackerProtocolError
from processor.events import ATOMIC_COLUMNS, parse_event
from processor.limits import MISTAKE_CHARS_MAX

Parameters = Mapping[str, str]

_VENDOR = "com.snowplowanalytics.snowplow"
_SCHEMAS = {
    "page_view": (_VENDOR, "page_view", "jsonschema", "1-0-0"),
    "page_ping": (_VENDOR, "page_ping", "jsonschema", "1-0-0"),
    "struct": ("com.google.analytics", "event", "jsonschema", "1-0-0"),
    "transaction": (_VENDOR, "transaction", "jsonschema", "1-0-0"),
    "transaction_item": (_VENDOR, "transaction_item", "jsonschema", "1-0-0"),
}
_SCHEMA_COLUMNS = ("event_vendor", "event_name", "event_format", "event_version")
_ADDRESS_PARTS = ("scheme", "host", "port", "path", "query", "fragment")
_JSON_PARAMETERS = frozenset({"co", "cx", "ue_pr", "ue_px"})
# The columns that identify the visitor, the most reliable first.
_VISITOR_COLUMNS = ("domain_userid", "user_id", "network_userid")


class _Line:
    """The columns of an event in progress, and all mistakes found so far."""

    def __init__(self) -> None:
        self.columns: dict[str, str] = {}
        self.mistakes: list[tuple[str, str]] = []

    def put(self, column: str, text: str) -> None:
        cut = clean(text)[: LENGTHS.get(column)]
        if cut:
            self.columns[column] = cut

    def get(self, column: str) -> str:
        return self.columns.get(column, "")

    def mistake(self, parameter: str, text: str, error: ValueError) -> None:
        shown = text[:MISTAKE_CHARS_MAX]
        self.mistakes.append((parameter, f"{parameter} {shown!r} {error}"))


def enriched_event(parameters: Parameters, arrival: Arrival) -> tuple[bytes, bytes]:
    """Return an event's line, and its visitor, which is the partition key.

    Raises:
        TrackerProtocolError: with all mistakes of the parameters.
        MalformedEventError: the line is too large.
    """
    line = _Line()
    _put_arrival(line, arrival)
    _put_parameters(line, parameters)
    _put_page(line, parameters.get("url", ""), arrival.page_url)
    _put_referrer(line, parameters.get("refr", ""))
    if line.mistakes:
        raise _refusal(line.mistakes)
    _put_derived_time(line, parameters, arrival.received_ms)
    _put_schema(line)
    value = "\t".join(line.get(column) for column in ATOMIC_COLUMNS).encode(errors="replace")
    parse_event(value)  # anything that a worker would refuse is refused here
    visitor = next(filter(None, map(line.get, _VISITOR_COLUMNS)), "")
    return value, visitor.encode(errors="replace")


def _put_arrival(line: _Line, arrival: Arrival) -> None:
    line.put("v_collector", f"processor-collector-{__version__}")
    line.put("v_etl", f"processor-{__version__}")
    line.put("collector_tstamp", time_text(arrival.received_ms))
    line.put("etl_tstamp", time_text(arrival.received_ms))
    line.put("event_id", arrival.new_event_id())
    line.put("user_ipaddress", arrival.ip_address)
    line.put("useragent", arrival.useragent)
    line.put("network_userid", arrival.network_userid)


def _put_parameters(line: _Line, parameters: Parameters) -> None:
    for name, parameter in PARAMETERS.items():
        text = parameters.get(name)
        if not text:
            continue
        try:
            texts = parameter.read(text)
        except ValueError as error:
            line.mistake(name, text, error)
            continue
        for column, converted in zip(parameter.columns, texts, strict=True):
            line.put(column, converted)


def _put_page(line: _Line, url: str, header: str) -> None:
    """Set the page that the tracker names, else the page in the browser's header, if valid."""
    if not (url or header):
        return
    try:
        address = take_apart(url or header)
        columns = query_columns(address.query)
    except ValueError as error:
        if url:
            line.mistake("url", url, error)
        return
    line.put("page_url", address.url)
    _put_address(line, "page", address)
    for column, text in columns.items():
        line.put(column, text)


def _put_referrer(line: _Line, url: str) -> None:
    """Set the parts of a referrer; if it is not an address, only its text."""
    if not url:
        return
    try:
        address = take_apart(url)
    except ValueError:
        return
    _put_address(line, "refr", address)
    if address.host and address.host == line.get("page_urlhost"):
        line.put("refr_medium", "internal")


def _put_address(line: _Line, prefix: str, address: Address) -> None:
    for part, text in zip(_ADDRESS_PARTS, address[1:], strict=True):
        line.put(f"{prefix}_url{part}", text)


def _put_derived_time(line: _Line, parameters: Parameters, received_ms: int) -> None:
    """Set the true time if it is sent, else the collector's time minus the delay on the device.

    If the device's sent time is earlier than its created time, the delay is ignored.
    """
    derived = line.get("true_tstamp")
    if not derived:
        under_way_ms = 0
        if line.get("dvce_created_tstamp") and line.get("dvce_sent_tstamp"):
            under_way_ms = max(0, int(parameters["stm"]) - int(parameters["dtm"]))
        derived = time_text(max(0, received_ms - under_way_ms))
    line.put("derived_tstamp", derived)


def _put_schema(line: _Line) -> None:
    kind = line.get("event")
    if not kind:
        raise _refusal([("e", "e, the code of the event, is missing")])
    schema = _SCHEMAS.get(kind)
    if schema is None:
        column = line.get("unstruct_event")
        if not column:
            raise _refusal([("ue_px", "an event of its own schema has neither ue_pr nor ue_px")])
        schema = unstruct_schema(column)
    for name, text in zip(_SCHEMA_COLUMNS, schema, strict=True):
        line.put(name, text)


def _refusal(mistakes: list[tuple[str, str]]) -> TrackerProtocolError:
    documents = all(parameter in _JSON_PARAMETERS for parameter, _ in mistakes)
    reason = DeadLetterReason.JSON if documents else DeadLetterReason.PARAMETER
    return TrackerProtocolError(reason, "; ".join(told for _, told in mistakes))
