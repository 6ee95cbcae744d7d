"""What every fetch path must do, on a real Kafka: gates, runs, commits, rebalances.

A new one is added to `FETCH_PATHS` (tests/contracts/fetch_paths.py) and passes unchanged.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer, TopicPartition

from processor.clock import monotonic_s
from processor.errors import MissingRecordsError, ProcessorError
from processor.limits import RUN_RECORDS_MAX, RUNS_IN_FLIGHT_MAX
from processor.settings import Settings
from processor.streaming.fetch.gates import Gate, Run
from tests.broker.cluster import free_port
from tests.contracts.fetch_paths import FETCH_PATHS

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]

PARTITIONS = 3
PATIENCE_S = 60.0
# Longer than a fetch that is under way takes to arrive.
QUIET_S = 1.5


class Topic:
    """The topic that is read, and who writes it."""

    def __init__(self, servers: str, topics: Any) -> None:
        self.name: str = topics.create("fetched", PARTITIONS)
        self._admin = topics.admin
        self._servers = servers

    def write(self, count: int, partition: int = 0, size: int = 10) -> None:
        producer = Producer({"bootstrap.servers": self._servers})
        for number in range(count):
            producer.produce(self.name, b"%d" % number + b" " * size, partition=partition)
            producer.poll(0)
        assert producer.flush(60) == 0
        producer.close()

    def write_in_transaction(self, count: int, *, commit: bool, partition: int = 0) -> None:
        name = f"{self.name}-writer"
        producer = Producer({"bootstrap.servers": self._servers, "transactional.id": name})
        producer.init_transactions(30)
        producer.begin_transaction()
        for number in range(count):
            producer.produce(self.name, b"%d" % number, partition=partition)
        producer.flush(30)
        (producer.commit_transaction if commit else producer.abort_transaction)(30)
        producer.close()

    def remove_before(self, offset: int, partition: int = 0) -> None:
        where = TopicPartition(self.name, partition, offset)
        self._admin.delete_records([where])[where].result(30)


class Member:
    """A member of the group, and all that it was given."""

    def __init__(self, kind: str, settings: Settings, topic: str) -> None:
        self.runs: dict[Gate, list[Run]] = {}
        self.faults: dict[Gate, ProcessorError] = {}
        self.fatal: list[BaseException] = []
        self.generations: list[list[Gate]] = []
        self.log: list[str] = []
        self.finish = True  # whether a run is done as soon as it comes
        self.path = FETCH_PATHS[kind](settings, topic, self._take)
        self.consumer = self.path.consumer
        self.consumer.on_gates_closed = self._closed
        self.consumer.on_gates_made = self._made
        self.consumer.on_fault = self._fault
        self.consumer.on_fatal = self.fatal.append

    def _take(self, run: Run) -> None:
        self.runs.setdefault(run.gate, []).append(run)
        if self.finish:
            run.gate.done(run)

    async def _closed(self) -> None:
        alive = [gate for gates in self.generations for gate in gates if gate.alive]
        self.log.append(f"closed, {len(alive)} alive")

    async def _made(self, gates: list[Gate]) -> None:
        self.log.append("made")
        self.generations.append(gates)

    def _fault(self, gate: Gate, error: ProcessorError) -> None:
        self.faults[gate] = error
        gate.alive = False

    async def gates(self, count: int = PARTITIONS) -> dict[int, Gate]:
        """Wait until this member has so many partitions; return the gates by partition."""
        await until(lambda: len(self.consumer.gates) == count and self.consumer.joined)
        return {gate.partition: gate for gate in self.consumer.gates.values()}

    async def read(self, gate: Gate, end: int) -> list[int]:
        """Wait until the runs of a gate go up to `end`; return the offsets of the records."""
        await until(lambda: self.end(gate) >= end)
        return self.offsets(gate)

    def end(self, gate: Gate) -> int:
        found = self.runs.get(gate, [])
        return found[-1].end if found else -1

    def offsets(self, gate: Gate) -> list[int]:
        return [record.offset for run in self.runs.get(gate, []) for record in run.records]


async def until(true: Callable[[], bool]) -> None:
    deadline = monotonic_s() + PATIENCE_S
    while not true():
        assert monotonic_s() < deadline
        await asyncio.sleep(0.02)


Join = Callable[[], Awaitable[Member]]


@pytest.fixture
def topic(bootstrap_servers: str, topics: Any) -> Topic:
    return Topic(bootstrap_servers, topics)


@pytest.fixture(params=sorted(FETCH_PATHS))
async def join(
    request: pytest.FixtureRequest, topic: Topic, bootstrap_servers: str, app_id: str,
    tmp_path: Path,
) -> AsyncIterator[Join]:  # fmt: skip
    """Adds a member to the group."""
    async with AsyncExitStack() as stack:

        async def joined() -> Member:
            port = free_port()
            settings = Settings(
                _env_file=None, bootstrap_servers=bootstrap_servers, app_id=app_id,
                http=f"127.0.0.1:{port}", data_dir=tmp_path / str(port), session_timeout_ms=6_000,
            )  # fmt: skip
            member = Member(request.param, settings, topic.name)
            await member.path.start()
            stack.push_async_callback(member.path.stop)
            return member

        yield joined


@pytest.fixture
async def member(join: Join) -> Member:
    found = await join()
    await found.gates()
    return found


# --- gates and runs -------------------------------------------------------------------------------


async def test_nothing_comes_of_a_partition_before_its_gate_is_opened(
    member: Member, topic: Topic
) -> None:
    topic.write(10)
    topic.write(10, partition=1)
    gates = await member.gates()
    await asyncio.sleep(QUIET_S)
    assert member.runs == {}
    assert await member.consumer.open_gate(gates[0], 4) == 4
    assert await member.read(gates[0], 10) == list(range(4, 10))
    await asyncio.sleep(QUIET_S)
    assert list(member.runs) == [gates[0]]


async def test_a_gate_can_open_at_the_first_record_that_there_is(
    member: Member, topic: Topic
) -> None:
    topic.write(10)
    topic.remove_before(6)
    gate = (await member.gates())[0]
    assert await member.consumer.bounds(gate) == (6, 10)
    assert await member.consumer.open_gate(gate, None) == 6
    assert await member.read(gate, 10) == [6, 7, 8, 9]


async def test_the_runs_of_a_partition_follow_each_other(member: Member, topic: Topic) -> None:
    count = 3 * RUN_RECORDS_MAX
    topic.write(count)
    gate = (await member.gates())[0]
    await member.consumer.open_gate(gate, 0)
    assert await member.read(gate, count) == list(range(count))
    runs = member.runs[gate]
    assert [run.start for run in runs[1:]] == [run.end for run in runs[:-1]]
    assert runs[0].start == 0
    assert all(len(run.records) <= RUN_RECORDS_MAX for run in runs)
    topic.write(5)
    assert await member.read(gate, count + 5) == list(range(count + 5))


async def test_a_record_has_what_the_stages_read(member: Member, topic: Topic) -> None:
    topic.write(1)
    gate = (await member.gates())[0]
    await member.consumer.open_gate(gate, 0)
    await member.read(gate, 1)
    record = member.runs[gate][0].records[0]
    assert (record.topic, record.partition, record.offset) == (topic.name, 0, 0)
    assert (record.key, (record.value or b"").strip()) == (None, b"0")
    assert (record.timestamp or 0) > 1_700_000_000_000
    assert record.timestamp_type == 0
    assert list(record.headers) == []


async def test_runs_go_on_behind_the_markers_of_transactions(member: Member, topic: Topic) -> None:
    topic.write_in_transaction(3, commit=True)
    topic.write_in_transaction(4, commit=False)
    topic.write_in_transaction(2, commit=True)
    gate = (await member.gates())[0]
    await member.consumer.open_gate(gate, 0)
    assert await member.read(gate, 12) == [0, 1, 2, 9, 10]
    assert gate.next_offset == 12


async def test_the_end_of_a_partition_is_noted_with_a_time_before_it_was_so(
    member: Member, topic: Topic
) -> None:
    topic.write(3)
    gate = (await member.gates())[0]
    await member.consumer.open_gate(gate, 0)
    await member.read(gate, 3)
    await until(lambda: gate.end is not None and gate.end.offset == 3)
    assert gate.end is not None
    before = gate.end.sent_ms
    await until(lambda: gate.end is not None and gate.end.sent_ms > before)
    assert member.consumer.end_offset(gate) == 3


# --- records that are not there -------------------------------------------------------------------


@pytest.mark.parametrize("offset", [2, 20])
async def test_an_offset_that_is_not_there_closes_its_partition_alone(
    member: Member, topic: Topic, offset: int
) -> None:
    topic.write(10)
    topic.write(10, partition=1)
    topic.remove_before(5)
    gates = await member.gates()
    await member.consumer.open_gate(gates[0], offset)
    await member.consumer.open_gate(gates[1], 0)
    await until(lambda: gates[0] in member.faults)
    error = member.faults[gates[0]]
    assert isinstance(error, MissingRecordsError)
    assert f"offset {offset} of {topic.name}-0" in error.message
    assert await member.read(gates[1], 10) == list(range(10))
    assert gates[0] not in member.runs
    assert not member.fatal


async def test_a_partition_that_was_closed_opens_again_where_it_is_told(
    member: Member, topic: Topic
) -> None:
    topic.write(10)
    topic.remove_before(5)
    gate = (await member.gates())[0]
    await member.consumer.open_gate(gate, 2)
    await until(lambda: gate in member.faults)
    fresh = member.consumer.renew_gate(gate)
    assert fresh is not None
    await member.consumer.rest(fresh)
    topic.write(5)
    await asyncio.sleep(QUIET_S)
    assert not member.runs
    await member.consumer.open_gate(fresh, 7)
    assert await member.read(fresh, 15) == list(range(7, 15))


# --- seeks and back-pressure ----------------------------------------------------------------------


async def test_what_was_fetched_before_a_seek_does_not_come_after_it(
    member: Member, topic: Topic
) -> None:
    count = 6 * RUN_RECORDS_MAX
    topic.write(count)
    gate = (await member.gates())[0]
    member.finish = False
    await member.consumer.open_gate(gate, 0)
    await until(lambda: len(member.runs.get(gate, [])) == RUNS_IN_FLIGHT_MAX)
    fresh = member.consumer.renew_gate(gate)
    assert fresh is not None
    assert not gate.alive
    member.finish = True
    begin = count - 10
    assert await member.consumer.open_gate(fresh, begin) == begin
    assert await member.read(fresh, count) == list(range(begin, count))
    assert len(member.runs[gate]) == RUNS_IN_FLIGHT_MAX
    again = member.consumer.renew_gate(fresh)
    assert again is not None
    await member.consumer.open_gate(again, 5)
    assert await member.read(again, count) == list(range(5, count))


async def test_a_partition_waits_for_its_runs_and_holds_no_other_up(
    member: Member, topic: Topic
) -> None:
    topic.write(4 * RUN_RECORDS_MAX)
    topic.write(10, partition=1)
    gates = await member.gates()
    member.finish = False
    await member.consumer.open_gate(gates[0], 0)
    await until(lambda: len(member.runs.get(gates[0], [])) == RUNS_IN_FLIGHT_MAX)
    await member.consumer.open_gate(gates[1], 0)
    assert await member.read(gates[1], 10) == list(range(10))
    await asyncio.sleep(QUIET_S)
    assert len(member.runs[gates[0]]) == RUNS_IN_FLIGHT_MAX
    for more in (1, 2):
        gates[0].done(member.runs[gates[0]][more - 1])
        wanted = RUNS_IN_FLIGHT_MAX + more
        await until(lambda wanted=wanted: len(member.runs[gates[0]]) == wanted)
    offsets = member.offsets(gates[0])
    assert offsets == list(range(len(offsets)))


# --- commits --------------------------------------------------------------------------------------


async def test_a_commit_is_read_back_with_its_metadata(member: Member, topic: Topic) -> None:
    gates = await member.gates()
    consumer = member.consumer
    assert await consumer.committed(gates[0]) is None
    assert await consumer.commit_offset(gates[0], 7, "known")
    assert await consumer.commit_offset(gates[1], 0)
    found = await consumer.committed(gates[0])
    assert found is not None
    assert (found.offset, found.metadata) == (7, "known")
    stored = await consumer.committed_of(topic.name, range(PARTITIONS))
    assert {number: one.offset for number, one in stored.items()} == {0: 7, 1: 0}


async def test_nothing_is_committed_but_what_is_asked_for(member: Member, topic: Topic) -> None:
    topic.write(10)
    gate = (await member.gates())[0]
    await member.consumer.open_gate(gate, 0)
    await member.read(gate, 10)
    await asyncio.sleep(QUIET_S)
    assert await member.consumer.committed(gate) is None


async def test_a_dead_gate_opens_nothing_and_commits_nothing(member: Member, topic: Topic) -> None:
    gate = (await member.gates())[0]
    member.consumer.close_gates()
    assert member.consumer.gates == {}
    assert await member.consumer.open_gate(gate, 0) == -1
    assert not await member.consumer.commit_offset(gate, 1)
    assert member.consumer.renew_gate(gate) is None


# --- the group ------------------------------------------------------------------------------------


async def test_a_rebalance_closes_every_gate_before_new_ones_are_made(
    join: Join, member: Member, topic: Topic
) -> None:
    for partition in range(PARTITIONS):
        topic.write(10, partition)
    old = await member.gates()
    for gate in old.values():
        await member.consumer.open_gate(gate, 0)
        await member.read(gate, 10)
    second = await join()
    await until(lambda: bool(second.consumer.gates) and not any(g.alive for g in old.values()))
    await until(lambda: len(member.consumer.gates) + len(second.consumer.gates) == PARTITIONS)
    assert all(before.startswith("closed, 0 alive") for before in member.log[0::2])
    assert set(member.log[1::2]) == {"made"}
    new = [*member.consumer.gates.values(), *second.consumer.gates.values()]
    assert sorted(gate.partition for gate in new) == list(range(PARTITIONS))
    assert min(gate.generation for gate in new) > max(gate.generation for gate in old.values())
    assert not any(gate.opened for gate in new)
    assert not await member.consumer.commit_offset(old[0], 3)
    topic.write(10, 0)
    await asyncio.sleep(QUIET_S)
    assert all(member.end(gate) == 10 for gate in old.values()), "nothing comes to a dead gate"
    assert not second.runs


async def test_a_late_commit_of_an_older_generation_is_refused(
    join: Join, member: Member, topic: Topic
) -> None:
    old = (await member.gates())[0]
    second = await join()
    await until(lambda: bool(second.consumer.gates) and not old.alive)
    old.alive = True  # as a worker sees it that was frozen
    assert not await member.consumer.commit_offset(old, 9)
    owner = member if (topic.name, 0) in member.consumer.gates else second
    assert await owner.consumer.committed(owner.consumer.gates[topic.name, 0]) is None


async def test_a_member_asks_for_a_rebalance(member: Member, topic: Topic) -> None:
    before = (await member.gates())[0]
    await member.consumer.join_again()
    await until(lambda: not before.alive and len(member.consumer.gates) == PARTITIONS)
    after = (await member.gates())[0]
    assert after.generation > before.generation
    assert member.consumer.partitions_of(topic.name) == PARTITIONS
    assert member.consumer.place == 0


async def test_heartbeats_are_known_by_when_they_were_sent(member: Member) -> None:
    begun = monotonic_s()
    await until(lambda: member.consumer.heartbeat_at > begun)
    assert member.consumer.heartbeat_at <= monotonic_s()
    assert member.consumer.crash_reason is None
