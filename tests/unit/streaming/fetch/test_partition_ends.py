"""The end of a partition, with the time at which its leader was asked."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from aiokafka.structs import TopicPartition

from processor.streaming.fetch import partition_ends
from processor.streaming.fetch.partition_ends import PartitionEnd, ask_ends

LEADERS = {0: 1, 1: 2, 2: None, 3: -1, 4: 1}
PARTITIONS = [TopicPartition("enriched", number) for number in LEADERS]
NOT_LEADER = 6
UNCOMMITTED = 0


class Client:
    """aiokafka's connections; the clock goes on while an answer is on its way."""

    def __init__(self) -> None:
        self.now_ms = 10_000
        self.errors: dict[int, int] = {}
        self.unreachable: set[int] = set()
        self.silent: set[int] = set()
        self.refreshed = 0
        self.cluster = SimpleNamespace(leader_for_partition=lambda tp: LEADERS[tp.partition])

    async def send(self, node: int, request: Any) -> Any:
        self.now_ms += 500
        if node in self.silent:
            await asyncio.Event().wait()
        if node in self.unreachable:
            raise KafkaConnectionError
        assert request._isolation_level == UNCOMMITTED, "what is held back counts, too"
        ((topic, asked),) = request._topics
        answers = [(one, self.errors.get(one, 0), -1, 100 + one) for one, _ in asked]
        return SimpleNamespace(topics=[(topic, answers)])

    def force_metadata_update(self) -> None:
        self.refreshed += 1


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    made = Client()
    monkeypatch.setattr(partition_ends, "steady_ms", lambda: made.now_ms)
    return made


async def test_an_end_is_of_when_its_leader_was_asked(client: Client) -> None:
    led = [PARTITIONS[0], PARTITIONS[1], PARTITIONS[4]]
    for sent_ms in (10_000, 11_000):
        assert client.now_ms == sent_ms
        found = await ask_ends(client, led)
        assert found == {tp: PartitionEnd(100 + tp.partition, sent_ms) for tp in led}
    assert client.refreshed == 0


async def test_a_partition_without_a_leader_is_looked_up_and_holds_no_other_up(
    client: Client,
) -> None:
    assert set(await ask_ends(client, PARTITIONS)) == {PARTITIONS[0], PARTITIONS[1], PARTITIONS[4]}
    assert client.refreshed == 1


async def test_a_wrong_leader_and_an_unreachable_one_say_nothing(client: Client) -> None:
    client.errors = {4: NOT_LEADER}
    assert set(await ask_ends(client, PARTITIONS[:2] + PARTITIONS[4:])) == {PARTITIONS[1]}
    assert client.refreshed == 1
    client.unreachable = {2}
    assert set(await ask_ends(client, PARTITIONS[:2])) == {PARTITIONS[0]}
    assert client.refreshed == 2


async def test_a_broker_that_is_silent_holds_no_other_up(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition_ends, "_ANSWER_S", 0.05)
    client.silent = {2}
    assert set(await ask_ends(client, PARTITIONS[:2])) == {PARTITIONS[0]}
    assert client.refreshed == 1


async def test_nothing_is_asked_where_nothing_is_open(client: Client) -> None:
    assert await ask_ends(client, []) == {}
    assert client.now_ms == 10_000
