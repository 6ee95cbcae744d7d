"""The events that a topic has already, in one order over all partitions.

Each partition is read in the order of its offsets; between partitions the record with the least
timestamp comes first, of equal timestamps that of the lower partition. So the order is that of
timestamp, partition, offset wherever timestamps grow with the offsets, and it never depends on what
the network brings first.
"""

from collections import deque
from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Any, NamedTuple

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from processor.clock import monotonic_s
from processor.errors import BrokerError
from processor.limits import HISTORY_RECORDS_MAX
from processor.settings import Settings

log = structlog.get_logger(__name__)

_POLL_RECORDS = 500
_POLL_S = 0.1
_CALL_S = 30.0
# Nothing from Kafka for this long while records are missing is an error.
_STALL_S = 60.0


class PastEvent(NamedTuple):
    """A record of the source."""

    timestamp_ms: int
    partition: int
    offset: int
    value: bytes | None


class EventHistory:
    """The committed records of the enriched topic from a time to its end as it is now.

    Joins no group and commits nothing. `total` is how many records there can be.

    Args:
        settings: Kafka, and the topic.
        partitions: how many the topic has.
        start_ms: record timestamp; each partition begins with its first record not before it.

    Raises:
        BrokerError: Kafka does not answer.
    """

    def __init__(self, settings: Settings, partitions: int, start_ms: int) -> None:
        self._topic = settings.enriched_topic
        self._consumer = Consumer(
            {
                **settings.kafka_client,
                "group.id": "unused-no-group-is-joined",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 50,
                "fetch.queue.backoff.ms": 50,
            }
        )
        self._ends: dict[int, int] = {}
        self.total = 0
        try:
            wanted = self._begin(partitions, start_ms)
        except KafkaException as error:
            self._consumer.close()
            raise self._error(str(error)) from error
        self._waiting: dict[int, deque[PastEvent]] = {one.partition: deque() for one in wanted}
        self._paused: set[int] = set()
        if wanted:
            self._consumer.assign(wanted)

    def __iter__(self) -> Iterator[PastEvent]:
        """Yield the records, once.

        Raises:
            BrokerError: they cannot be read.
        """
        heads: list[tuple[int, int]] = []
        missing = set(self._ends)
        while True:
            while missing:
                self._fill(missing, heads)
            if not heads:
                return
            _, partition = heappop(heads)
            queue = self._waiting[partition]
            yield queue.popleft()
            if queue:
                heappush(heads, (queue[0].timestamp_ms, partition))
            elif partition in self._ends:
                missing.add(partition)

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close()

    def _begin(self, partitions: int, start_ms: int) -> list[TopicPartition]:
        """Return where the partitions begin that have records since then; note where they end."""
        asked = [TopicPartition(self._topic, number, start_ms) for number in range(partitions)]
        wanted = []
        for start in self._consumer.offsets_for_times(asked, timeout=_CALL_S):
            _, end = self._consumer.get_watermark_offsets(start, timeout=_CALL_S)
            if 0 <= start.offset < end:  # negative: no record is that young
                wanted.append(start)
                self._ends[start.partition] = end
                self.total += end - start.offset
        return wanted

    def _fill(self, missing: set[int], heads: list[tuple[int, int]]) -> None:
        """Read until no partition is missing of which there is more."""
        self._resume(missing)
        begun = monotonic_s()
        while missing:
            messages = self._consumer.consume(_POLL_RECORDS, _POLL_S)
            if messages:
                begun = monotonic_s()
            elif monotonic_s() - begun > _STALL_S:
                detail = f"no answer for {_STALL_S:.0f} s"
                raise self._error(detail)
            for message in messages:
                self._sort_in(message)
            for partition in list(missing):
                queue = self._waiting[partition]
                if queue:
                    heappush(heads, (queue[0].timestamp_ms, partition))
                if queue or partition not in self._ends:
                    missing.discard(partition)
        self._pause()

    def _sort_in(self, message: Any) -> None:  # confluent's message
        error, partition = message.error(), message.partition()
        if error is None:
            end = self._ends.get(partition)
            if end is None:
                return  # came after the end that was seen first
            offset = message.offset()
            if offset < end:
                _, timestamp_ms = message.timestamp()
                event = PastEvent(timestamp_ms, partition, offset, message.value())
                self._waiting[partition].append(event)
            if offset >= end - 1:
                del self._ends[partition]
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
            self._ends.pop(partition, None)
        elif error.fatal():
            raise self._error(str(error))
        else:
            log.warning("enriched_topic", error=str(error))

    def _pause(self) -> None:
        """Hold back partitions that are ahead of the others, and those that were read."""
        ahead = {
            partition
            for partition, queue in self._waiting.items()
            if len(queue) >= HISTORY_RECORDS_MAX or partition not in self._ends
        } - self._paused
        if ahead:
            self._consumer.pause([TopicPartition(self._topic, one) for one in ahead])
            self._paused |= ahead

    def _resume(self, missing: set[int]) -> None:
        held = missing & self._paused
        if held:
            self._consumer.resume([TopicPartition(self._topic, one) for one in held])
            self._paused -= held

    def _error(self, detail: str) -> BrokerError:
        message = f"cannot read {self._topic!r}"
        return BrokerError(message, detail=detail, hint="is Kafka reachable?")
