"""One partition read from an offset to its end: a changelog, definitions, frames.

Code that needs this end to be final must have fenced the writer before it reads
(processor/streaming/profiles/takeover.py): then nothing can be added after this end.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from processor.kafka.reader import Fetching, Reader
from processor.kafka.record import FetchedRecord
from processor.limits import RESTORE_FETCH_BYTES, RESTORE_QUEUE_BYTES

# Records requested at once: other threads wait a millisecond while objects are made of them.
_BATCH_RECORDS = 1_000
# The end of the partition is reported as a separate event; this bounds one wait for any event.
_WAIT_S = 0.05
_FETCHING = Fetching(
    wait_ms=20, pause_ms=20, fetch_bytes=RESTORE_FETCH_BYTES, queue_bytes=RESTORE_QUEUE_BYTES
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a read is. Offsets, not records: a compacted topic has gaps."""

    start: int
    position: int
    end: int


class PartitionReader:
    """Reads one partition with its own connection. Blocks.

    Args:
        client: librdkafka properties of the connection.
        topic: the topic to read.
        partition: the number of its partition.

    Raises (all methods):
        BrokerError: the broker reports an error, or does not answer for a minute;
            NotAuthorizedError if a right is missing.
    """

    def __init__(self, client: Mapping[str, Any], topic: str, partition: int) -> None:
        self._partition = partition
        self._reader = Reader(client, topic, _FETCHING)

    def bounds(self) -> tuple[int, int]:
        """Return the broker's current (first offset, end offset) of the partition."""
        return self._reader.bounds(self._partition)

    def read(
        self, start: int | None, progress: Callable[[Progress], None] | None = None
    ) -> Iterator[list[FetchedRecord]]:
        """Yield batches of committed records from offset `start` (None: the first) to the end.

        The end is the one that the broker returns at the start.
        """
        reader, partition = self._reader, self._partition
        reader.begin({partition: start})
        first, end = reader.positions[partition], reader.ends[partition]
        for batch in reader.to_end(_BATCH_RECORDS, _WAIT_S):
            if progress is not None:
                progress(Progress(first, reader.positions[partition], end))
            yield batch

    def close(self) -> None:
        """Close the connection."""
        self._reader.close()
