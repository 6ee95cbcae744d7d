"""Fetches the partitions of one role of a worker, and delivers their records as runs.

Each role has a consumer of its own: a backlog of the source never delays frames. One turn, in the
thread of the event loop:

 1. partitions whose gates have died are unassigned
 2. held records go to gates that have room again
 3. if any gate has room, what has arrived is taken, sorted by partition, held, and delivered

If no gate has room, nothing is taken: librdkafka stops fetching when its queue is full. Its queue
is one for all partitions, so records of a full gate that are in front are held aside. A partition
of which too much is held for a while is paused; pausing drops what was fetched of it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog
from confluent_kafka import KafkaError, KafkaException

from processor.clock import monotonic_s
from processor.errors import FetchPositionError, ProcessorError
from processor.kafka.cluster import Partition
from processor.kafka.record_source import RecordSource
from processor.kafka.rights import not_authorized
from processor.streaming.fetch.gates import Gate, Run
from processor.streaming.fetch.held_records import HeldRecords
from processor.streaming.fetch.missing_records import unreadable

log = structlog.get_logger(__name__)

_END = KafkaError._PARTITION_EOF  # noqa: SLF001 - its public name
_OUT_OF_RANGE = KafkaError._AUTO_OFFSET_RESET  # noqa: SLF001 - its public name
# What librdkafka reports of records that it cannot read: it skips them and goes on.
_UNREADABLE = frozenset(
    {
        KafkaError._BAD_MSG,  # noqa: SLF001 - its public name
        KafkaError._BAD_COMPRESSION,  # noqa: SLF001 - its public name
        KafkaError._UNDERFLOW,  # noqa: SLF001 - its public name
        KafkaError._INCONSISTENT,  # noqa: SLF001 - its public name
        KafkaError._NOT_IMPLEMENTED,  # noqa: SLF001 - its public name
        KafkaError.INVALID_MSG,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.MSG_SIZE_TOO_LARGE,
    }
)
# Between two looks while records may arrive at any moment, and how many looks that is.
_LOOK_S = 0.002
_LOOKS = 10
# So long a partition may hold the others up before it is paused. Most partitions that are full have
# room again before that, and keep what was fetched of them.
_FULL_S = 0.5
# Between two looks while no gate has room; a run that is finished ends that wait.
_ROOM_LOOK_S = 0.05


class RoleFetch:
    """Fetches what open gates of one role want. Used in the thread of the event loop.

    Args:
        source: the consumer.
        count: how many records are taken at once.
        deliver: receives each run, which is counted as in flight.
        on_lost: receives gates whose next record is not there.
        on_broken: receives gates whose records cannot be read, with the error.
    """

    def __init__(
        self,
        source: RecordSource,
        count: int,
        deliver: Callable[[Run], None],
        on_lost: Callable[[Gate], None],
        on_broken: Callable[[Gate, ProcessorError], None],
    ) -> None:
        self.space = asyncio.Event()
        self._source = source
        self._count = count
        self._deliver = deliver
        self._on_lost = on_lost
        self._on_broken = on_broken
        self._held: dict[Partition, HeldRecords] = {}
        self._one_by_one = asyncio.Lock()  # seeks, and waits in a thread
        self._quiet_looks = 0

    # --- seeks --------------------------------------------------------------------------------

    async def open(self, gate: Gate, offset: int) -> bool:
        """Open a gate at an offset and fetch from there; False if the gate has died."""
        async with self._turn():
            if not gate.alive:
                return False
            gate.opens_at(offset)
            self._assign(gate)
        return True

    async def again(self, gate: Gate) -> None:
        """Fetch from the end of the last run of an open gate."""
        async with self._turn():
            if gate.alive:
                self._assign(gate)

    async def rest(self, gate: Gate) -> None:
        """Fetch nothing from the partition of a gate, and drop what was fetched."""
        async with self._turn():
            if gate.alive:
                self._held.pop((gate.topic, gate.partition), None)
                self._source.unassign((gate.topic, gate.partition))

    def known_end(self, gate: Gate) -> int | None:
        """Return the end of a gate's partition that the last fetch reported; None before it."""
        return self._source.known_end((gate.topic, gate.partition))

    async def close(self) -> None:
        """End the connection."""
        async with self._turn():
            await asyncio.to_thread(self._source.close)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        async with self._one_by_one:
            await self._source.settled()
            yield

    def _assign(self, gate: Gate) -> None:
        place = (gate.topic, gate.partition)
        self._source.assign(place, gate.next_offset)
        self._held[place] = HeldRecords(gate)
        self._quiet_looks = 0
        self.space.set()

    # --- fetching -----------------------------------------------------------------------------

    async def follow_forever(self) -> None:
        """Fetch and deliver again and again.

        Raises:
            NotAuthorizedError: Kafka does not allow the fetch.
        """
        async with self._turn():
            pass  # a wait that was cancelled is over
        while True:
            if not self._settle():
                self.space.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.space.wait(), _ROOM_LOOK_S)
            elif self._take():
                self._quiet_looks = 0
                await asyncio.sleep(0)
            elif self._quiet_looks < _LOOKS:
                self._quiet_looks += 1
                await asyncio.sleep(_LOOK_S)
            else:
                async with self._turn():
                    await self._source.arrival()

    def _settle(self) -> bool:
        """Do steps 1 and 2; return whether to take more."""
        wanted, full = False, []
        for place, held in list(self._held.items()):
            if not held.gate.alive:
                del self._held[place]
                self._source.unassign(place)
                continue
            self._pass(held)
            if held.full:
                full.append(held)
                continue
            held.full_since_s = None
            if held.paused:
                held.paused = False
                self._source.resume(place)
            wanted = wanted or held.gate.wants_records
        return wanted and self._step_over(full)

    def _step_over(self, full: Sequence[HeldRecords]) -> bool:
        """Pause those that have been full for a while; return whether all of `full` are paused."""
        now_s = monotonic_s()
        for held in full:
            if held.full_since_s is None:
                held.full_since_s = now_s
            if not held.paused and now_s - held.full_since_s >= _FULL_S:
                held.paused = True
                self._source.pause((held.gate.topic, held.gate.partition))
        return all(held.paused for held in full)

    def _take(self) -> bool:
        """Take what has arrived and deliver it; return whether there was anything."""
        messages = self._source.take(self._count)
        topic, partition, held = None, -1, None
        some: dict[Partition, HeldRecords] = {}
        for message in messages:
            if message.partition() != partition or message.topic() != topic:
                topic, partition = message.topic(), message.partition()
                held = self._held.get((topic, partition))
                if held is not None:
                    some[topic, partition] = held
            if held is None or held.broken:
                continue
            if message.error() is not None:
                self._take_error(held, message)
                continue
            try:
                held.add(message)
            except (FetchPositionError, UnicodeDecodeError) as error:
                self._break(held, error)
        for held in some.values():
            self._pass(held)
        return bool(messages)

    def _take_error(self, held: HeldRecords, message: Any) -> None:
        error, gate = message.error(), held.gate
        code = error.code()
        if code == _END:
            held.ends_at(message.offset())
        elif code == _OUT_OF_RANGE:
            self._on_lost(gate)
        elif code in _UNREADABLE:
            self._break(held, KafkaException(error))
        elif (refused := not_authorized([error], f"read the topic {gate.topic!r}")) is not None:
            raise refused
        else:
            log.warning("fetch_failed", partition=gate.name, error=str(error))

    def _break(self, held: HeldRecords, error: Exception) -> None:
        """Deliver what was fetched before an error, and nothing after it."""
        self._pass(held)
        held.spoil()
        fault = error if isinstance(error, ProcessorError) else unreadable(held.gate, error)
        self._on_broken(held.gate, fault)

    def _pass(self, held: HeldRecords) -> None:
        for run in held.runs():
            self._deliver(run)
