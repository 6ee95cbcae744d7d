"""One enriched event: split once, everything else read when somebody asks for it.

This is the path of every record of the source, most of which no definition looks at any closer.
"""

from msgspec import Raw

from processor.errors import DeadLetterReason, MalformedEventError
from processor.events.columns import (
    ATOMIC_COLUMNS,
    COLLECTOR_TSTAMP,
    CONTEXTS,
    DERIVED_CONTEXTS,
    DERIVED_TSTAMP,
    EVENT_ID,
    EVENT_NAME,
    EVENT_VENDOR,
    EVENT_VERSION,
    UNSTRUCT_EVENT,
)
from processor.events.self_describing import (
    Json,
    decode_contexts,
    decode_data,
    decode_unstruct,
    schema_key,
)
from processor.events.timestamp import timestamp_ms
from processor.limits import ENTITIES_MAX, EVENT_BYTES_MAX

_COLUMN_COUNT = len(ATOMIC_COLUMNS)
# The first bytes of gzip and zstd: Enrich can be told to compress its records.
_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")


class Event:
    """An enriched event. `columns` are the 131 columns as bytes, valid UTF-8.

    `time_ms` is the event time: the earlier of derived_tstamp and collector_tstamp, and
    collector_tstamp where the former is empty. `future`: derived_tstamp lies after
    collector_tstamp. Columns with JSON are decoded at the first call that needs them, once; a call
    raises MalformedEventError where such a column holds no self-describing JSON.
    """

    __slots__ = ("_entities", "_unstruct", "columns", "future", "time_ms")

    def __init__(self, columns: list[bytes], time_ms: int, future: bool) -> None:
        self.columns = columns
        self.time_ms = time_ms
        self.future = future
        self._unstruct: tuple[str | None, Json] | None = None
        self._entities: dict[str, list[Json]] | None = None

    @property
    def event_id(self) -> str:
        """Never empty."""
        return self.columns[EVENT_ID].decode()

    @property
    def event_vendor(self) -> str:
        """The vendor of the event's schema."""
        return self.columns[EVENT_VENDOR].decode()

    @property
    def event_name(self) -> str:
        """The name of the event's schema."""
        return self.columns[EVENT_NAME].decode()

    @property
    def event_version(self) -> str:
        """The full version of the event's schema, such as 1-0-2."""
        return self.columns[EVENT_VERSION].decode()

    @property
    def derived_tstamp(self) -> str:
        """As it stands in the column; empty where Enrich could derive none."""
        return self.columns[DERIVED_TSTAMP].decode()

    def unstruct_data(self, schema: str) -> Json:
        """Return the data of the event's own schema; None unless that is `vendor/name/major`."""
        found = self._unstruct
        if found is None:
            column = self.columns[UNSTRUCT_EVENT]
            if not column:
                return None
            document = decode_unstruct(column)
            found = self._unstruct = (schema_key(document.schema), document.data)
        key, data = found
        if key != schema:
            return None
        if type(data) is Raw:
            data = decode_data(data)
            self._unstruct = (key, data)
        return data

    def entity_data(self, schema: str, index: int) -> Json:
        """Return the data of the index-th entity of schema `vendor/name/major`, None without it.

        Entities of contexts come first, those of derived_contexts follow.
        """
        entities = self._entities
        if entities is None:
            entities = self._entities = self._collect_entities()
        found = entities.get(schema)
        if found is None or index >= len(found):
            return None
        data = found[index]
        if type(data) is Raw:
            data = found[index] = decode_data(data)
        return data

    def _collect_entities(self) -> dict[str, list[Json]]:
        columns = self.columns
        documents = []
        if columns[CONTEXTS]:
            documents = decode_contexts(columns[CONTEXTS], "contexts")
        if columns[DERIVED_CONTEXTS]:
            documents += decode_contexts(columns[DERIVED_CONTEXTS], "derived_contexts")
        entities: dict[str, list[Json]] = {}
        for document in documents[:ENTITIES_MAX]:
            key = schema_key(document.schema)
            if key is None:
                continue
            found = entities.get(key)
            if found is None:
                entities[key] = [document.data]
            else:
                found.append(document.data)
        return entities


def parse_event(value: bytes | None) -> Event:
    """Split a record of the source; MalformedEventError with the reason if it is no enriched event.

    Checked here: size, UTF-8, the number of columns, event_id, and both timestamps that make the
    event time. Everything else is checked by whoever reads it.
    """
    if not value:
        raise MalformedEventError(DeadLetterReason.EMPTY, "the record has no value")
    if len(value) > EVENT_BYTES_MAX:
        detail = f"{len(value)} bytes, at most {EVENT_BYTES_MAX} are allowed"
        raise MalformedEventError(DeadLetterReason.TOO_LARGE, detail)
    if not value.isascii():
        _check_utf8(value)
    columns = value.split(b"\t")
    if len(columns) != _COLUMN_COUNT:
        detail = f"{len(columns)} columns instead of {_COLUMN_COUNT}"
        raise MalformedEventError(DeadLetterReason.COLUMN_COUNT, detail)
    if not columns[EVENT_ID]:
        raise MalformedEventError(DeadLetterReason.EVENT_ID, "event_id is empty")
    try:
        collector_ms = timestamp_ms(columns[COLLECTOR_TSTAMP])
        derived = columns[DERIVED_TSTAMP]
        derived_ms = timestamp_ms(derived) if derived else collector_ms
    except ValueError as error:
        detail = f"collector_tstamp or derived_tstamp: {error}"
        raise MalformedEventError(DeadLetterReason.TIMESTAMP, detail) from error
    if derived_ms > collector_ms:
        return Event(columns, collector_ms, True)
    return Event(columns, derived_ms, False)


def _check_utf8(value: bytes) -> None:
    try:
        value.decode()
    except UnicodeDecodeError as error:
        detail = str(error)
        if value.startswith(_COMPRESSED):
            detail += "; it looks compressed: turn the compression of enriched records off"
        raise MalformedEventError(DeadLetterReason.UTF8, detail) from error
