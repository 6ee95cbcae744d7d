"""A Faust transport whose unit of delivery is a run of records of one partition.

Faust finds it as `processor://` (entry point `faust.transports`). Group membership, assignor and
conductor are Faust's, on aiokafka; records are fetched by librdkafka. For what is not Faust's, and
why, see processor/decisions/transport.md.

What happens at a rebalance, in order:
 1. revoked: every gate dies (eager protocol: all partitions are given back), then Faust's own part
 2. assigned: Faust's own part, then a closed gate for each partition of the new generation; none
    where the assignment is a predecessor's, and this member joins again (assignor.py)
 3. each gate's task (processor/streaming/gate_assignment.py), when ready, opens it by a seek
 4. the fetch takes from partitions whose gate is open, and from nothing else
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from processor.clock import monotonic_s
from processor.errors import BrokerError, ProcessorError
from processor.formats import STAGES_LEVEL
from processor.kafka.record_source import RecordSource
from processor.limits import FRAMES_AT_ONCE, PREFETCHES, SOURCE_RECORDS_AT_ONCE
from processor.memory import prefetch_bytes
from processor.settings import Settings
from processor.stages import Stage
from processor.streaming.fetch.driver_parts import ConsumerThread, Producer
from processor.streaming.fetch.gated_consumer import CommittedOffset
from processor.streaming.fetch.gates import Gate, Run
from processor.streaming.fetch.group_member import GroupMember
from processor.streaming.fetch.group_offsets import commit
from processor.streaming.fetch.heartbeats import watch_heartbeats
from processor.streaming.fetch.missing_records import OutOfRange, missing_records
from processor.streaming.fetch.partition_ends import PartitionEnd, ask_ends
from processor.streaming.fetch.role_fetch import RoleFetch

# Records that one fetch returns at most.
_AT_ONCE = {Stage.SOURCE: SOURCE_RECORDS_AT_ONCE, Stage.PROFILES: FRAMES_AT_ONCE}
# Between two looks whether the group has confirmed partitions whose records are missing.
_CONFIRM_S = 0.1
# Between two questions where partitions end. With each, aiokafka is told that the worker lives.
_ENDS_S = 1.0
# How long the group may take to return what it has committed.
_COMMITTED_WAIT_S = 10.0


class Consumer(GroupMember):
    """Faust's consumer with gates, runs, seeks in the right thread and commits of our own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gates: dict[TP, Gate] = {}
        self.heartbeat_at = monotonic_s()
        self.joined = False
        self.on_gates_closed: Callable[[], Awaitable[None]] | None = None
        self.on_gates_made: Callable[[list[Gate]], Awaitable[None]] | None = None
        self.on_fatal: Callable[[BaseException], None] | None = None
        self.on_fault: Callable[[Gate, ProcessorError], None] | None = None
        self.on_run: Callable[[Run], None] | None = None
        # Made by `fetch_from`.
        self._fetch: RoleFetch
        self._topics: frozenset[str] = frozenset()
        # The level that all processes of the other stage read, as far as they are known.
        self.other_level = STAGES_LEVEL
        self._out_of_range = OutOfRange()
        # Gates for which the range of their partitions is being requested.
        self._asking: dict[Gate, asyncio.Task[None]] = {}

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def fetch_from(self, settings: Settings, stage: Stage) -> None:
        """Make the consumer that fetches what the stage reads. Called once, before the start."""
        queue_bytes = prefetch_bytes(settings) // PREFETCHES
        source = RecordSource(settings.kafka_client, f"{settings.app_id}-{stage}", queue_bytes)
        self._fetch = RoleFetch(
            source, _AT_ONCE[stage], self._deliver, self._out_of_range.note, self._break
        )
        self._topics = frozenset(stage.topics(settings))

    # --- rebalance ---------------------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Close all gates before anything else is notified of the rebalance."""
        self.close_gates()
        if self.on_gates_closed is not None:
            await self.on_gates_closed()
        await super().on_partitions_revoked(revoked)

    @property
    def format_level(self) -> int:
        """The format level of the generation that this member is in (processor/formats.py)."""
        level: int = self.app.assignor.format_level
        return min(level, self.other_level)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Make a closed gate for each assigned partition; the worker opens them."""
        self.close_gates()
        await super().on_partitions_assigned(assigned, generation_id)
        if self.app.assignor.joins_again():
            await self._in_thread(self._join_in_thread())
            return
        member_id = self._coordinator().member_id
        watch_heartbeats(self._coordinator(), self._acknowledged)
        self.app.assignor.note_level(self.format_level)
        gates = [
            Gate(
                tp.topic, tp.partition, generation_id, member_id, self.format_level,
                on_space=self._fetch.space.set,
            )
            for tp in sorted(assigned)
            if tp.topic in self._topics  # an older worker that leads the group assigns its own, too
        ]  # fmt: skip
        self.gates = {TP(gate.topic, gate.partition): gate for gate in gates}
        self.heartbeat_at = monotonic_s()
        self.joined = True
        if self.on_gates_made is not None:
            await self.on_gates_made(gates)

    def close_gates(self) -> None:
        """Close all gates; their owners cannot renew them."""
        for gate in self.gates.values():
            gate.alive = False
        self.gates = {}

    def renew_gate(self, gate: Gate) -> Gate | None:
        """Replace a gate after a failure, in the same generation; None if the gate is old."""
        gate.alive = False
        tp = TP(gate.topic, gate.partition)
        if self.gates.get(tp) is not gate:
            return None
        fresh = Gate(
            gate.topic, gate.partition, gate.generation, gate.member_id, gate.format_level,
            on_space=gate.on_space,
        )  # fmt: skip
        self.gates[tp] = fresh
        return fresh

    async def open_gate(self, gate: Gate, offset: int | None) -> int:
        """Seek in the gate's partition and open the gate; None seeks the first existing offset.

        Returns:
            The offset of the seek; -1 if the gate died in the meantime.
        """
        if offset is None:
            offset, _ = await self.bounds(gate)
        opened = await self._fetch.open(gate, offset)
        return offset if opened else -1

    async def rest(self, gate: Gate) -> None:
        """Fetch nothing from a closed partition, and drop what was fetched from it."""
        await self._fetch.rest(gate)

    async def bounds(self, gate: Gate) -> tuple[int, int]:
        """Return the first offset of the gate's partition, and its end."""
        first, end = await self._in_thread(self._bounds_in_thread(gate))
        return first, end

    async def _bounds_in_thread(self, gate: Gate) -> tuple[int, int]:
        tp = TopicPartition(gate.topic, gate.partition)
        consumer = self._thread._ensure_consumer()  # noqa: SLF001 - Faust's driver has no public API
        try:
            end = (await consumer.end_offsets([tp]))[tp]
            return (await consumer.beginning_offsets([tp]))[tp], end
        except KafkaError as error:
            message = f"cannot read where {gate.name} begins and ends"
            raise BrokerError(message, detail=repr(error), hint="is Kafka reachable?") from error

    async def perform_seek(self) -> None:
        """Do nothing: each gate opens with its own seek."""

    # --- fetching ----------------------------------------------------------------------------

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            await self._fetch_until_stopped()
        except self.consumer_stopped_errors:
            if not self.app.should_stop:
                raise
        except asyncio.CancelledError:
            # In a rebalance, Faust takes a cancelled fetcher for a crashed one, and logs that.
            if not self.app.should_stop:
                raise
        except BaseException as error:
            if self.on_fatal is None:
                raise
            self.on_fatal(error)

    async def _fetch_until_stopped(self) -> None:
        works = [self._fetch.follow_forever(), self._confirm_forever(), self._ask_ends_forever()]
        tasks = [asyncio.create_task(one) for one in works]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    def _deliver(self, run: Run) -> None:
        assert self.on_run is not None
        self.on_run(run)

    def _break(self, gate: Gate, error: ProcessorError) -> None:
        if gate.alive and self.on_fault is not None:
            self.on_fault(gate, error)

    async def _confirm_forever(self) -> None:
        """Look further at partitions whose next record is missing, once the group confirms them."""
        while True:
            await asyncio.sleep(_CONFIRM_S)
            for gate in self._out_of_range.confirmed(self.heartbeat_at):
                self._asking[gate] = asyncio.create_task(self._ask(gate))

    async def _ask(self, gate: Gate) -> None:
        """Find the range of a partition; this may take a minute, while others are fetched."""
        try:
            first, end = await self.bounds(gate)
        except BrokerError:
            first = end = gate.next_offset  # it is fetched again, and is missing again
        finally:
            del self._asking[gate]
        if first <= gate.next_offset <= end:  # a new leader may have lagged
            await self._fetch.again(gate)
        else:
            name = gate.topic, gate.partition
            self._break(gate, missing_records(*name, gate.next_offset, (first, end)))

    async def _ask_ends_forever(self) -> None:
        """Note where open partitions end, and tell aiokafka that the worker lives."""
        while True:
            await asyncio.sleep(_ENDS_S)
            asked = {
                TopicPartition(gate.topic, gate.partition): gate
                for gate in self.gates.values()
                if gate.alive and gate.opened
            }
            for tp, end in (await self._in_thread(self._ends_in_thread(asked))).items():
                asked[tp].end = end

    async def _ends_in_thread(
        self, asked: Iterable[TopicPartition]
    ) -> Mapping[TopicPartition, PartitionEnd]:
        await self._check_in_thread()  # the group's task may be dead: nothing would join again
        client = self._client()
        with client._fetcher._subscriptions.fetch_context():  # noqa: SLF001 - no public API
            pass  # a member that does not fetch for long leaves the group
        return await ask_ends(client._client, asked)  # noqa: SLF001 - no public API

    def end_offset(self, gate: Gate) -> int | None:
        """Return the end of the gate's partition, as its leader reported it last."""
        asked = None if gate.end is None else gate.end.offset
        fetched = self._fetch.known_end(gate) if gate.opened else None
        return max((one for one in (asked, fetched) if one is not None), default=None)

    async def on_stop(self) -> None:
        """End the connections of what fetches."""
        await super().on_stop()
        await self._fetch.close()

    # --- acknowledging and committing ----------------------------------------------------------

    def ack(self, message: Any) -> bool:
        """Only forget the message: offsets are committed by the code that knows what is durable."""
        message.acked = True
        self._unacked_messages.discard(message)
        return True

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit nothing: see `commit_offset`."""
        return False

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Do nothing: Faust would check acknowledgements that we do not make."""

    async def commit_offset(self, gate: Gate, offset: int, metadata: str = "") -> bool:
        """Commit a partition's offset in the name of the gate's own generation and member.

        Returns:
            Whether the group accepted it. False: the group moved on, or has no coordinator now.
        """
        if not gate.alive:
            return False
        taken: bool = await self._in_thread(self._commit_in_thread(gate, offset, metadata))
        return taken

    async def _commit_in_thread(self, gate: Gate, offset: int, metadata: str) -> bool:
        return await commit(self._coordinator(), gate, offset, metadata)

    async def committed(self, gate: Gate) -> CommittedOffset | None:
        """Return what the group has committed for the gate's partition."""
        return (await self.committed_of(gate.topic, [gate.partition])).get(gate.partition)

    async def committed_of(
        self, topic: str, partitions: Iterable[int]
    ) -> dict[int, CommittedOffset]:
        """Return what the group has committed for partitions of a topic, if there is anything.

        Raises:
            BrokerError: the group does not answer.
        """
        asked = [TopicPartition(topic, number) for number in partitions]
        try:
            found = await self._in_thread(self._committed_in_thread(asked))
        except (KafkaError, TimeoutError) as error:
            message = f"cannot read what the group has committed for {topic!r}"
            raise BrokerError(message, detail=repr(error)) from error
        return {
            tp.partition: CommittedOffset(one.offset, one.metadata or "")
            for tp, one in found.items()
            if one.offset >= 0
        }

    async def _committed_in_thread(self, asked: list[TopicPartition]) -> Any:
        # aiokafka retries forever; in the meantime, seeks and fetches wait for the same thread.
        fetch = self._coordinator().fetch_committed_offsets(asked)
        return await asyncio.wait_for(fetch, _COMMITTED_WAIT_S)

    # --- heartbeats --------------------------------------------------------------------------

    def _acknowledged(self, sent_s: float) -> None:
        self.heartbeat_at = max(self.heartbeat_at, sent_s)


class Transport(driver.Transport):
    """The transport behind the URL scheme `processor://`."""

    Consumer = Consumer
    Producer = Producer
