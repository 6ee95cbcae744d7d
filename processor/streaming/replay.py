"""Writes dead letters to the source again, each exactly once.

A replayed record and its mark are written in one transaction. The mark is on the dead-letter topic
under the letter's key, as JSON with `replayed`, and outlives the letter. In order:

 1. the transactional id, one per dead-letter topic, ends the open transaction of an earlier replay
    and fences a replay that still runs
 2. marks are read: they show what an earlier replay committed, even if it was killed
 3. letters are read, and those without a mark are written with their marks, a few hundred at a time

The record keeps its timestamp. A header has it too, since a topic with LogAppendTime sets its own.
"""

import hashlib
import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from confluent_kafka import KafkaException

from processor.clock import wall_ms
from processor.errors import BrokerError, ConflictError
from processor.kafka.sender import Message
from processor.kafka.transaction import Transactions, is_fenced
from processor.limits import (
    EVENT_BYTES_MAX,
    RECORD_TIME_MIN_MS,
    REPLAYED_AT_ONCE_MAX,
    REPLAYED_BYTES_AT_ONCE_MAX,
)
from processor.settings import Settings
from processor.streaming.messages.arrival import ARRIVAL_HEADER

KEY_HEADER: Final = "processor-dead-letter"

_SILENT: Final = logging.getLogger(f"{__name__}.client")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False
_DIGEST_BYTES: Final = 16
_MARK: Final = "replayed"


@dataclass(frozen=True, slots=True)
class ReplayedRecord:
    """A record for the source.

    `key` and `letter_partition` are the key and the partition of its dead letter. `digest`
    distinguishes the letter from another one under this key, from a topic that was made anew. The
    record goes to `partition`.
    """

    key: bytes
    digest: str
    letter_partition: int
    partition: int
    timestamp_ms: int
    value: bytes


def digest_of(letter: Mapping[str, Any]) -> str:
    """Return what distinguishes a dead letter from others under its key; duplicates share it."""
    told = f"{letter.get('timestamp')}\n{letter.get('value_base64')}".encode()
    return hashlib.blake2b(told, digest_size=_DIGEST_BYTES).hexdigest()


def mark_of(value: bytes | None) -> str | None:
    """Return the digest of the dead letter to which a mark belongs; None if it is not a mark."""
    try:
        told = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return None
    found = told.get(_MARK) if isinstance(told, dict) else None
    return found if isinstance(found, str) else None


class Replay:
    """Writes records into the source with their marks. Blocking.

    Raises (all methods):
        ConflictError: another replay has begun since; it writes what was not committed.
        BrokerError: Kafka refuses, or does not answer. What was not committed was not replayed.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._name = f"{settings.dead_letter_topic}-replay"
        self._waiting: list[ReplayedRecord] = []
        self._bytes = 0
        self._transactions = Transactions(
            settings.kafka_client,
            self._name,
            {
                "client.id": f"{settings.app_id}-replay",
                "compression.type": "lz4",
                "message.max.bytes": 2 * EVENT_BYTES_MAX,
            },
            logger=_SILENT,  # errors that matter are raised by a call
        )
        try:
            self._transactions.connect(settings.enriched_topic)
            self._transactions.init()
        except KafkaException as error:
            raise self._error(error) from error

    @property
    def waiting(self) -> int:
        """Number of records that were added and not yet written."""
        return len(self._waiting)

    def add(self, record: ReplayedRecord) -> None:
        """Add a record, to be written with others."""
        self._waiting.append(record)
        self._bytes += len(record.value)
        full = len(self._waiting) >= REPLAYED_AT_ONCE_MAX
        if full or self._bytes >= REPLAYED_BYTES_AT_ONCE_MAX:
            self.write()

    def write(self) -> None:
        """Write the waiting records in one transaction."""
        records, self._waiting, self._bytes = self._waiting, [], 0
        if not records:
            return
        try:
            self._transactions.begin()
            for record in records:
                self._produce(record)
            self._transactions.commit()
        except (KafkaException, BufferError) as error:
            raise self._error(error, *self._undone()) from error

    def close(self) -> None:
        """Drop the producer."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a fenced producer cannot undo anything
            self._transactions.close()

    def _undone(self) -> list[Exception]:
        """Abort the transaction, for which readers of the source would wait; return any errors.

        A fenced producer may learn that only here: some calls report any fatal error only as fatal.
        """
        try:
            self._transactions.abort()
        except KafkaException as error:
            return [error]
        return []

    def _produce(self, record: ReplayedRecord) -> None:
        headers = [(KEY_HEADER, record.key)]
        timestamp_ms = 0
        if record.timestamp_ms >= RECORD_TIME_MIN_MS:
            headers.append((ARRIVAL_HEADER, b"%d" % record.timestamp_ms))
            timestamp_ms = record.timestamp_ms
        mark = orjson.dumps({_MARK: record.digest, "at": wall_ms()})
        settings, send = self._settings, self._transactions.send
        send(
            Message(
                settings.enriched_topic, record.value, None, record.partition, headers,
                timestamp_ms,
            )
        )  # fmt: skip
        send(Message(settings.dead_letter_topic, mark, record.key, record.letter_partition))
        self._transactions.serve()

    def _error(self, *errors: Exception) -> ConflictError | BrokerError:
        reasons = [error.args[0] for error in errors]
        if any(map(is_fenced, reasons)):
            message = "another replay of these dead letters has begun"
            return ConflictError(message, hint="wait for it to end, then check what is left")
        what = f"replay with the transactional id {self._name!r}"
        refused = self._transactions.not_authorized(reasons, what)
        if refused is not None:
            return refused
        message = f"Kafka at {self._settings.bootstrap_servers} did not accept the records"
        detail = str(self._transactions.failure or reasons[0])
        return BrokerError(
            message, detail=detail, hint="run the replay again: each record is written once"
        )
