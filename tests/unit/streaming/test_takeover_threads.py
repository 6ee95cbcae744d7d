"""Takeovers block for as long as a restore takes, and that many at once; the rest goes on."""

import asyncio
import threading
from typing import Any

import pytest
from faust.types import TP

from processor.formats import NEWEST_LEVEL
from processor.limits import PARTITIONS_PER_WORKER_MAX
from processor.profile_inputs import ProfileInput
from processor.streaming.fetch.gates import Gate, ProfileGates
from processor.streaming.profile_worker import ProfileWorker
from processor.streaming.profiles import profile_partition
from processor.streaming.profiles.restore_turns import RestoreStoppedError
from tests.unit.streaming.test_stop import Failures, gates_of, made, worker

__all__ = ["worker"]

PATIENCE_S = 30.0


def pair() -> ProfileGates:
    return ProfileGates(
        {one: Gate(one.title, 0, 1, "member", NEWEST_LEVEL) for one in ProfileInput}
    )


async def test_takeovers_of_all_partitions_leave_threads_for_flushes(
    worker: tuple[ProfileWorker, Failures],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    streaming, _ = worker
    restored = threading.Event()

    def take(*_of: Any) -> str:
        assert restored.wait(PATIENCE_S)
        return "taken"

    monkeypatch.setattr(profile_partition, "take", take)
    count = PARTITIONS_PER_WORKER_MAX + 8
    partitions = [streaming.partitions.get(number) for number in range(count)]
    takeovers = [asyncio.create_task(one._take_once(pair())) for one in partitions]
    await asyncio.sleep(0.1)
    try:
        flush = asyncio.get_running_loop().run_in_executor(streaming._executor, lambda: "flushed")
        assert await asyncio.wait_for(flush, PATIENCE_S / 3) == "flushed"
    finally:
        restored.set()
    assert await asyncio.gather(*takeovers) == ["taken"] * count
    await streaming.stop()


class Restore:
    """A takeover that goes on for as long as it is wanted, or until it is let end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.stopped, self.let_end = (threading.Event() for _ in range(3))
        monkeypatch.setattr(profile_partition, "take", self._take)

    def _take(self, *arguments: Any) -> None:
        wanted = arguments[-1]
        self.begun.set()
        while wanted():
            assert not self.let_end.wait(0.01)
        self.stopped.set()
        raise RestoreStoppedError


async def begin(streaming: ProfileWorker, monkeypatch: pytest.MonkeyPatch) -> Restore:
    """Let a rebalance give a partition to the worker, which restores it for long."""
    restore = Restore(monkeypatch)
    consumer: Any = streaming._consumer
    gates = gates_of(streaming)
    consumer.gates = {TP(gate.topic, gate.partition): gate for gate in gates}
    streaming.definitions.ready.set()
    streaming.others._gone.set()
    topics: Any = streaming._topics
    topics.ids = lambda: {spec.name: "id" for spec in streaming._topics.specs}
    await made(streaming, gates)
    assert await asyncio.to_thread(restore.begun.wait, PATIENCE_S)
    return restore


async def test_a_stop_ends_a_restore(
    worker: tuple[ProfileWorker, Failures], monkeypatch: pytest.MonkeyPatch
) -> None:
    streaming, failures = worker
    restore = await begin(streaming, monkeypatch)
    try:
        await asyncio.wait_for(streaming.stop(), PATIENCE_S / 3)
    finally:
        restore.let_end.set()
    assert restore.stopped.is_set()
    assert failures == []


async def test_a_partition_that_moves_away_ends_its_restore(
    worker: tuple[ProfileWorker, Failures], monkeypatch: pytest.MonkeyPatch
) -> None:
    streaming, failures = worker
    restore = await begin(streaming, monkeypatch)
    consumer: Any = streaming._consumer
    try:
        consumer.close_gates()
        await consumer.on_gates_made([])
        released = asyncio.create_task(streaming.partitions.get(0).release())
        await asyncio.wait_for(released, PATIENCE_S / 3)
    finally:
        restore.let_end.set()
    assert restore.stopped.is_set()
    assert failures == []
    await streaming.stop()
