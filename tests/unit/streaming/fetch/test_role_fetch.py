"""Fetches of one role, from a broker that librdkafka runs in this process."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from confluent_kafka import KafkaError, Message, Producer

from processor.clock import monotonic_s
from processor.errors import NotAuthorizedError
from processor.limits import RUN_RECORDS_MAX, RUNS_IN_FLIGHT_MAX
from processor.streaming.fetch.faults import FaultClass, fault_class
from processor.streaming.fetch.gates import Gate
from tests.contracts.fetched_role import PATIENCE_S, Role, until

QUIET_S = 0.5


@pytest.fixture(scope="module")
def servers() -> Iterator[str]:
    broker = Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 1, "log_level": 0})
    (found,) = broker.list_topics(timeout=10).brokers.values()
    yield f"{found.host}:{found.port}"
    broker.close()


@pytest.fixture
def topic(request: pytest.FixtureRequest) -> str:
    return f"fetched-{abs(hash(request.node.name))}"


@pytest.fixture
async def role(servers: str, topic: str) -> AsyncIterator[Role]:
    made = Role(servers, topic)
    made.follow()
    yield made
    await made.close()


async def test_each_seek_delivers_from_its_offset_and_nothing_from_before(role: Role) -> None:
    count = 5_000
    await role.write(count, size=200)
    gate = role.gate()
    for number in range(20):
        offset = (number * 1_337) % (count - 100)
        assert await role.fetch.open(gate, offset)
        wanted = offset + 1 + number * 5
        await until(lambda gate=gate, wanted=wanted: gate.next_offset > wanted)
        found = role.offsets(gate)
        assert found == list(range(offset, offset + len(found)))
        gate.alive = False
        gate = role.gate()


async def test_the_end_of_a_partition_is_known_from_its_fetches(role: Role) -> None:
    gate = await role.opened()
    assert role.fetch.known_end(gate) is None
    role.follow()
    await role.write(3)
    await until(lambda: role.fetch.known_end(gate) == 3)
    await role.write(2)
    await until(lambda: role.fetch.known_end(gate) == 5)


async def test_a_wait_in_a_thread_that_was_cancelled_loses_nothing(role: Role) -> None:
    await role.write(1)
    gate = role.gate()
    assert await role.fetch.open(gate, 0)
    await until(lambda: gate.next_offset == 1)
    for number in range(1, 6):
        await until(lambda: role.source._waiting is not None)  # it is quiet
        await role.end()
        await role.write(1)
        role.follow()
        await until(lambda number=number: gate.next_offset == number + 1)
    assert role.offsets(gate) == list(range(6))


async def test_a_seek_has_its_turn_while_it_is_quiet(role: Role) -> None:
    await role.write(3)
    gate = role.gate()
    await role.fetch.open(gate, 0)
    await until(lambda: role.source._waiting is not None)
    begun = monotonic_s()
    for number in range(5):
        assert await role.fetch.open(role.gate(number % 2 + 1), 0)
    assert monotonic_s() - begun < 2.0
    await role.write(1, partition=2)
    await until(lambda: any(run.gate.partition == 2 for run in role.runs))


async def test_a_dead_gate_is_not_opened_and_gets_nothing(role: Role) -> None:
    await role.write(10)
    gate = role.gate()
    gate.alive = False
    assert not await role.fetch.open(gate, 0)
    gate = role.gate()
    await role.fetch.open(gate, 0)
    gate.alive = False
    await until(lambda: not role.source._assigned)
    await asyncio.sleep(QUIET_S)
    assert role.offsets(gate) in ([], list(range(10)))


async def test_nothing_is_taken_while_no_gate_has_room(role: Role) -> None:
    """What waits is then bounded by librdkafka's queue, and nothing is dropped."""
    count = 6 * RUN_RECORDS_MAX
    await role.write(count, size=100)
    role.finish = False
    gate = role.gate()
    await role.fetch.open(gate, 0)
    await until(lambda: len(role.runs) == RUNS_IN_FLIGHT_MAX)
    await asyncio.sleep(QUIET_S)
    (held,) = role.fetch._held.values()
    assert len(role.runs) == RUNS_IN_FLIGHT_MAX
    assert held.position <= gate.next_offset + RUN_RECORDS_MAX
    assert not held.paused
    role.finish = True
    for run in list(role.runs):
        gate.done(run)
    await until(lambda: gate.next_offset == count)
    assert role.offsets(gate) == list(range(count))


async def stuck_beside(role: Role, count: int) -> tuple[Gate, Gate]:
    """Two gates: the stage does not finish the runs of the first, so its partition is paused."""
    await role.write(count, size=100)
    role.finish = False
    stuck = await role.opened()
    await until(lambda: len(role.runs) == RUNS_IN_FLIGHT_MAX)
    free = await role.opened(partition=1)
    for number in range(3):
        await role.write(5, partition=1)
        await until(lambda number=number: free.next_offset == 5 * number + 5)
        for run in role.runs:
            if run.gate is free and free.in_flight:
                free.done(run)
    assert role.fetch._held[stuck.topic, 0].paused
    assert len([run for run in role.runs if run.gate is stuck]) == RUNS_IN_FLIGHT_MAX
    return stuck, free


async def test_a_partition_that_is_stuck_holds_no_other_up_and_goes_on_where_it_was(
    role: Role,
) -> None:
    count = 12 * RUN_RECORDS_MAX
    stuck, _ = await stuck_beside(role, count)
    role.finish = True
    for run in [run for run in role.runs if run.gate is stuck]:
        stuck.done(run)
    await until(lambda: stuck.next_offset == count)
    assert role.offsets(stuck) == list(range(count))


async def test_a_partition_that_was_stuck_and_opens_again_is_fetched(role: Role) -> None:
    count = 12 * RUN_RECORDS_MAX
    stuck, free = await stuck_beside(role, count)
    stuck.alive = False
    role.finish = True
    fresh = await role.opened(7)
    await until(lambda: fresh.next_offset == count)
    assert role.offsets(fresh) == list(range(7, count))
    await role.fetch.rest(free)
    free.alive = False
    again = await role.opened(3, partition=1)
    await until(lambda: again.next_offset == 15)


async def test_an_offset_that_is_not_there_is_told_and_fetched_again_when_asked(
    role: Role,
) -> None:
    await role.write(5)
    await role.write(5, partition=1)
    gate, sound = role.gate(), role.gate(1)
    await role.fetch.open(gate, 50)
    await role.fetch.open(sound, 0)
    await until(lambda: role.lost == [gate])
    await until(lambda: sound.next_offset == 5)
    await role.fetch.again(gate)
    await until(lambda: role.lost == [gate, gate])
    await role.fetch.rest(gate)
    await asyncio.sleep(QUIET_S)
    assert role.lost == [gate, gate]
    assert not role.broken
    assert role.offsets(gate) == []


# --- what cannot be read --------------------------------------------------------------------------


def arrives(role: Role, code: int, offset: int = -1) -> None:
    """Let an error arrive, as librdkafka reports it for partition 0."""
    role.source._arrived.append(Message(role.topic, 0, offset, None, b"", None, KafkaError(code)))


@pytest.mark.parametrize("code", [KafkaError._BAD_MSG, KafkaError._BAD_COMPRESSION])
async def test_a_batch_that_cannot_be_decoded_closes_its_partition_alone(
    role: Role, code: int
) -> None:
    gate, sound = role.gate(), role.gate(1)
    await role.write(3)
    await role.fetch.open(gate, 0)
    await role.fetch.open(sound, 0)
    await until(lambda: gate.next_offset == 3)
    arrives(role, code)
    await until(lambda: role.broken)
    ((broken, error),) = role.broken
    assert broken is gate
    assert fault_class(error) is FaultClass.BROKER, "another replica may be sound"
    assert f"{gate.name}" in error.message
    assert f"processor partitions move {role.topic} 0 --to 4" in (error.hint or "")
    await role.write(3)  # librdkafka goes on behind the batch
    await role.write(3, partition=1)
    await until(lambda: sound.next_offset == 3)
    await asyncio.sleep(QUIET_S)
    assert gate.next_offset == 3


async def test_a_fetch_that_kafka_does_not_allow_ends_it(role: Role) -> None:
    await role.fetch.open(role.gate(), 0)
    arrives(role, KafkaError.TOPIC_AUTHORIZATION_FAILED)
    assert role.following is not None
    await asyncio.wait([role.following], timeout=PATIENCE_S)
    assert isinstance(role.following.exception(), NotAuthorizedError)


async def test_an_error_from_which_librdkafka_goes_on_changes_nothing(role: Role) -> None:
    gate = role.gate()
    await role.fetch.open(gate, 0)
    arrives(role, KafkaError.UNKNOWN_TOPIC_OR_PART)
    await role.write(3)
    await until(lambda: gate.next_offset == 3)
    assert not role.broken
