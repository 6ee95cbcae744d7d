"""What waits for a broker in the client's thread holds up no other partition."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError
from aiokafka.structs import TopicPartition
from faust.types import TP
from mode.threads import QueueServiceThread

from processor.errors import MissingRecordsError
from processor.formats import NEWEST_LEVEL
from processor.streaming.fetch.gates import Gate
from processor.streaming.fetch.group_member import GroupMember
from processor.streaming.fetch.missing_records import OutOfRange
from processor.streaming.fetch.transport import Consumer

PATIENCE_S = 10.0


class Client:
    """aiokafka's consumer, of which the partition 0 has no leader until there is an answer."""

    def __init__(self) -> None:
        self.asked = 0
        self.leader = asyncio.Event()
        self.error: Exception | None = None
        self.first = 10

    async def end_offsets(self, of: list[TopicPartition]) -> dict[TopicPartition, int]:
        self.asked += 1
        if of[0].partition == 0:
            await self.leader.wait()
            if self.error is not None:
                raise self.error
        return dict.fromkeys(of, 20)

    async def beginning_offsets(self, of: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(of, self.first)


class Thread(QueueServiceThread):
    """The thread of a client, in the loop of the test."""

    abstract = False

    def __init__(self, client: Client) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(loop=loop, thread_loop=loop)
        self._ensure_consumer = lambda: client


class Fetch:
    """Notes which partitions are fetched."""

    def __init__(self) -> None:
        self.opened: list[tuple[int, int]] = []
        self.again_: list[int] = []

    async def open(self, gate: Gate, offset: int) -> bool:
        self.opened.append((gate.partition, offset))
        return True

    async def again(self, gate: Gate) -> None:
        self.again_.append(gate.partition)


class Group(Consumer):
    """A consumer without a group."""

    def __init__(self, thread: Thread, fetch: Any) -> None:
        self._thread = thread  # type: ignore[assignment]  # as much of it as is needed
        self._out_of_range = OutOfRange()
        self._asking = {}
        self._fetch = fetch
        self.heartbeat_at = float("inf")
        self.faults: list[tuple[Gate, Exception]] = []
        self.on_fault = lambda *fault: self.faults.append(fault)


@pytest.fixture
async def client() -> Client:
    return Client()


@pytest.fixture
def fetch() -> Fetch:
    return Fetch()


@pytest.fixture
async def consumer(client: Client, fetch: Fetch) -> AsyncIterator[Group]:
    thread = Thread(client)
    await thread.method_queue.start()
    yield Group(thread, fetch)
    client.leader.set()
    await thread.method_queue.stop()


def gate(number: int) -> Gate:
    return Gate("source", number, 1, "m", NEWEST_LEVEL)


async def test_who_waits_for_a_leader_holds_up_no_other_partition(
    client: Client, consumer: Group, fetch: Fetch
) -> None:
    waiting = [asyncio.create_task(consumer.bounds(gate(0))) for _ in range(4)]
    waiting.append(asyncio.create_task(consumer.open_gate(gate(0), None)))
    while client.asked < len(waiting):
        await asyncio.sleep(0)
    sound = gate(1)
    assert await asyncio.wait_for(consumer.open_gate(sound, None), PATIENCE_S) == 10
    assert fetch.opened == [(1, 10)]
    for one in waiting:
        one.cancel()
    await asyncio.wait(waiting, timeout=PATIENCE_S)


async def until(true: Any) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():
            await asyncio.sleep(0.005)


@pytest.fixture
async def lost(consumer: Group) -> AsyncIterator[Gate]:
    """A gate of partition 0 at offset 5, which a fetch did not find."""
    made = gate(0)
    made.opens_at(5)
    consumer._out_of_range.note(made)
    confirming = asyncio.create_task(consumer._confirm_forever())
    yield made
    confirming.cancel()


async def test_a_record_is_missing_once_the_partition_has_told_what_it_holds(
    client: Client, consumer: Group, lost: Gate
) -> None:
    await until(lambda: client.asked)
    assert consumer.faults == []
    client.leader.set()
    await until(lambda: consumer.faults)
    ((gate_, error),) = consumer.faults
    assert gate_ is lost
    assert isinstance(error, MissingRecordsError)


@pytest.mark.parametrize("how", ["no answer", "it is there"])
async def test_it_is_fetched_again_if_that_is_not_known_or_if_it_is_there(
    client: Client, consumer: Group, fetch: Fetch, lost: Gate, how: str
) -> None:
    if how == "no answer":
        client.error = KafkaTimeoutError()
    else:
        client.first = lost.next_offset
    client.leader.set()
    await until(lambda: fetch.again_ == [0])
    assert consumer.faults == []
    assert consumer._asking == {}


async def test_nothing_is_told_of_a_partition_that_the_group_does_not_confirm(
    client: Client, consumer: Group, lost: Gate
) -> None:
    """A worker that was frozen finds what others have since read and removed."""
    consumer.heartbeat_at = 0.0
    await asyncio.sleep(0.3)
    assert client.asked == 0
    lost.alive = False  # the rebalance follows
    consumer.heartbeat_at = float("inf")
    await asyncio.sleep(0.3)
    assert client.asked == 0
    assert consumer.faults == []


@pytest.mark.parametrize("stops", [True, False])
async def test_a_fetcher_that_a_stop_cancels_has_not_crashed(consumer: Group, stops: bool) -> None:
    """Faust would log it as an error, if the group rebalances at that moment."""

    async def forever() -> None:
        await asyncio.Event().wait()

    consumer.app = SimpleNamespace(should_stop=stops)  # type: ignore[assignment]  # as much as is needed
    consumer._fetch_until_stopped = forever  # type: ignore[method-assign]  # nothing to fetch
    fetching = asyncio.create_task(consumer._drain_messages(None))
    await asyncio.sleep(0)
    fetching.cancel()
    await asyncio.wait([fetching])
    assert fetching.cancelled() is not stops


async def test_gates_are_made_for_topics_of_the_own_stage_alone(
    consumer: Group, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker of an older version that leads the group assigns its own topics, too."""

    async def nothing(*_: Any) -> None:
        pass

    monkeypatch.setattr(GroupMember, "on_partitions_assigned", nothing)
    assignor = SimpleNamespace(
        joins_again=lambda: False, note_level=lambda _: None, format_level=NEWEST_LEVEL
    )
    consumer.app = SimpleNamespace(assignor=assignor)  # type: ignore[assignment]  # as much as is needed
    group: Any = consumer
    group._coordinator = lambda: SimpleNamespace(member_id="m", watched=True)
    group._topics, group.gates, group.on_gates_made = {"source"}, {}, None
    group.other_level = NEWEST_LEVEL
    group._fetch = SimpleNamespace(space=asyncio.Event())
    await consumer.on_partitions_assigned({TP("source", 0), TP("contributions", 0)}, 1)
    assert [*consumer.gates] == [TP("source", 0)]
