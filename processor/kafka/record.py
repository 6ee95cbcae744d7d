"""One record of Kafka, whichever client fetched it.

The stages use the protocol `Record`. Both librdkafka readers make `FetchedRecord`s. aiokafka's
records have the same names and satisfy the protocol without a copy.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from msgspec import Struct

Headers = Sequence[tuple[str, bytes]]
# librdkafka numbers the types of timestamps from this number on, Kafka from 0.
_TIMESTAMP_TYPES = 1


class Record(Protocol):
    """One record.

    `timestamp` is in milliseconds. `timestamp_type` is Kafka's number: 0 for CreateTime, 1 for
    LogAppendTime; -1 or None if the message format has no timestamps.
    """

    @property
    def topic(self) -> str:
        """The topic from which it was fetched."""
        ...

    @property
    def partition(self) -> int:
        """Its partition."""
        ...

    @property
    def offset(self) -> int:
        """Its offset in the partition."""
        ...

    @property
    def timestamp(self) -> int | None:
        """When it was made or appended, in milliseconds."""
        ...

    @property
    def timestamp_type(self) -> int | None:
        """Whether the producer or the broker set the timestamp."""
        ...

    @property
    def key(self) -> bytes | None:
        """Its key; None if it has none."""
        ...

    @property
    def value(self) -> bytes | None:
        """Its value; None deletes the key of a compacted topic."""
        ...

    @property
    def headers(self) -> Headers:
        """Its headers, in order."""
        ...


def timestamp_ms(record: Record) -> int:
    """Return a record's timestamp; -1 if its message format has none."""
    return -1 if record.timestamp is None else record.timestamp


class FetchedRecord(Struct, gc=False):
    """A record as librdkafka fetched it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


def fetched_record(message: Any, topic: str, partition: int, offset: int) -> FetchedRecord:
    """Return the record of a message of librdkafka, whose place the caller has already read.

    Raises:
        UnicodeDecodeError: the name of a header is no text.
    """
    kind, timestamp_ms = message.timestamp()
    return FetchedRecord(
        topic, partition, offset, timestamp_ms, kind - _TIMESTAMP_TYPES,
        message.key(), message.value(), message.headers() or (),
    )  # fmt: skip
