"""A Faust transport whose unit of delivery is a run of records of one partition.

Faust finds it as `processor://` (entry point `faust.transports`). Group membership, assignor and
conductor are Faust's; see processor/decisions/transport.md for what is not, and why.

What happens at a rebalance, in order:
 1. revoked: every gate dies (eager protocol: all partitions are given back), then Faust's own part
 2. assigned: Faust's own part, then a closed gate for each partition of the new generation
 3. the worker (processor/streaming/worker.py) opens each gate by a seek when it is ready
 4. the drain loop fetches from partitions whose gate is open, and nothing else
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError, for_code
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.structs import TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from processor.clock import monotonic_s
from processor.errors import TopicError
from processor.limits import RUN_RECORDS_MAX
from processor.streaming.gates import Gate, Run

# How long one fetch waits for records: also how long a seek can wait for its turn.
_FETCH_WAIT_S = 0.02
# The same while some partition has all the runs it may have: it may be free again any moment.
_FETCH_WAIT_BUSY_S = 0.001
# How long a fetch may wait at the broker. There is one fetch per broker at a time: while it waits
# for partitions that are idle, those that have been emptied meanwhile cannot be fetched.
_BROKER_WAIT_MS = 20
# Between two looks when no gate wants records.
_IDLE_S = 0.02
# Longest metadata kept beside a committed offset; ours is a few digits.
_RETENTION_DEFAULT = -1


@dataclass(frozen=True, slots=True)
class CommittedOffset:
    """What the group has stored for a partition."""

    offset: int
    metadata: str


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's thread around aiokafka: reads what is committed, waits at the broker only shortly."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = _BROKER_WAIT_MS  # noqa: SLF001 - Faust fixes it at 1500
        consumer._isolation_level = "read_committed"  # noqa: SLF001 - Faust ties it to its own EOS
        return consumer


class Consumer(driver.Consumer):
    """Faust's consumer with gates, runs, seeks in the right thread and commits of our own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gates: dict[TP, Gate] = {}
        self.heartbeat_at = monotonic_s()
        self.joined = False
        self.on_gates_closed: Callable[[], Awaitable[None]] | None = None
        self.on_gates_made: Callable[[list[Gate]], Awaitable[None]] | None = None
        self.on_fatal: Callable[[BaseException], None] | None = None
        self._out_of_range: dict[Gate, tuple[float, OffsetOutOfRangeError]] = {}
        self._space = asyncio.Event()
        self._one_by_one = asyncio.Lock()  # of the thread's loop: seeks and fetches

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # --- rebalance ---------------------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Close all gates before anything else hears of the rebalance."""
        self._close_gates()
        if self.on_gates_closed is not None:
            await self.on_gates_closed()
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Make a closed gate for each assigned partition; somebody else opens them."""
        self._close_gates()
        await super().on_partitions_assigned(assigned, generation_id)
        member_id = self._coordinator().member_id
        self._watch_heartbeats()
        gates = [
            Gate(tp.topic, tp.partition, generation_id, member_id, on_space=self._space.set)
            for tp in sorted(assigned)
        ]
        self.gates = {TP(gate.topic, gate.partition): gate for gate in gates}
        self.heartbeat_at = monotonic_s()
        self.joined = True
        if self.on_gates_made is not None:
            await self.on_gates_made(gates)

    def _close_gates(self) -> None:
        for gate in self.gates.values():
            gate.alive = False
        self.gates = {}

    def renew_gate(self, gate: Gate) -> Gate | None:
        """Replace a gate that a failure made useless, in the same generation; None if it is old."""
        gate.alive = False
        tp = TP(gate.topic, gate.partition)
        if self.gates.get(tp) is not gate:
            return None
        fresh = Gate(
            gate.topic, gate.partition, gate.generation, gate.member_id, on_space=self._space.set
        )
        self.gates[tp] = fresh
        return fresh

    async def open_gate(self, gate: Gate, offset: int | None) -> int:
        """Seek the gate's partition and open the gate; None seeks the first offset there is.

        Returns:
            The offset of the seek; -1 when the gate died meanwhile.
        """
        position: int = await self._thread.call_thread(self._open_in_thread, gate, offset)
        self._space.set()
        return position

    async def _open_in_thread(self, gate: Gate, offset: int | None) -> int:
        consumer = self._thread._ensure_consumer()  # noqa: SLF001 - Faust's driver has no door
        tp = TopicPartition(gate.topic, gate.partition)
        if offset is None:
            offset = await self._first_in_thread(gate)
        async with self._one_by_one:
            if not gate.alive or tp not in consumer.assignment():
                return -1
            consumer.seek(tp, offset)
            gate.opens_at(offset)
        return offset

    async def first_offset(self, gate: Gate) -> int:
        """Return the first offset that the gate's partition holds."""
        offset: int = await self._thread.call_thread(self._first_in_thread, gate)
        return offset

    async def _first_in_thread(self, gate: Gate) -> Any:
        tp = TopicPartition(gate.topic, gate.partition)
        consumer = self._thread._ensure_consumer()  # noqa: SLF001 - Faust's driver has no door
        return (await consumer.beginning_offsets([tp]))[tp]

    async def perform_seek(self) -> None:
        """Do nothing: each gate opens by a seek of its own."""

    # --- fetching ----------------------------------------------------------------------------

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            await self._drain(fetcher)
        except self.consumer_stopped_errors:
            if not self.app.should_stop:
                raise
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            if self.on_fatal is None:
                raise
            self.on_fatal(error)

    async def _drain(self, fetcher: Any) -> None:
        while not (self._stopped.is_set() or fetcher._stopped.is_set()):  # noqa: SLF001 - Faust's own loop reads it
            if not self.flow_active:
                await asyncio.sleep(_IDLE_S)
                continue
            self._stop_if_out_of_range()
            opened = [
                gate
                for gate in self.gates.values()
                if gate.alive and gate.opened and gate not in self._out_of_range
            ]
            wanted = {
                TopicPartition(gate.topic, gate.partition): gate
                for gate in opened
                if gate.wants_records
            }
            self._space.clear()
            wait_s = _FETCH_WAIT_S if len(wanted) == len(opened) else _FETCH_WAIT_BUSY_S
            runs = await self._thread.call_thread(self._fetch_alone, wanted, wait_s)
            for run in runs:
                await self._deliver(run)
            if not wanted:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._space.wait(), _IDLE_S)

    async def _fetch_alone(self, wanted: Mapping[Any, Gate], wait_s: float) -> list[Run]:
        async with self._one_by_one:
            return await self._fetch_in_thread(wanted, wait_s)

    async def _fetch_in_thread(self, wanted: Mapping[Any, Gate], wait_s: float) -> list[Run]:
        consumer = self._thread._ensure_consumer()  # noqa: SLF001 - Faust's driver has no door
        fetcher = consumer._fetcher  # noqa: SLF001 - as Faust's own fetch does
        if consumer._closed or fetcher._closed:  # noqa: SLF001 - as Faust's own fetch does
            return []
        self._coordinator().check_errors()  # the group's task is dead: nobody would join again
        subscriptions = fetcher._subscriptions  # noqa: SLF001 - as Faust's own fetch does
        with subscriptions.fetch_context():
            live = {
                tp: gate
                for tp, gate in wanted.items()
                if gate.alive and subscriptions.is_assigned(tp)
            }
            if not live:
                return []
            states = subscriptions.subscription.assignment
            for tp, gate in live.items():
                gate.expects(states.state_value(tp).position)
            try:
                fetched = await fetcher.fetched_records(
                    live, timeout=wait_s, max_records=RUN_RECORDS_MAX
                )
            except OffsetOutOfRangeError as error:
                seen = (monotonic_s(), error)
                asked = error.args[0]  # offsets; another one is that of an earlier seek
                self._out_of_range |= {
                    gate: seen for tp, gate in live.items() if asked.get(tp) == gate.next_offset
                }
                return []
            except NoOffsetForPartitionError:
                # Nothing is committed of a partition that was assigned again during the wait: each
                # is read from where the seek that opens its gate says.
                return []
            if subscriptions.subscription.assignment is not states:
                return []
            moved = []
            for tp, gate in live.items():
                position = states.state_value(tp).position
                if position != gate.next_offset:  # perhaps over control records alone
                    moved.append(gate.run(fetched.get(tp, []), position))
            return moved

    def _stop_if_out_of_range(self) -> None:
        """Stop where records are gone of a partition that the group has confirmed since to be ours.

        A worker that was frozen wakes with partitions that others have read on and emptied.

        Raises:
            TopicError: records are gone that nobody has read.
        """
        for gate, (seen_at, error) in list(self._out_of_range.items()):
            if not gate.alive:
                del self._out_of_range[gate]
            elif self.heartbeat_at > seen_at:
                raise _out_of_range(error) from error

    async def _deliver(self, run: Run) -> None:
        gate = run.gate
        if not gate.alive:
            return
        gate.in_flight += 1
        tp = TP(gate.topic, gate.partition)
        message = ConsumerMessage(
            gate.topic, gate.partition, run.end - 1, 0.0, 0, None, None, run,
            None, 0, 0, tp, generation_id=gate.generation,
        )  # fmt: skip
        await self.callback(message)

    def end_offset(self, gate: Gate) -> int | None:
        """Return the end of the gate's partition as the last fetch answer told it."""
        try:
            offset: int | None = self._thread._ensure_consumer().highwater(  # noqa: SLF001 - no door
                TopicPartition(gate.topic, gate.partition)
            )
        except Exception:
            return None
        return offset

    # --- acknowledging and committing ----------------------------------------------------------

    def ack(self, message: Any) -> bool:
        """Only forget the message: offsets are committed by those who know what is durable."""
        message.acked = True
        self._unacked_messages.discard(message)
        return True

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit nothing: see `commit_offset`."""
        return False

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Do nothing: Faust would look for acknowledgements that we do not make."""

    async def commit_offset(self, gate: Gate, offset: int, metadata: str = "") -> bool:
        """Commit a partition's offset in the name of the gate's own generation and member.

        Returns:
            Whether the group took it. False: the group moved on, or its coordinator is away.
        """
        if not gate.alive:
            return False
        answer = asyncio.run_coroutine_threadsafe(
            self._commit_in_thread(gate, offset, metadata), self._thread.thread_loop
        )
        return await asyncio.wrap_future(answer)

    async def _commit_in_thread(self, gate: Gate, offset: int, metadata: str) -> bool:
        coordinator = self._coordinator()
        request = OffsetCommitRequest(
            coordinator.group_id,
            gate.generation,
            gate.member_id,
            _RETENTION_DEFAULT,
            [(gate.topic, [(gate.partition, offset, metadata)])],
        )
        try:
            await coordinator.ensure_coordinator_known()
            response = await coordinator._send_req(request)  # noqa: SLF001 - commit() takes the current generation
        except KafkaError as error:
            self.log.warning("commit of %s at %s failed: %r", gate.name, offset, error)
            return False
        code = response.topics[0][1][0][1]
        if code:
            self.log.warning(
                "commit of %s at %s was refused: %s", gate.name, offset, for_code(code).__name__
            )
        return not code

    async def committed(self, gate: Gate) -> CommittedOffset | None:
        """Return what the group has committed for the gate's partition."""
        found = await self._thread.call_thread(self._committed_in_thread, gate)
        return None if found is None else CommittedOffset(found.offset, found.metadata or "")

    async def _committed_in_thread(self, gate: Gate) -> Any:
        tp = TopicPartition(gate.topic, gate.partition)
        return (await self._coordinator().fetch_committed_offsets([tp])).get(tp)

    # --- heartbeats --------------------------------------------------------------------------

    def _coordinator(self) -> Any:
        return self._thread._ensure_consumer()._coordinator  # noqa: SLF001 - Faust's driver has no door

    def _watch_heartbeats(self) -> None:
        coordinator = self._coordinator()
        if getattr(coordinator, "watched", False):
            return
        beat = coordinator._do_heartbeat  # noqa: SLF001 - there is no other place that knows

        async def watched_beat() -> bool:
            sent = monotonic_s()
            acknowledged: bool = await beat()
            if acknowledged:
                self.heartbeat_at = max(self.heartbeat_at, sent)
            return acknowledged

        coordinator._do_heartbeat = watched_beat  # noqa: SLF001 - see above
        coordinator.watched = True


def _out_of_range(error: OffsetOutOfRangeError) -> TopicError:
    message = "the next offset to read is not in the topic any more"
    return TopicError(
        message,
        detail=str(error),
        hint="its retention removed records before they were read; "
        "raise retention.ms, and see the runbook in deploy/README.md",
    )


class Transport(driver.Transport):
    """The transport behind the URL scheme `processor://`."""

    Consumer = Consumer
