"""The fetches of one role alone, without a group, and all that they deliver."""

import asyncio
from collections.abc import Callable
from typing import Any

from confluent_kafka import Producer

from processor.clock import monotonic_s
from processor.errors import ProcessorError
from processor.formats import NEWEST_LEVEL
from processor.kafka.record_source import RecordSource
from processor.limits import RUN_RECORDS_MAX
from processor.settings import Settings
from processor.streaming.fetch.gates import Gate, Run
from processor.streaming.fetch.role_fetch import RoleFetch

PATIENCE_S = 60.0
# librdkafka accepts no less.
QUEUE_BYTES = 1024 * 1024


class Role:
    """What fetches one topic, and what came of it. `finish`: a run is done as soon as it comes."""

    def __init__(self, servers: str, topic: str, count: int = RUN_RECORDS_MAX) -> None:
        self.topic = topic
        self.runs: list[Run] = []
        self.lost: list[Gate] = []
        self.broken: list[tuple[Gate, ProcessorError]] = []
        self.finish = True
        self.servers = servers
        settings = Settings(_env_file=None, bootstrap_servers=servers)
        self.source = RecordSource(settings.kafka_client, "test", QUEUE_BYTES)
        self.fetch = RoleFetch(
            self.source, count, self._take, self.lost.append,
            lambda gate, error: self.broken.append((gate, error)),
        )  # fmt: skip
        self.following: asyncio.Task[None] | None = None

    def _take(self, run: Run) -> None:
        self.runs.append(run)
        if self.finish:
            run.gate.done(run)

    def gate(self, partition: int = 0) -> Gate:
        space = self.fetch.space.set
        return Gate(self.topic, partition, 1, "member", NEWEST_LEVEL, on_space=space)

    async def opened(self, offset: int = 0, partition: int = 0) -> Gate:
        gate = self.gate(partition)
        assert await self.fetch.open(gate, offset)
        return gate

    def follow(self) -> None:
        self.following = asyncio.create_task(self.fetch.follow_forever())

    async def end(self) -> None:
        if self.following is not None:
            self.following.cancel()
            await asyncio.wait([self.following])

    async def close(self) -> None:
        await self.end()
        await self.fetch.close()

    def records(self, gate: Gate) -> list[Any]:
        return [one for run in self.runs if run.gate is gate for one in run.records]

    def offsets(self, gate: Gate) -> list[int]:
        return [one.offset for one in self.records(gate)]

    async def write(self, count: int, partition: int = 0, size: int = 10) -> None:
        producer = Producer({"bootstrap.servers": self.servers})
        for _ in range(count):
            producer.produce(self.topic, b" " * size, partition=partition)
            producer.poll(0)
        assert await asyncio.to_thread(producer.flush, PATIENCE_S) == 0
        producer.close()


async def until(true: Callable[[], bool]) -> None:
    deadline = monotonic_s() + PATIENCE_S
    while not true():
        assert monotonic_s() < deadline
        await asyncio.sleep(0.005)
