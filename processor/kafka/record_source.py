"""One consumer of librdkafka that fetches partitions which somebody else assigns; no group.

Invariants:
- `take` returns nothing of an assignment that has ended: librdkafka drops what it had fetched for a
  partition when the partition is unassigned, and so does this class.
- While a thread waits in `arrival`, no other method may use the consumer but `known_end` and
  `close`. Callers hold a lock around `arrival`, and first await `settled` where a wait may have
  been cancelled: its thread still waits, and what it receives is kept for the next `take`.

Used in the thread of the event loop.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from processor.kafka.cluster import WITHOUT_GROUP, Partition

_KILOBYTE = 1024
# How long a fetch may wait at the broker: a partition that is assigned in the meantime is fetched
# after it. Each wait costs an idle worker a request.
_BROKER_WAIT_MS = 100
# Between two looks of librdkafka whether there is room for another fetch.
_ROOM_LOOK_MS = 5
# One fetch returns at most this much of a partition, or one larger batch.
_PARTITION_FETCH_BYTES = 1024 * 1024
# librdkafka stops fetching at this many records, even if they have few bytes.
_QUEUE_RECORDS = 20_000
# The largest that librdkafka accepts: a larger batch would be fetched for ever.
_RESPONSE_BYTES_MAX = 2_147_483_647
# A wait in a thread ends after this time, so that a seek can have its turn.
_ARRIVAL_S = 0.1
# librdkafka leaves groups after this time without a poll; this consumer is in none.
_POLL_PAUSE_MAX_MS = 86_400_000


class RecordSource:
    """Fetches the partitions that are assigned to it.

    Args:
        client: librdkafka properties of the connection.
        name: the client's name for the broker.
        queue_bytes: at most about this much is fetched ahead, and one fetch more.
    """

    def __init__(self, client: Mapping[str, Any], name: str, queue_bytes: int) -> None:
        self._consumer: Any = Consumer(fetch_properties(client, name, queue_bytes))
        self._thread = ThreadPoolExecutor(1, name)
        self._waiting: asyncio.Future[Any] | None = None
        self._arrived: list[Any] = []
        self._assigned: set[Partition] = set()
        self._paused: set[Partition] = set()

    def assign(self, place: Partition, offset: int) -> None:
        """Fetch a partition from an offset on, and drop what was fetched from it before."""
        self.unassign(place)
        self._consumer.incremental_assign([TopicPartition(*place, offset)])
        self._assigned.add(place)

    def unassign(self, place: Partition) -> None:
        """Fetch nothing more from a partition, and drop what was fetched."""
        assert self._waiting is None
        if place in self._assigned:
            if place in self._paused:  # librdkafka would remember it for the next assignment
                self.resume(place)
            self._assigned.remove(place)
            self._consumer.incremental_unassign([TopicPartition(*place)])
            self._arrived = [
                one for one in self._arrived if (one.topic(), one.partition()) != place
            ]

    def pause(self, place: Partition) -> None:
        """Fetch nothing more from a partition for now; what was fetched of it is dropped."""
        self._paused.add(place)
        self._consumer.pause([TopicPartition(*place)])

    def resume(self, place: Partition) -> None:
        """Go on fetching a partition after the last record of it that `take` returned."""
        self._paused.remove(place)
        self._consumer.resume([TopicPartition(*place)])

    def take(self, count: int) -> list[Any]:
        """Return at most `count` messages and errors that have arrived. Does not wait."""
        assert self._waiting is None
        arrived, self._arrived = self._arrived, []
        return [*arrived, *self._consumer.consume(count - len(arrived), 0)]

    def known_end(self, place: Partition) -> int | None:
        """Return the end of a partition as the last fetch reported it; None before the first."""
        _, end = self._consumer.get_watermark_offsets(TopicPartition(*place), cached=True)
        return None if end < 0 else int(end)

    async def arrival(self) -> None:
        """Wait in a thread until something arrives, or for a moment."""
        await self.settled()
        if self._arrived:
            return
        loop = asyncio.get_running_loop()
        self._waiting = loop.run_in_executor(self._thread, self._consumer.poll, _ARRIVAL_S)
        self._waiting.add_done_callback(self._keep)
        await self.settled()

    async def settled(self) -> None:
        """Wait until no thread waits for an arrival."""
        while self._waiting is not None:
            await asyncio.shield(self._waiting)

    def _keep(self, waiting: "asyncio.Future[Any]") -> None:
        self._waiting = None
        if not waiting.cancelled() and (message := waiting.result()) is not None:
            self._arrived.append(message)

    def close(self) -> None:
        """End the connection. Blocks for a moment."""
        self._thread.shutdown()
        self._consumer.close()


def fetch_properties(client: Mapping[str, Any], name: str, queue_bytes: int) -> dict[str, Any]:
    """Return librdkafka's properties of a consumer that fetches as a worker does."""
    return {
        **client,
        "client.id": name,
        **WITHOUT_GROUP,
        "auto.offset.reset": "error",
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "check.crcs": True,
        "fetch.wait.max.ms": _BROKER_WAIT_MS,
        "fetch.queue.backoff.ms": _ROOM_LOOK_MS,
        "fetch.message.max.bytes": min(_PARTITION_FETCH_BYTES, queue_bytes),
        "fetch.max.bytes": queue_bytes,
        "receive.message.max.bytes": _RESPONSE_BYTES_MAX,
        "queued.min.messages": _QUEUE_RECORDS,
        "queued.max.messages.kbytes": queue_bytes // _KILOBYTE,
        "max.poll.interval.ms": _POLL_PAUSE_MAX_MS,
    }
