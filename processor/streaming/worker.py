"""What one worker runs: the parts of its stream processing, put together.

Here is what each part receives, which part calls which, and what runs beside the agents. Each part
says itself what it does. processor/app.py numbers the order in which a worker starts.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

from processor.kafka.partitioner import Partitioner
from processor.kafka.topics import Topics, TopicState
from processor.limits import PARTITIONS_PER_WORKER_MAX
from processor.memory import duplicates_bytes, memory_bytes, prefetch_bytes
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.streaming.agents import Agents
from processor.streaming.definitions.definitions_topic import DefinitionsReader
from processor.streaming.definitions.refusals import Refusals
from processor.streaming.fetch.faults import Fault
from processor.streaming.fetch.gated_consumer import GatedConsumer
from processor.streaming.fetch.topic_watch import TopicWatch
from processor.streaming.gate_assignment import GateAssignment
from processor.streaming.gauges import Gauges, follow_backlogs
from processor.streaming.messages.dead_letters import DeadLetters
from processor.streaming.messages.producers import IdempotentProducer
from processor.streaming.process_end import end_process
from processor.streaming.profiles.flush import Flushing, StepHook, no_hook
from processor.streaming.profiles.group_commits import GroupCommits
from processor.streaming.profiles.joint_stage import JointStage
from processor.streaming.profiles.profile_partition import ProfilePartition
from processor.streaming.profiles.profile_partitions import ProfilePartitions
from processor.streaming.profiles.profile_stage import ProfileStage
from processor.streaming.profiles.restore_turns import RestoreTurns
from processor.streaming.profiles.sweep import sweep_forever
from processor.streaming.profiles.takeover import TakeoverPlace
from processor.streaming.profiles.trimming import trim_forever
from processor.streaming.profiles.unused_stores import remove_unused_stores_forever
from processor.streaming.profiles.watermark_keeper import WatermarkKeeper
from processor.streaming.profiles.worker_memory import WorkerMemory
from processor.streaming.readiness import Readiness
from processor.streaming.slices import Slices
from processor.streaming.source.native_code import tell_code_in_use
from processor.streaming.source.source_stage import SourceStage
from processor.streaming.tasks import Tasks

log = structlog.get_logger(__name__)

# How long a stop waits for frames that are under way.
_STOP_WAIT_S = 5.0


class StreamingWorker:
    """The stream processing of one worker process. Made and used in the event loop's thread.

    Args:
        settings: what to run.
        topics: describes the topics and removes records.
        states: the topics as they were when the worker started, by name.
        consumer: the member of the group.
        hook: called between the steps of a flush.
        fatal: ends the process; nothing may be sent or committed after that.
    """

    def __init__(
        self,
        settings: Settings,
        topics: Topics,
        states: dict[str, TopicState],
        consumer: GatedConsumer,
        hook: StepHook = no_hook,
        fatal: Callable[[BaseException], None] = end_process,
    ) -> None:
        self.settings = settings
        self.tasks = Tasks(fatal)
        self.partitioner = Partitioner(settings.partitions)
        self.memory = WorkerMemory(
            memory_bytes(settings), horizon_ms=settings.recognised_ms,
            duplicates_bytes=duplicates_bytes(settings), prefetch_bytes=prefetch_bytes(settings),
        )  # fmt: skip
        self._topics = topics
        self._states = states
        self._consumer = consumer
        self._fatal = fatal
        self._executor = ThreadPoolExecutor(PARTITIONS_PER_WORKER_MAX, "processor")
        self._restores = RestoreTurns()
        self._slices = Slices()
        self._flushing = Flushing(hook)
        self._producer = IdempotentProducer(settings, fatal)
        self._watch = TopicWatch(settings, topics, states, self._executor)
        # What is refused of definitions is dead-lettered; the last good ones are written back.
        self.definitions = DefinitionsReader(settings, self._executor)
        letters = DeadLetters(settings.dead_letter_topic, self._producer)
        self._refusals = Refusals(settings, letters, self._executor)
        self.definitions.on_refused = self._refusals.take
        # The stages, and the partitions that they work on.
        self._source = SourceStage(
            self.definitions, self.partitioner, settings, self._producer, self._slices
        )
        self.partitions = ProfilePartitions(
            settings, self.partitioner, self._make_partition, self.tasks
        )
        self.definitions.on_moved = self._note_definitions
        self._assignment = GateAssignment(
            settings, consumer, self._watch, self._source, self.partitions, self.tasks
        )
        self._agents = Agents(
            self._source,
            (
                ProfileStage(settings, self.definitions, self.partitioner),
                JointStage(self.definitions),
            ),
            self.partitions,
            self._assignment,
            self.tasks,
        )
        self._watermarks = WatermarkKeeper(
            settings, GroupCommits(settings, topics, self._executor), self.partitions.owned
        )
        self._readiness = Readiness(settings, self.definitions, self._watch, consumer)

    def start(self) -> None:
        """Receive the consumer's rebalances and failures; start the tasks beside the agents."""
        tell_code_in_use()
        consumer, partitions = self._consumer, self.partitions
        consumer.on_gates_closed = self._assignment.gates_closed
        consumer.on_gates_made = self._assignment.gates_made
        consumer.on_fatal = self._fatal
        consumer.on_fault = self._assignment.fail
        agents = self._agents.by_topic(self.settings)
        consumer.on_run = lambda run: agents[run.gate.topic](run)
        for task in (
            self._agents.events_forever(),
            self.definitions.follow_forever(),
            self._producer.poll_forever(),
            self._source.commit_forever(consumer),
            sweep_forever(self.settings, self.definitions, partitions.owned),
            self._watermarks.follow_forever(consumer),
            self.memory.tend_forever(partitions.owned),
            trim_forever(self._topics, self._executor, partitions.applied),
            self._refusals.restore_forever(),
            self._watch.follow_forever(consumer, self._assignment.topic_made_anew),
            remove_unused_stores_forever(self.settings, partitions.get),
            consumer.watch_membership_forever(),
            Gauges(self.settings, consumer, self.faults, self._fatal).set_forever(),
            follow_backlogs(consumer, self.faults),
        ):
            self.tasks.spawn(task)

    async def stop(self) -> None:
        """Let frames and flushes that are under way end, commit the source, close the stores."""
        self.tasks.begin_stop()  # a rebalance may still give us partitions: they are not taken over
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._producer.close, _STOP_WAIT_S)
        await self._source.commit(self._consumer)
        self._consumer.close_gates()
        for partition in list(self.partitions.by_number.values()):
            await partition.release()
        self.tasks.cancel()
        for executor in (self._executor, self._restores.executor):
            executor.shutdown(wait=False, cancel_futures=True)

    # --- what the API reads -----------------------------------------------------------------------

    def partition_of(self, key: str, identifier: str) -> ProfilePartition:
        """Return the partition of a profile, which this worker owns.

        Raises:
            NotReadyError: the partition is moving, or this worker may have lost its membership.
        """
        self._readiness.require_membership()
        return self.partitions.holding(key, identifier)

    def not_ready(self) -> str:
        """Return why this worker does not serve; empty when it does."""
        return self._readiness.not_ready(self.faults())

    def faults(self) -> list[Fault]:
        """Return why partitions of this worker are closed."""
        return [*self._source.partitions.faults.values(), *self.partitions.faults()]

    # --- what the parts call ----------------------------------------------------------------------

    def _make_partition(self, number: int) -> ProfilePartition:
        place = TakeoverPlace(
            self.settings,
            number,
            self._states[self.settings.changelog_topic].topic_id,
            {one: self._states[one.topic(self.settings)].topic_id for one in ProfileInput},
            self._restores,
        )
        return ProfilePartition(
            place, self.definitions, self._executor, self._slices, self.memory, self._flushing
        )

    def _note_definitions(self) -> None:
        self.partitions.note_definitions(self.definitions.plan)
