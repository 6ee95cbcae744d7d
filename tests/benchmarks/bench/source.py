"""The topic that a run reads: all events, of which the larger part shows when it is time.

The events after the warm-up are written in one transaction before the run. It is committed when the
system has done the warm-up, so that all of them are there at once, nothing is written while the
system is measured, and no system can have begun with them. So systems must read committed records
only.
"""

import os
import uuid

from confluent_kafka.admin import AdminClient

from tests.benchmarks.bench.feed import TIMEOUT_S, Feed, Writer, create_topic

# Kafka's own maximum: no warm-up may take longer.
TRANSACTION_MS = 900_000
POLL_EVERY = 1_000


class Source:
    """A topic of its own for one run, with all events of the feed."""

    def __init__(self, servers: str, feed: Feed) -> None:
        self.topic = f"source-{uuid.uuid4().hex[:8]}"
        self._servers = servers
        self._feed = feed
        self._writer: Writer | None = None

    def write(self) -> None:
        """Write the events; those after the warm-up do not show before `release`."""
        create_topic(self._servers, self.topic, self._feed.partitions)
        writer = Writer(self._servers, self.topic, TRANSACTION_MS)
        for number, (value, partition) in enumerate(self._feed.values()):
            if number == self._feed.warm_up:
                writer.commit(more=True)
            writer.put(value, partition)
            if number % POLL_EVERY == 0:
                writer.poll()
        writer.flush()
        self._writer = writer
        os.sync()  # or the system would share the disk with what was written here

    def release(self) -> None:
        """Let the events after the warm-up show."""
        if self._writer is not None:
            self._writer.commit(more=False)

    def delete(self) -> None:
        """End the transaction if it was not committed, and delete the topic."""
        if self._writer is not None:
            self._writer.abort()
        admin = AdminClient({"bootstrap.servers": self._servers, "log_level": 0})
        admin.delete_topics([self.topic])[self.topic].exception(TIMEOUT_S)
