"""One enriched event: both ends of the line are split at once, the middle on demand.

Every record of the source takes this path, and no definition reads most of them any further. The
columns that decide that, and the identifiers that most profiles are kept by, are the first 18 and
the last 9. Splitting the 104 columns between them costs more than all the other reading. They are
split in two steps, because definitions mostly read columns of the first step.
"""

from collections.abc import Callable

from msgspec import Raw

from processor.events.columns import (
    ATOMIC_COLUMNS,
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
from processor.events.timestamp import timestamp_text
from processor.events.trigger import Source, Trigger
from processor.limits import ENTITIES_MAX

Kind = tuple[bytes, bytes, bytes]
# When it was collected, when it happened by its tracker, when its record arrived.
Times = tuple[int, int, int]

# Split at once: the columns before the one, and those from the other on. In the first go: the
# columns of the page, the campaign, contexts and unstruct_event.
HEAD_END = COLUMN_INDEX["network_userid"] + 1
_FIRST_GO_COLUMNS = UNSTRUCT_EVENT + 1 - HEAD_END
_TAIL_START = DERIVED_CONTEXTS
TAIL_COLUMNS = len(ATOMIC_COLUMNS) - _TAIL_START
TABS_BETWEEN = _TAIL_START - HEAD_END - 1
# One item precedes the columns of the tail: the text between head and tail.
_TAIL_OFFSET = _TAIL_START - 1
DERIVED_IN_TAIL = DERIVED_TSTAMP - _TAIL_OFFSET
VENDOR_IN_TAIL = EVENT_VENDOR - _TAIL_OFFSET
NAME_IN_TAIL = EVENT_NAME - _TAIL_OFFSET
VERSION_IN_TAIL = EVENT_VERSION - _TAIL_OFFSET


class Event:
    """An enriched event, valid UTF-8.

    `time_ms` is the event time: the earliest of derived_tstamp (collector_tstamp if that is no
    time), collector_tstamp and `arrival_ms`, the time at which the record arrived. `future`:
    derived_tstamp is later than collector_tstamp; `ahead`: both are later than the arrival;
    `undated`: derived_tstamp is neither empty nor a valid time. `kind` is vendor, name and version
    of its schema as in the columns. JSON columns are decoded once, at the first call that needs
    them; a call raises MalformedEventError if such a column is not self-describing JSON.

    `head` are the columns from the left that have been split so far, `tail` those on the right;
    its first item is the text between them.
    """

    __slots__ = (
        "_entities",
        "_entities_cut",
        "_unstruct",
        "ahead",
        "arrival_ms",
        "future",
        "head",
        "kind",
        "tail",
        "time_ms",
    )
    undated = False

    def __init__(self, head: list[bytes], tail: list[bytes], kind: Kind, times: Times) -> None:
        self.head = head
        self.tail = tail
        self.kind = kind
        collector_ms, derived_ms, arrival_ms = times
        self.arrival_ms = arrival_ms
        self.future = derived_ms > collector_ms
        time_ms = collector_ms if self.future else derived_ms
        self.ahead = time_ms > arrival_ms
        self.time_ms = arrival_ms if self.ahead else time_ms
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
        """As Enrich writes it; empty if there is none or it is not a valid time."""
        return self.tail[DERIVED_IN_TAIL].decode()

    def trigger(self, source: Source, offset: int) -> Trigger:
        """Return what is kept of the event, which was read from that place."""
        event_id, name = self.head[EVENT_ID].decode(), self.kind[1].decode()
        return Trigger(
            event_id, name, self.derived_tstamp, source, offset, self.time_ms, self.arrival_ms
        )

    def column(self, index: int) -> bytes:
        """Return one column by its position in the line."""
        head = self.head
        if index < len(head):
            return head[index]
        tail = self.tail
        if index >= _TAIL_START:
            return tail[index - _TAIL_OFFSET]
        if len(head) == HEAD_END:
            head += tail[0].split(b"\t", _FIRST_GO_COLUMNS)
            tail[0] = head.pop()
        if index >= len(head):
            head += tail[0].split(b"\t")
        return head[index]

    def unstruct_data(self, schema: str) -> Json:
        """Return the data of the event's own schema; None unless it is `vendor/name/major`."""
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
        """Return how many of the first ENTITIES_MAX entities are of schema `vendor/name/major`."""
        entities = self._entities
        if entities is None:
            entities = self._entities = self._collect_entities()
        return len(entities.get(schema, ()))

    def entity_data(self, schema: str, index: int) -> Json:
        """Return the data of the index-th entity of schema `vendor/name/major`, if any.

        Entities of contexts come first, then those of derived_contexts. REJECTED if it may be
        among the entities beyond ENTITIES_MAX, which are not read.
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


class OtherTimesEvent(Event):
    """An event with a time that is not in the form of Enrich."""

    __slots__ = ("_derived_tstamp", "undated")

    def __init__(
        self,
        derived_ms: int | None,
        head: list[bytes],
        tail: list[bytes],
        kind: Kind,
        times: Times,
    ) -> None:
        """Create the event; `derived_ms` is None if its derived_tstamp is not a valid time."""
        super().__init__(head, tail, kind, times)
        self._derived_tstamp = "" if derived_ms is None else timestamp_text(derived_ms)
        self.undated = derived_ms is None and bool(self.tail[DERIVED_IN_TAIL])

    @property
    def derived_tstamp(self) -> str:
        """As Enrich writes it; empty if there is none or it is not a valid time."""
        return self._derived_tstamp


def column_reader(name: str) -> Callable[[Event], bytes]:
    """Return the function that reads a column, the fastest for its position in the line."""
    index = COLUMN_INDEX[name]
    if index < HEAD_END:
        return lambda event: event.head[index]
    if index >= _TAIL_START:
        return lambda event: event.tail[index - _TAIL_OFFSET]
    return lambda event: event.column(index)
