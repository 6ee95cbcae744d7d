"""The events that a topic already has, in one order over all partitions.

Each partition is read in the order of its offsets. Between partitions, the record with the least
timestamp comes first; if timestamps are equal, the record of the lower partition. So the order is
by timestamp, partition and offset wherever timestamps grow with the offsets. It never depends on
what the network delivers first.
"""

from collections import deque
from collections.abc import Iterator
from heapq import heappop, heappush
from typing import NamedTuple

import structlog

from processor.clock import wall_ms
from processor.errors import BrokerError, NotAuthorizedError
from processor.kafka.reader import Reader
from processor.kafka.record import FetchedRecord
from processor.limits import HISTORY_RECORDS_MAX
from processor.settings import Settings
from processor.streaming.messages.arrival import arrival_ms, first_arrival_ms

log = structlog.get_logger(__name__)


class PastEvent(NamedTuple):
    """A record of the source, with its timestamp and its arrival."""

    timestamp_ms: int
    partition: int
    offset: int
    value: bytes | None
    arrival_ms: int


class EventHistory:
    """The committed records of the enriched topic from a time up to its current end.

    Joins no group and commits nothing. `total` is the greatest possible number of records.

    Args:
        settings: Kafka, and the topic.
        partitions: how many the topic has.
        start_ms: record timestamp; each partition begins with its first record at or after it.

    Raises:
        BrokerError: Kafka does not answer; NotAuthorizedError if a right is missing.
    """

    def __init__(self, settings: Settings, partitions: int, start_ms: int) -> None:
        self._reader = Reader(settings.kafka_client, settings.enriched_topic, on_error=_take)
        self._now_ms = wall_ms()
        try:
            found = self._reader.offsets_at(range(partitions), start_ms)
            self._reader.begin({one: at for one, at in found.items() if at is not None})
        except BrokerError:
            self._reader.close()
            raise
        wanted = sorted(self._reader.behind)
        self.total = sum(self._reader.ends[one] - self._reader.positions[one] for one in wanted)
        self._waiting: dict[int, deque[PastEvent]] = {one: deque() for one in wanted}
        self._paused: set[int] = set()

    def __iter__(self) -> Iterator[PastEvent]:
        """Yield the records, once.

        Raises:
            BrokerError: they cannot be read.
        """
        heads: list[tuple[int, int]] = []
        missing = set(self._waiting)
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
            elif partition in self._reader.behind:
                missing.add(partition)

    def close(self) -> None:
        """Close the connection."""
        self._reader.close()

    def _fill(self, missing: set[int], heads: list[tuple[int, int]]) -> None:
        """Read until each partition that has more records has a next one here."""
        self._resume(missing)
        while missing:
            for record in self._reader.collect():
                self._waiting[record.partition].append(self._event(record))
            self._pause()
            for partition in list(missing):
                queue = self._waiting[partition]
                if queue:
                    heappush(heads, (queue[0].timestamp_ms, partition))
                if queue or partition not in self._reader.behind:
                    missing.discard(partition)

    def _event(self, record: FetchedRecord) -> PastEvent:
        arrived_ms = arrival_ms(record.timestamp, record.timestamp_type, self._now_ms)
        return PastEvent(
            record.timestamp, record.partition, record.offset, record.value,
            first_arrival_ms(arrived_ms, record.headers),
        )  # fmt: skip

    def _pause(self) -> None:
        """Pause partitions that are ahead of the others, and those that were read to the end."""
        ahead = {
            partition
            for partition, queue in self._waiting.items()
            if len(queue) >= HISTORY_RECORDS_MAX or partition not in self._reader.behind
        } - self._paused
        if ahead:
            self._reader.pause(ahead)
            self._paused |= ahead

    def _resume(self, missing: set[int]) -> None:
        held = missing & self._paused
        if held:
            self._reader.resume(held)
            self._paused -= held


def _take(error: BrokerError) -> None:
    """Let the read go on after an error that may pass; a missing right does not while it runs."""
    if isinstance(error, NotAuthorizedError):
        raise error
    log.warning("enriched_topic", error=str(error))
