"""What one worker runs: the three agents, the partitions that it owns, and the tasks beside them.

The order in which a worker starts: definitions are read to their end; Faust joins the group; each
assigned partition is taken over or started by a task of its own, and opens when it is ready.
"""

import asyncio
import os
import random
from collections.abc import Awaitable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import faust
import structlog

from processor.clock import monotonic_s
from processor.errors import (
    BrokerError,
    ConflictError,
    NotReadyError,
    ProcessorError,
    TopicError,
)
from processor.limits import PARTITIONS_PER_WORKER_MAX
from processor.metrics import LAG, PARTITIONS
from processor.settings import Settings
from processor.streaming.catalog_log import RefusedRecord
from processor.streaming.dead_letters import DeadLetters
from processor.streaming.definitions_topic import (
    DefinitionsReader,
    DefinitionsWriter,
    log_refusal,
    refusal_dead_letter,
)
from processor.streaming.flush import StepHook, no_hook
from processor.streaming.gates import Gate, GatePair, Run
from processor.streaming.joint_stage import JointStage
from processor.streaming.ownership import Ownership
from processor.streaming.partitioner import Partitioner
from processor.streaming.producers import IdempotentProducer
from processor.streaming.profile_partition import ProfilePartition
from processor.streaming.profile_stage import ProfileStage, sweep
from processor.streaming.slices import Slices
from processor.streaming.source_stage import SourceStage
from processor.streaming.takeover import TakeoverPlace
from processor.streaming.topics import Topics, TopicState
from processor.streaming.transport import Consumer
from processor.streaming.trimming import trim_forever

log = structlog.get_logger(__name__)

# Between two looks at the gauges.
_GAUGE_INTERVAL_S = 1.0
# Between two attempts to write a good definition back, at least.
_RESTORE_RETRY_S = 0.3
_DESCRIBE_RETRY_S = 0.5
# A group that has not answered for this long: Kafka is away.
_SILENT_S = 5.0
# How long a stop waits for frames that are under way.
_STOP_WAIT_S = 5.0
# Exit status of a worker that met what a person has to look at.
EXIT_FATAL = 70


class StreamingWorker:
    """The stream processing of one worker process. Made and used in the event loop's thread."""

    def __init__(
        self,
        settings: Settings,
        topics: Topics,
        states: dict[str, TopicState],
        hook: StepHook = no_hook,
    ) -> None:
        self.settings = settings
        self._topics = topics
        self._hook = hook
        self._states = states
        self._executor = ThreadPoolExecutor(PARTITIONS_PER_WORKER_MAX, "processor")
        self.definitions = DefinitionsReader(settings, self._executor)
        self.definitions.on_refused = self._refused
        self.definitions.on_moved = self._note_definitions
        self._producer = IdempotentProducer(settings, self.fatal)
        self._dead_letters = DeadLetters(settings.dead_letter_topic, self._producer)
        self.partitioner = Partitioner(settings.partitions)
        self._slices = Slices()
        self.source = SourceStage(
            self.definitions,
            self.partitioner,
            settings,
            self._producer,
            self._slices,
        )
        self.profiles = ProfileStage(settings, self.definitions, self.partitioner)
        self.joints = JointStage(self.definitions)
        self.partitions: dict[int, ProfilePartition] = {}
        self._consumer: Consumer | None = None
        self._to_restore: asyncio.Queue[RefusedRecord] = asyncio.Queue()
        self._tasks: set[asyncio.Task[Any]] = set()

    # --- start and stop ---------------------------------------------------------------------------

    def attach(self, consumer: Consumer) -> None:
        """Hear of the consumer's rebalances and failures; start the tasks beside the agents."""
        self._consumer = consumer
        consumer.on_gates_closed = self._gates_closed
        consumer.on_gates_made = self._gates_made
        consumer.on_fatal = self.fatal
        for task in (
            self.definitions.follow_forever(),
            self._producer.poll_forever(),
            self.source.commit_forever(consumer),
            self._sweep_forever(),
            trim_forever(self._topics, self._executor, self._applied),
            self._restore_forever(),
            self._gauge_forever(consumer),
        ):
            self.spawn(task)

    async def stop(self) -> None:
        """Let frames and flushes that are under way end, commit the source, close the stores."""
        loop = asyncio.get_running_loop()
        if self._consumer is not None:
            await loop.run_in_executor(None, self._producer.close, _STOP_WAIT_S)
            await self.source.commit(self._consumer)
        for partition in self.partitions.values():
            await partition.release()
        for task in self._tasks:
            task.cancel()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def fatal(self, error: BaseException) -> None:
        """End the process now: nothing may be sent or committed after this."""
        told = error if isinstance(error, ProcessorError) else repr(error)
        log.error("worker_stops", error=str(told), exc_info=None if told is error else error)
        os._exit(EXIT_FATAL)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run a task beside the agents; an exception in it ends the process."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fatal(error)

    # --- the agents -------------------------------------------------------------------------------

    async def source_agent(self, runs: faust.StreamT[Run]) -> None:
        """Process runs of enriched events."""
        async for run in runs:
            try:
                await self.source.process(run)
            except Exception as error:
                self.fatal(error)
            run.gate.done(run)

    async def profile_agent(self, runs: faust.StreamT[Run]) -> None:
        """Apply runs of frames: those of one partition in order, partitions beside each other."""
        async for run in runs:
            self.spawn(self._apply(run))

    async def rules_agent(self, runs: faust.StreamT[Run]) -> None:
        """Apply runs of parts, beside the frames."""
        async for run in runs:
            self.spawn(self._join(run))

    async def _apply(self, run: Run) -> None:
        ownership = self._ownership(run)
        if ownership is not None:
            async with ownership.order:
                await self.profiles.apply(ownership, run)
        run.gate.done(run)

    async def _join(self, run: Run) -> None:
        ownership = self._ownership(run)
        if ownership is not None:
            async with ownership.rules_order:
                await self.joints.apply(ownership, run)
        run.gate.done(run)

    def _ownership(self, run: Run) -> Ownership | None:
        partition = self.partitions.get(run.gate.partition)
        return partition.ownership if partition is not None else None

    # --- partitions come and go -------------------------------------------------------------------

    async def _gates_closed(self) -> None:
        self.source.stop_all()

    async def _gates_made(self, gates: list[Gate]) -> None:
        assert self._consumer is not None
        pairs, sources = self._sorted(gates)
        for number, partition in self.partitions.items():
            if number not in pairs:
                self.spawn(partition.release())
        ids = asyncio.get_running_loop().create_task(self._topic_ids())
        for pair in pairs.values():
            self.spawn(self._own(self._consumer, pair, ids))
        for gate in sources:
            self.spawn(self._start_source(self._consumer, gate, ids))

    def _sorted(self, gates: list[Gate]) -> tuple[dict[int, GatePair], list[Gate]]:
        """Return the gates of partitions of profiles, by number, and those of the source.

        The group gives both topics of a partition to one worker, except for a moment when its
        leader does not know one of them yet: half of a pair stays closed until the next rebalance.
        """
        by_topic: dict[str, dict[int, Gate]] = {}
        for gate in gates:
            by_topic.setdefault(gate.topic, {})[gate.partition] = gate
        contributions = by_topic.get(self.settings.contributions_topic, {})
        rules = by_topic.get(self.settings.rules_topic, {})
        for number in contributions.keys() ^ rules.keys():
            log.warning("half_a_partition", partition=number, hint="all workers need one version")
        pairs = {
            number: GatePair(contributions[number], rules[number])
            for number in sorted(contributions.keys() & rules.keys())
        }
        return pairs, list(by_topic.get(self.settings.enriched_topic, {}).values())

    async def _topic_ids(self) -> dict[str, str]:
        """Return the ids of the topics; a topic of ours that was made anew is a TopicError."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                ids = await loop.run_in_executor(self._executor, self._topics.ids)
                break
            except BrokerError as error:
                log.warning("topics_not_described", error=str(error))
                await asyncio.sleep(_DESCRIBE_RETRY_S)
        settings = self.settings
        for name in (settings.changelog_topic, settings.contributions_topic, settings.rules_topic):
            if ids.get(name) != self._states[name].topic_id:
                message = f"{name} was deleted or made anew while this worker ran"
                raise TopicError(message, hint="what was in it is lost: use a new PROCESSOR_APP_ID")
        return ids

    async def _own(
        self, consumer: Consumer, gates: GatePair, ids: Awaitable[dict[str, str]]
    ) -> None:
        await ids
        await self._partition(gates.contributions.partition).own(consumer, gates)

    async def _start_source(
        self, consumer: Consumer, gate: Gate, ids: Awaitable[dict[str, str]]
    ) -> None:
        topic_id = (await ids).get(self.settings.enriched_topic)
        if topic_id is not None:
            await self.source.start(consumer, gate, topic_id)

    def _partition(self, number: int) -> ProfilePartition:
        known = self.partitions.get(number)
        if known is None:
            place = TakeoverPlace(
                self.settings,
                number,
                self._states[self.settings.changelog_topic].topic_id,
                self._states[self.settings.contributions_topic].topic_id,
                self._states[self.settings.rules_topic].topic_id,
            )
            known = ProfilePartition(
                place, self.definitions, self._executor, self._slices, self._hook
            )
            self.partitions[number] = known
        return known

    # --- reading ----------------------------------------------------------------------------------

    def partition_of(self, key: str, identifier: str) -> ProfilePartition:
        """Return the partition of a profile, which this worker owns.

        Raises:
            NotReadyError: the partition is moving, or this worker may have lost its membership.
        """
        consumer = self._consumer
        session_s = self.settings.session_timeout_ms / 1000
        if consumer is None or monotonic_s() - consumer.heartbeat_at > session_s:
            message = "this worker has not heard from its group for a session"
            raise NotReadyError(message, hint="try again in a moment")
        partition = self.partitions.get(self.partitioner.partition(key, identifier))
        if partition is None:
            message = f"no worker has {key} {identifier!r} yet"
            raise NotReadyError(message, hint="try again in a moment")
        return partition

    def not_ready(self) -> str:
        """Return why this worker does not serve yet; empty when every partition of it is open.

        A worker for which no partition is left is ready: it forwards reads, and waits for one.
        """
        consumer = self._consumer
        if not self.definitions.ready.is_set():
            return "reading definitions"
        if consumer is None or not consumer.joined:
            return "joining the consumer group"
        if monotonic_s() - consumer.heartbeat_at > self.settings.session_timeout_ms / 1000:
            return "the consumer group has not answered for a session"
        waiting = sum(not gate.opened for gate in consumer.gates.values())
        if waiting:
            return f"{waiting} of {len(consumer.gates)} partitions are being taken over"
        return ""

    def restored(self) -> float:
        """Return how much of the changelogs of partitions being taken over is read, 0 to 1."""
        progress = [p.progress for p in self.partitions.values() if p.progress is not None]
        wanted = sum(one.end - one.start for one in progress)
        done = sum(one.position - one.start for one in progress)
        return done / wanted if wanted else 1.0

    # --- tasks beside the agents -------------------------------------------------------------

    def _note_definitions(self) -> None:
        for partition in self.partitions.values():
            self.spawn(partition.note_definitions())

    def _applied(self) -> dict[str, dict[int, int]]:
        """Return how far each partition of this worker is applied, as the changelog has it."""
        stored = {
            number: partition.ownership.table.flushed
            for number, partition in self.partitions.items()
            if partition.ownership is not None and partition.ownership.alive
        }
        return {
            self.settings.contributions_topic: {n: one.contributions for n, one in stored.items()},
            self.settings.rules_topic: {n: one.rules for n, one in stored.items()},
        }

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(self.settings.sweep_interval_s)
            for partition in list(self.partitions.values()):
                if partition.ownership is not None and partition.ownership.alive:
                    await sweep(partition.ownership, self.definitions)

    async def _gauge_forever(self, consumer: Consumer) -> None:
        silent = False
        while True:
            await asyncio.sleep(_GAUGE_INTERVAL_S)
            self._set_gauges(consumer)
            if consumer.app.crash_reason is not None:
                self.fatal(consumer.app.crash_reason)
            was_silent = silent
            silent = consumer.joined and monotonic_s() - consumer.heartbeat_at > _SILENT_S
            if silent and not was_silent:
                servers = self.settings.bootstrap_servers
                log.warning("kafka_does_not_answer", servers=servers, hint="nothing is lost")
            elif was_silent and not silent:
                log.info("kafka_answers_again")

    def _set_gauges(self, consumer: Consumer) -> None:
        roles = {
            self.settings.enriched_topic: "source",
            self.settings.contributions_topic: "profiles",
            self.settings.rules_topic: "rules",
        }
        counts = {(role, state): 0 for role in roles.values() for state in ("open", "closed")}
        LAG.clear()  # another worker tells the lag of a partition that went there
        for gate in list(consumer.gates.values()):
            counts[roles[gate.topic], "open" if gate.opened else "closed"] += 1
            end = consumer.end_offset(gate)
            if end is not None and gate.opened:
                LAG.labels(gate.topic, str(gate.partition)).set(max(0, end - gate.next_offset))
        for (role, state), count in counts.items():
            PARTITIONS.labels(role, state).set(count)

    def _refused(self, refusal: RefusedRecord) -> None:
        log_refusal(refusal)
        letter = refusal_dead_letter(self.settings.definitions_topic, refusal)
        self._dead_letters.write(letter, lambda: None)
        if refusal.good is not None:
            self._to_restore.put_nowait(refusal)

    async def _restore_forever(self) -> None:
        """Write last good definitions back, so that compaction cannot keep only the bad ones.

        One after the other: they all take the lock of the topic. Every worker does it; the second
        finds nothing left to do.
        """
        writer = DefinitionsWriter(self.settings)
        while True:
            refusal = await self._to_restore.get()
            record = refusal.record
            while True:
                try:
                    await asyncio.get_running_loop().run_in_executor(
                        self._executor, writer.restore, record.key, refusal.good, record.value
                    )
                except (ConflictError, BrokerError) as error:
                    log.warning("definition_not_restored_yet", key=record.key, error=str(error))
                    await asyncio.sleep(_RESTORE_RETRY_S * (1 + random.random()))  # noqa: S311 - spread
                else:
                    break
