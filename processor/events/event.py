"""One enriched event: its two ends are split at once, the rest when somebody asks for it.

This is the path of every record of the source, most of which no definition looks at any closer.
What decides that, and the identifiers that most profiles are kept by, stand in the first 18 and the
last 9 columns. The 104 between them cost more to split than all the rest of the reading; they are
split in two goes, since most of what definitions read stands in the first.
"""

from collections.abc import Callable

from msgspec import Raw

from processor.errors import DeadLetterReason, MalformedEventError
from processor.events.columns import (
    ATOMIC_COLUMNS,
    COLLECTOR_TSTAMP,
    COLUMN_INDEX,
    CONTEXTS,
    DERIVED_CONTEXTS,
    DERIVED_TSTAMP,
    EVENT_ID,
    EVENT_NAME,
    EVENT_VENDOR,
    EVENT_VERSION,
    UNSTRUCT_EVENT,
)
from processor.events.rejected import REJECTED
from processor.events.self_describing import (
    Json,
    decode_contexts,
    decode_data,
    decode_unstruct,
    schema_key,
)
from processor.events.timestamp import timestamp_ms
from processor.limits import (
    ENTITIES_MAX,
    EVENT_BYTES_MAX,
    EVENT_ID_BYTES_MAX,
    SCHEMA_PART_BYTES_MAX,
)

Kind = tuple[bytes, bytes, bytes]

_COLUMN_COUNT = len(ATOMIC_COLUMNS)
# Split at once: the columns before the one, and those from the other on. In the first go: the
# columns of the page, the campaign, contexts and unstruct_event.
_HEAD_END = COLUMN_INDEX["network_userid"] + 1
_FIRST_GO_COLUMNS = UNSTRUCT_EVENT + 1 - _HEAD_END
_TAIL_START = DERIVED_CONTEXTS
_TAIL_COLUMNS = _COLUMN_COUNT - _TAIL_START
_TABS_BETWEEN = _TAIL_START - _HEAD_END - 1
# Before the columns of the tail stands one item: the text between head and tail.
_TAIL_OFFSET = _TAIL_START - 1
_DERIVED_IN_TAIL = DERIVED_TSTAMP - _TAIL_OFFSET
_VENDOR_IN_TAIL = EVENT_VENDOR - _TAIL_OFFSET
_NAME_IN_TAIL = EVENT_NAME - _TAIL_OFFSET
_VERSION_IN_TAIL = EVENT_VERSION - _TAIL_OFFSET
# The first bytes of gzip and zstd: Enrich can be told to compress its records.
_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")


class Event:
    """An enriched event, valid UTF-8.

    `time_ms` is the event time: the earlier of derived_tstamp and collector_tstamp, and
    collector_tstamp where the former is empty. `future`: derived_tstamp lies after
    collector_tstamp. `kind` is vendor, name and version of its schema as they stand in the columns.
    Columns with JSON are decoded at the first call that needs them, once; a call raises
    MalformedEventError where such a column holds no self-describing JSON.

    `head` are the columns from the left that have been split so far, `tail` those on the right;
    its first item is the text between them.
    """

    __slots__ = (
        "_entities",
        "_entities_cut",
        "_unstruct",
        "future",
        "head",
        "kind",
        "tail",
        "time_ms",
    )

    def __init__(
        self, head: list[bytes], tail: list[bytes], kind: Kind, time_ms: int, *, future: bool
    ) -> None:
        self.head = head
        self.tail = tail
        self.kind = kind
        self.time_ms = time_ms
        self.future = future
        self._unstruct: tuple[str | None, Json] | None = None
        self._entities: dict[str, list[Json]] | None = None
        self._entities_cut = False

    @property
    def columns(self) -> list[bytes]:
        """The 131 columns."""
        self.column(_TAIL_START - 1)
        return self.head + self.tail[1:]

    @property
    def event_id(self) -> str:
        """Never empty."""
        return self.head[EVENT_ID].decode()

    @property
    def event_vendor(self) -> str:
        """The vendor of the event's schema."""
        return self.kind[0].decode()

    @property
    def event_name(self) -> str:
        """The name of the event's schema."""
        return self.kind[1].decode()

    @property
    def event_version(self) -> str:
        """The full version of the event's schema, such as 1-0-2."""
        return self.kind[2].decode()

    @property
    def derived_tstamp(self) -> str:
        """As it stands in the column; empty where Enrich could derive none."""
        return self.tail[_DERIVED_IN_TAIL].decode()

    def column(self, index: int) -> bytes:
        """Return one column by its place in the line."""
        head = self.head
        if index < len(head):
            return head[index]
        tail = self.tail
        if index >= _TAIL_START:
            return tail[index - _TAIL_OFFSET]
        if len(head) == _HEAD_END:
            head += tail[0].split(b"\t", _FIRST_GO_COLUMNS)
            tail[0] = head.pop()
        if index >= len(head):
            head += tail[0].split(b"\t")
        return head[index]

    def unstruct_data(self, schema: str) -> Json:
        """Return the data of the event's own schema; None unless that is `vendor/name/major`."""
        found = self._unstruct
        if found is None:
            column = self.column(UNSTRUCT_EVENT)
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

    def entity_count(self, schema: str) -> int:
        """Return how many of the entities that are looked at are of schema `vendor/name/major`."""
        entities = self._entities
        if entities is None:
            entities = self._entities = self._collect_entities()
        return len(entities.get(schema, ()))

    def entity_data(self, schema: str, index: int) -> Json:
        """Return the data of the index-th entity of schema `vendor/name/major`, None without it.

        Entities of contexts come first, those of derived_contexts follow. REJECTED if it may be
        among those beyond ENTITIES_MAX, which are not looked at.
        """
        entities = self._entities
        if entities is None:
            entities = self._entities = self._collect_entities()
        found = entities.get(schema)
        if found is None or index >= len(found):
            return REJECTED if self._entities_cut else None
        data = found[index]
        if type(data) is Raw:
            data = found[index] = decode_data(data)
        return data

    def _collect_entities(self) -> dict[str, list[Json]]:
        documents = []
        if column := self.column(CONTEXTS):
            documents = decode_contexts(column, "contexts")
        if column := self.column(DERIVED_CONTEXTS):
            documents += decode_contexts(column, "derived_contexts")
        self._entities_cut = len(documents) > ENTITIES_MAX
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
    head = value.split(b"\t", _HEAD_END)
    tail = head.pop().rsplit(b"\t", _TAIL_COLUMNS)
    between = tail[0]
    if between.count(b"\t") != _TABS_BETWEEN:
        count = value.count(b"\t") + 1
        detail = f"{count} columns instead of {_COLUMN_COUNT}"
        raise MalformedEventError(DeadLetterReason.COLUMN_COUNT, detail)
    event_id = head[EVENT_ID]
    if not event_id or len(event_id) > EVENT_ID_BYTES_MAX:
        raise MalformedEventError(DeadLetterReason.EVENT_ID, _wrong_event_id(event_id))
    try:
        collector_ms = timestamp_ms(head[COLLECTOR_TSTAMP])
        derived = tail[_DERIVED_IN_TAIL]
        derived_ms = timestamp_ms(derived) if derived else collector_ms
    except ValueError as error:
        detail = f"collector_tstamp or derived_tstamp: {error}"
        raise MalformedEventError(DeadLetterReason.TIMESTAMP, detail) from error
    kind = (tail[_VENDOR_IN_TAIL], tail[_NAME_IN_TAIL], tail[_VERSION_IN_TAIL])
    if len(value) - len(between) > SCHEMA_PART_BYTES_MAX:
        _check_kind(kind)
    if derived_ms > collector_ms:
        return Event(head, tail, kind, collector_ms, future=True)
    return Event(head, tail, kind, derived_ms, future=False)


def column_reader(name: str) -> Callable[[Event], bytes]:
    """Return the function that reads a column, the quickest for its place in the line."""
    index = COLUMN_INDEX[name]
    if index < _HEAD_END:
        return lambda event: event.head[index]
    if index >= _TAIL_START:
        return lambda event: event.tail[index - _TAIL_OFFSET]
    return lambda event: event.column(index)


def _wrong_event_id(event_id: bytes) -> str:
    if not event_id:
        return "event_id is empty"
    return f"event_id has {len(event_id)} bytes, at most {EVENT_ID_BYTES_MAX} are allowed"


def _check_kind(kind: Kind) -> None:
    for name, part in zip(("event_vendor", "event_name", "event_version"), kind, strict=True):
        if len(part) > SCHEMA_PART_BYTES_MAX:
            detail = f"{name} has {len(part)} bytes, at most {SCHEMA_PART_BYTES_MAX} are allowed"
            raise MalformedEventError(DeadLetterReason.TOO_LARGE, detail)


def _check_utf8(value: bytes) -> None:
    try:
        value.decode()
    except UnicodeDecodeError as error:
        detail = str(error)
        if value.startswith(_COMPRESSED):
            detail += "; it looks compressed: turn the compression of enriched records off"
        raise MalformedEventError(DeadLetterReason.UTF8, detail) from error
