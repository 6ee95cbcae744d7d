"""Reading a changelog partition back: the committed records from an offset to the end.

The reader never joins a group and reads only what was committed. The caller must have fenced the
predecessor before (processor/streaming/takeover.py): then nothing can be added behind the end that
the reader sees.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)

from processor.clock import monotonic_s
from processor.errors import BrokerError

# Records asked for at once; a batch of this many goes into the store in one write.
_BATCH_RECORDS = 5_000
# The end of the partition shows as an event of its own; this bounds one wait for anything.
_POLL_S = 0.05
# How long a partition may be without a leader, and between two looks.
_LEADER_S = 20.0
_LOOK_S = 0.1
_NO_LEADER = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001 - its public name
    }
)
# Nothing from the broker for this long while the end is not reached is an error.
_STALL_S = 60.0


@dataclass(frozen=True, slots=True)
class ChangelogRecord:
    """One record: a value of None deletes the key."""

    offset: int
    key: bytes
    value: bytes | None


@dataclass(frozen=True, slots=True)
class RestoreProgress:
    """How far a restore is. Offsets, not records: a compacted topic has gaps."""

    start: int
    position: int
    end: int
    seconds: float

    @property
    def remaining_s(self) -> float | None:
        """Seconds left at the rate so far; None before there is a rate."""
        done = self.position - self.start
        if done <= 0 or self.seconds <= 0:
            return None
        return (self.end - self.position) * self.seconds / done


class ChangelogReader:
    """Reads one partition with a consumer of its own.

    Args:
        client: librdkafka properties of the connection.
        topic: the changelog topic.
        partition: its partition.
    """

    def __init__(self, client: Mapping[str, Any], topic: str, partition: int) -> None:
        self._topic = topic
        self._partition = partition
        self._consumer = Consumer(
            {
                **client,
                "group.id": "unused-no-group-is-joined",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 20,
                "fetch.queue.backoff.ms": 20,
            }
        )

    def bounds(self) -> tuple[int, int]:
        """Return (first offset, end offset) of the partition as the broker knows it now.

        A partition that was just made or is moving has no leader for a moment: that is waited out.
        """
        where = TopicPartition(self._topic, self._partition)
        deadline = monotonic_s() + _LEADER_S
        while True:
            try:
                low, high = self._consumer.get_watermark_offsets(where, timeout=30.0)
            except KafkaException as error:
                if error.args[0].code() not in _NO_LEADER or monotonic_s() > deadline:
                    raise self._error(str(error)) from error
                time.sleep(_LOOK_S)
            else:
                return low, high

    def read(
        self, start: int | None, progress: Callable[[RestoreProgress], None] | None = None
    ) -> Iterator[list[ChangelogRecord]]:
        """Yield batches of committed records from offset `start` (None: the first) to the end.

        Raises:
            BrokerError: the broker reports an error or stays silent for a minute.
        """
        low, end = self.bounds()
        first = low if start is None else start
        begun = last_heard = monotonic_s()
        self._consumer.assign(
            [
                TopicPartition(
                    self._topic, self._partition, first if first > low else OFFSET_BEGINNING
                )
            ]
        )
        position = first
        while True:
            messages = self._consumer.consume(_BATCH_RECORDS, _POLL_S)
            now = monotonic_s()
            if messages:
                last_heard = now
            elif now - last_heard > _STALL_S:
                detail = f"no answer for {_STALL_S:.0f} s at offset {position}"
                raise self._error(detail)
            records, ended = self._sort_out(messages)
            if records:
                position = records[-1].offset + 1
                if progress is not None:
                    progress(RestoreProgress(first, position, end, now - begun))
                yield records
            if ended:
                return

    def _sort_out(self, messages: list[Any]) -> tuple[list[ChangelogRecord], bool]:
        records: list[ChangelogRecord] = []
        ended = False
        for message in messages:
            error = message.error()
            if error is None:
                records.append(ChangelogRecord(message.offset(), message.key(), message.value()))
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                ended = True
            else:
                raise self._error(str(error))
        return records, ended

    def _error(self, detail: str) -> BrokerError:
        message = f"cannot read {self._topic}-{self._partition}"
        return BrokerError(message, detail=detail, hint="is Kafka reachable?")

    def close(self) -> None:
        """Close the consumer."""
        self._consumer.close()
