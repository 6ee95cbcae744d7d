"""A second fetch path, for the contract alone: aiokafka fetches what librdkafka does in a worker.

Seeks and fetches run in aiokafka's thread, one after the other, so no run comes from before a seek.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.structs import TopicPartition
from faust.transport.drivers import aiokafka as driver

from processor.limits import RUN_RECORDS_MAX
from processor.settings import Settings
from processor.stages import Stage
from processor.streaming.fetch.gates import Gate, Run
from processor.streaming.fetch.transport import Consumer

# How long one fetch waits for records, and therefore how long a seek can wait for its turn.
_FETCH_WAIT_S = 0.02
_BROKER_WAIT_MS = 20


class AiokafkaThread(driver.AIOKafkaConsumerThread):
    """Faust's thread around aiokafka, which reads committed records."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = _BROKER_WAIT_MS
        consumer._isolation_level = "read_committed"
        return consumer


class AiokafkaConsumer(Consumer):
    """The transport's consumer with another fetch."""

    def _new_consumer_thread(self) -> Any:
        return AiokafkaThread(self, loop=self.loop, beacon=self.beacon)

    def fetch_from(self, settings: Settings, stage: Stage) -> None:
        """Make what fetches."""
        fetch: Any = AiokafkaFetch(self)
        self._fetch = fetch
        self._topics = frozenset(stage.topics(settings))


class AiokafkaFetch:
    """Fetches what open gates want; has the methods of RoleFetch."""

    def __init__(self, member: Any) -> None:
        self.space = asyncio.Event()
        self._member = member
        self._gates: dict[Any, Gate] = {}
        self._one_by_one = asyncio.Lock()  # of the thread's loop

    async def open(self, gate: Gate, offset: int) -> bool:
        opened: bool = await self._member._in_thread(self._seek(gate, offset, gate.opens_at))
        self.space.set()
        return opened

    async def again(self, gate: Gate) -> None:
        await self._member._in_thread(self._seek(gate, gate.next_offset, lambda _offset: None))

    async def rest(self, gate: Gate) -> None:
        await self._member._in_thread(self._pause(gate))

    def known_end(self, gate: Gate) -> int | None:
        """Return the end of a gate's partition as the last fetch of it told, if there was one."""
        consumer = self._member._thread._ensure_consumer()
        end: int | None = consumer.highwater(TopicPartition(gate.topic, gate.partition))
        return end

    async def close(self) -> None:
        """Do nothing: the connection is the member's."""

    async def follow_forever(self) -> None:
        while True:
            wanted = {tp: gate for tp, gate in self._gates.items() if gate.wants_records}
            self.space.clear()
            if wanted:
                for run in await self._member._in_thread(self._fetch(wanted)):
                    run.gate.in_flight += 1
                    self._member._deliver(run)
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.space.wait(), _FETCH_WAIT_S)

    async def _seek(self, gate: Gate, offset: int, then: Callable[[int], None]) -> bool:
        client, tp = self._member._client(), TopicPartition(gate.topic, gate.partition)
        async with self._one_by_one:
            if not gate.alive or tp not in client.assignment():
                return False
            client.resume(tp)
            client.seek(tp, offset)
            then(offset)
            self._gates[tp] = gate
        return True

    async def _pause(self, gate: Gate) -> None:
        client, tp = self._member._client(), TopicPartition(gate.topic, gate.partition)
        async with self._one_by_one:
            if gate.alive and tp in client.assignment():
                client.pause(tp)
                client.seek(tp, 0)  # an answer in flight is then for another offset

    async def _fetch(self, wanted: Mapping[Any, Gate]) -> list[Run]:
        client = self._member._client()
        subscriptions = client._fetcher._subscriptions
        async with self._one_by_one:
            with subscriptions.fetch_context():
                states = subscriptions.subscription.assignment
                live = {
                    tp: gate
                    for tp, gate in wanted.items()
                    if gate.alive and subscriptions.is_assigned(tp)
                }
                if not live:
                    return []
                try:
                    fetched = await client._fetcher.fetched_records(
                        live, timeout=_FETCH_WAIT_S, max_records=RUN_RECORDS_MAX
                    )
                except OffsetOutOfRangeError as error:
                    for tp, gate in live.items():
                        if error.args[0].get(tp) == gate.next_offset:
                            self._member._out_of_range.note(gate)
                            del self._gates[tp]  # until somebody seeks
                    return []
                except NoOffsetForPartitionError:
                    return []  # a partition that was assigned anew has no position yet
                if subscriptions.subscription.assignment is not states:
                    return []
                return [
                    gate.run(fetched.get(tp, []), position)
                    for tp, gate in live.items()
                    if (position := states.state_value(tp).position) != gate.next_offset
                ]
