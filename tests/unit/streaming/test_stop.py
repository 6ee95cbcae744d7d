"""A worker that stops: whatever comes meanwhile does not end it with an error."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP

from processor.formats import NEWEST_LEVEL
from processor.kafka.topics import Topics, TopicState, topic_specs
from processor.settings import Settings
from processor.stages import Stage
from processor.streaming.faust_app import build_faust
from processor.streaming.fetch.gates import Gate
from processor.streaming.profile_worker import ProfileWorker

# Nobody listens there: a stop does not need Kafka.
NOWHERE = "127.0.0.1:1"
Failures = list[BaseException]


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[tuple[ProfileWorker, Failures]]:
    settings = Settings(bootstrap_servers=NOWHERE, app_id="stopping", data_dir=tmp_path)
    states = {one.name: TopicState(one, 8, "id", ()) for one in topic_specs(settings)}
    failures: Failures = []
    consumer: Any = build_faust(settings, Stage.PROFILES).consumer
    # The end of the process is noted: it would end the tests.
    made = ProfileWorker(settings, Topics(settings), states, consumer, fatal=failures.append)
    made.start()
    await asyncio.sleep(0.1)
    yield made, failures
    await asyncio.sleep(0.1)
    consumer._thread.thread_loop.close()  # it has not been started


def gates_of(worker: ProfileWorker) -> list[Gate]:
    settings = worker.settings
    return [Gate(topic, 0, 1, "member", NEWEST_LEVEL) for topic in Stage.PROFILES.topics(settings)]


async def made(worker: ProfileWorker, gates: list[Gate]) -> None:
    """A rebalance gives partitions to the worker."""
    consumer: Any = worker._consumer
    consumer.gates = {TP(gate.topic, gate.partition): gate for gate in gates}
    await consumer.on_gates_made(gates)


async def test_a_rebalance_behind_the_stop_takes_nothing_over(
    worker: tuple[ProfileWorker, Failures],
) -> None:
    streaming, failures = worker
    await streaming.stop()
    await made(streaming, gates_of(streaming))
    await asyncio.sleep(0.2)
    assert failures == []
    assert streaming.partitions.by_number == {}


async def test_a_rebalance_during_the_stop_takes_nothing_over(
    worker: tuple[ProfileWorker, Failures],
) -> None:
    streaming, failures = worker
    stopping = asyncio.create_task(streaming.stop())
    await asyncio.sleep(0)
    await made(streaming, gates_of(streaming))
    await stopping
    await asyncio.sleep(0.2)
    assert failures == []
    assert streaming.partitions.by_number == {}


async def test_what_is_spawned_behind_the_stop_does_not_run(
    worker: tuple[ProfileWorker, Failures],
) -> None:
    streaming, failures = worker
    await streaming.stop()
    ran = []

    async def work() -> None:
        ran.append(1)

    streaming.tasks.spawn(work())
    await asyncio.sleep(0.1)
    assert (ran, failures) == ([], [])


async def test_a_stop_leaves_no_gate_open(worker: tuple[ProfileWorker, Failures]) -> None:
    streaming, _ = worker
    gates = gates_of(streaming)
    consumer: Any = streaming._consumer
    consumer.gates = {TP(gate.topic, gate.partition): gate for gate in gates}
    await streaming.stop()
    assert not any(gate.alive for gate in gates)
