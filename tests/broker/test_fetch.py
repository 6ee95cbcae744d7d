"""Fetches by librdkafka on a Kafka whose files lie at hand: its restarts, its damaged files.

Each is a hazard of processor/decisions/transport.md.
"""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition as AiokafkaPartition
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from processor.clock import monotonic_s
from processor.errors import BrokerError
from processor.limits import RUN_RECORDS_MAX, RUNS_IN_FLIGHT_MAX
from processor.local import LocalBroker
from tests.broker.cluster import free_port
from tests.contracts.fetched_role import QUEUE_BYTES, Role, until

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]

PARTITIONS = 2
QUIET_S = 1.0
CALL_S = 60.0
MIB = 1024 * 1024


class Kafka:
    """A broker of its own, and its topics."""

    def __init__(self, directory: Path) -> None:
        self.broker = LocalBroker(directory, free_port())
        self.broker.start()
        self.servers = self.broker.bootstrap_servers
        self.admin = AdminClient({"bootstrap.servers": self.servers})

    def make(self, name: str, **config: str) -> None:
        made = NewTopic(name, PARTITIONS, 1, config=config)
        self.admin.create_topics([made])[name].result(CALL_S)

    def segment(self, topic: str, partition: int) -> Path:
        return self.broker.data_dir / "data" / f"{topic}-{partition}" / f"{0:020}.log"


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    made = Kafka(tmp_path_factory.mktemp("fetch") / "kafka")
    yield made
    made.broker.stop()


Start = Callable[[], Awaitable[Role]]


@pytest.fixture
async def start(kafka: Kafka) -> AsyncIterator[Start]:
    """Makes a topic, and what fetches it."""
    async with AsyncExitStack() as stack:

        async def started(**config: str) -> Role:
            name = f"fetched-{uuid.uuid4()}"
            await asyncio.to_thread(kafka.make, name, **config)
            role = Role(kafka.servers, name)
            role.follow()
            stack.push_async_callback(role.close)
            return role

        yield started


# --- what a record is -----------------------------------------------------------------------------

KEYS = [None, b"", b"key"]
VALUES = [None, b"", b"value" * 100]
HEADERS: list[Any] = [None, [("a", b"1"), ("a", None), ("b", b"")]]
COMPRESSIONS = ["none", "gzip", "snappy", "lz4", "zstd"]


@pytest.mark.parametrize("kind", ["CreateTime", "LogAppendTime"])
async def test_each_record_is_as_aiokafka_gives_it(start: Start, kafka: Kafka, kind: str) -> None:
    role = await start(**{"message.timestamp.type": kind})
    for number, compression in enumerate(COMPRESSIONS):
        producer = Producer({"bootstrap.servers": kafka.servers, "compression.type": compression})
        for key in KEYS:
            for value in VALUES:
                for headers in HEADERS:
                    stamp_ms = 1_600_000_000_000 + number
                    producer.produce(role.topic, value, key, 0, timestamp=stamp_ms, headers=headers)
        assert producer.flush(CALL_S) == 0
        producer.close()
    count = len(COMPRESSIONS) * len(KEYS) * len(VALUES) * len(HEADERS)
    expected = await by_aiokafka(kafka.servers, role.topic, count)
    gate = await role.opened()
    await until(lambda: gate.next_offset == count)
    assert [seen(one) for one in role.records(gate)] == expected
    assert {one.timestamp_type for one in role.records(gate)} == {int(kind == "LogAppendTime")}


async def by_aiokafka(servers: str, topic: str, count: int) -> list[Any]:
    consumer = AIOKafkaConsumer(bootstrap_servers=servers)
    await consumer.start()
    tp = AiokafkaPartition(topic, 0)
    consumer.assign([tp])
    consumer.seek(tp, 0)
    found = [seen(await consumer.getone(tp)) for _ in range(count)]
    await consumer.stop()
    return found


def seen(record: Any) -> Any:
    return (
        record.topic, record.partition, record.offset, record.timestamp, record.timestamp_type,
        record.key, record.value, [tuple(one) for one in record.headers],
    )  # fmt: skip


# --- transactions ---------------------------------------------------------------------------------


async def test_an_open_transaction_holds_back_what_follows_and_its_end_lets_it_pass(
    start: Start, kafka: Kafka
) -> None:
    role = await start()
    await role.write(2)
    producer = Producer({"bootstrap.servers": kafka.servers, "transactional.id": role.topic})
    producer.init_transactions(CALL_S)
    gate = await role.opened()
    end = 2
    for commit in (False, True, False, False):
        producer.begin_transaction()
        producer.produce(role.topic, b"held back", partition=0)
        producer.flush(CALL_S)
        await role.write(1)
        await asyncio.sleep(QUIET_S)
        assert gate.next_offset == end
        (producer.commit_transaction if commit else producer.abort_transaction)(CALL_S)
        end += 3
        await until(lambda end=end: gate.next_offset == end)
    assert role.offsets(gate) == [0, 1, 3, 5, 6, 9, 12]
    producer.close()


async def test_a_position_behind_markers_at_the_end_is_known_after_each_seek(
    start: Start, kafka: Kafka
) -> None:
    role = await start()
    producer = Producer({"bootstrap.servers": kafka.servers, "transactional.id": role.topic})
    producer.init_transactions(CALL_S)
    for _ in range(3):
        producer.begin_transaction()
        producer.produce(role.topic, b"aborted", partition=0)
        producer.flush(CALL_S)
        producer.abort_transaction(CALL_S)
    for offset in (0, 5, 3, 6):
        gate = await role.opened(offset)
        await until(lambda gate=gate: gate.next_offset == 6)
        assert role.records(gate) == []
        gate.alive = False
    producer.close()


# --- records that are not there -------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0, 50])
async def test_an_offset_that_is_not_there_is_told_of_its_partition_alone(
    start: Start, kafka: Kafka, offset: int
) -> None:
    role = await start()
    await role.write(10)
    await role.write(10, partition=1)
    where = TopicPartition(role.topic, 0, 5)
    kafka.admin.delete_records([where])[where].result(CALL_S)
    lost, sound = await role.opened(offset), await role.opened(partition=1)
    await until(lambda: role.lost == [lost])
    await until(lambda: sound.next_offset == 10)
    await role.fetch.rest(lost)
    lost.alive = False
    gate = await role.opened(5)
    await until(lambda: gate.next_offset == 10)
    assert role.offsets(gate) == list(range(5, 10))


async def test_records_that_are_removed_while_a_partition_waits_are_missed(
    start: Start, kafka: Kafka
) -> None:
    """They are told as missing where they were not fetched ahead; none is skipped in silence."""
    role = await start()
    role.finish = False
    count = 12 * QUEUE_BYTES // 1_000
    await role.write(count, size=1_000)
    gate = await role.opened()
    await until(lambda: len(role.runs) == RUNS_IN_FLIGHT_MAX)
    await asyncio.sleep(QUIET_S)
    where = TopicPartition(role.topic, 0, count)
    kafka.admin.delete_records([where])[where].result(CALL_S)
    role.finish = True
    for run in list(role.runs):
        gate.done(run)
    await until(lambda: role.lost == [gate])
    found = role.offsets(gate)
    assert found == list(range(len(found)))
    assert len(found) < count


async def test_a_topic_that_is_made_anew_is_read_from_where_it_is_opened(
    start: Start, kafka: Kafka
) -> None:
    role = await start()
    await role.write(10)
    old = await role.opened()
    await until(lambda: old.next_offset == 10)
    kafka.admin.delete_topics([role.topic])[role.topic].result(CALL_S)
    await asyncio.sleep(QUIET_S)
    await asyncio.to_thread(kafka.make, role.topic)
    await role.write(4)
    await until(lambda: role.lost == [old])
    old.alive = False
    gate = await role.opened()
    await until(lambda: gate.next_offset == 4)
    assert role.offsets(gate) == [0, 1, 2, 3]
    assert role.offsets(old) == list(range(10))


# --- a damaged file -------------------------------------------------------------------------------


async def test_a_batch_that_cannot_be_decoded_closes_its_partition_and_a_sound_copy_opens_it(
    start: Start, kafka: Kafka
) -> None:
    role = await start()
    for _ in range(3):
        await role.write(5, size=50)
    await role.write(5, partition=1)
    segment = kafka.segment(role.topic, 0)
    sound = segment.read_bytes()
    assert len(sound) > 3 * 5 * 50
    batch = len(sound) // 3
    flip(segment, batch + batch // 2)
    gate, other = await role.opened(), await role.opened(partition=1)
    await until(lambda: bool(role.broken))
    ((broken, error),) = role.broken
    assert broken is gate
    assert isinstance(error, BrokerError)
    assert "what follows offset 5" in error.message
    await until(lambda: other.next_offset == 5)
    await asyncio.sleep(QUIET_S)
    assert role.offsets(gate) == list(range(5)), "what follows it is not delivered"
    gate.alive = False
    flip(segment, batch + batch // 2)
    fresh = await role.opened(5)
    await until(lambda: fresh.next_offset == 15)
    assert role.offsets(fresh) == list(range(5, 15))


def flip(path: Path, place: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 0x55]))
        file.flush()
        os.fsync(file.fileno())


# --- restarts of the broker -----------------------------------------------------------------------


async def test_a_broker_that_restarts_loses_no_record_and_repeats_none(
    start: Start, kafka: Kafka
) -> None:
    """It leads each partition with a new epoch then, and refuses fetches of the one before."""
    role = await start()
    gates = [await role.opened(partition=number) for number in range(PARTITIONS)]
    end = 0
    for _ in range(2):
        for number in range(PARTITIONS):
            await role.write(100, partition=number)
        end += 100
        await until(lambda end=end: all(gate.next_offset == end for gate in gates))
        await asyncio.to_thread(kafka.broker.stop)
        await asyncio.sleep(QUIET_S)
        await asyncio.to_thread(kafka.broker.start)
    fresh = role.gate()
    gates[0].alive = False
    assert await role.fetch.open(fresh, 50)
    for number in range(PARTITIONS):
        await role.write(10, partition=number)
    await until(lambda: fresh.next_offset == gates[1].next_offset == end + 10)
    assert role.offsets(fresh) == list(range(50, end + 10))
    assert role.offsets(gates[1]) == list(range(end + 10))
    assert role.lost == []
    assert role.broken == []


# --- back-pressure --------------------------------------------------------------------------------


async def test_a_backlog_of_one_role_does_not_delay_another(start: Start) -> None:
    source, frames = await start(), await start()
    await source.write(60_000, size=1_000)
    gate = await frames.opened()
    backlog = await source.opened()
    longest_s = 0.0
    for number in range(5):
        begun_s = monotonic_s()
        await frames.write(1)
        await until(lambda number=number: gate.next_offset == number + 1)
        longest_s = max(longest_s, monotonic_s() - begun_s)
    assert longest_s < 3.0
    await until(lambda: backlog.next_offset == 60_000)


async def test_what_is_fetched_ahead_is_bounded_while_no_gate_has_room(start: Start) -> None:
    role = await start()
    role.finish = False
    for number in range(PARTITIONS):
        await role.write(64_000, size=1_000, partition=number)
    before = psutil.Process().memory_info().rss
    gates = [await role.opened(partition=number) for number in range(PARTITIONS)]
    await until(lambda: all(gate.in_flight == RUNS_IN_FLIGHT_MAX for gate in gates))
    await asyncio.sleep(2 * QUIET_S)
    taken = psutil.Process().memory_info().rss - before
    assert taken < 32 * MIB, f"{taken / MIB:.0f} MiB of {2 * 64_000 * 1_000 / MIB:.0f}"
    assert len(role.runs) == PARTITIONS * RUNS_IN_FLIGHT_MAX
    assert all(len(run.records) <= RUN_RECORDS_MAX for run in role.runs)
