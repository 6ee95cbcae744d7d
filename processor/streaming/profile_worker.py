"""What one process of the profile stage runs: its parts, put together.

Here is what each part receives, which part calls which, and what runs beside the agents. Each part
says itself what it does. processor/app.py numbers the order in which the process starts.
"""

from collections.abc import Callable, Sequence

from processor.kafka.topics import Topics, TopicState
from processor.memory import duplicates_bytes, memory_bytes, prefetch_bytes
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.stages import Stage
from processor.streaming.agents import ProfileAgents
from processor.streaming.definitions.refusals import Refusals
from processor.streaming.fetch.faults import Fault
from processor.streaming.fetch.gated_consumer import GatedConsumer
from processor.streaming.gate_assignment import ProfileAssignment
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
from processor.streaming.stage_worker import StageWorker


class ProfileWorker(StageWorker):
    """Keeps profiles and evaluates rules. The other arguments are those of StageWorker.

    `hook` is called between the steps of a flush.
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
        super().__init__(Stage.PROFILES, settings, topics, states, consumer, fatal)
        self.memory = WorkerMemory(
            memory_bytes(settings), horizon_ms=settings.recognised_ms,
            duplicates_bytes=duplicates_bytes(settings), prefetch_bytes=prefetch_bytes(settings),
        )  # fmt: skip
        self._restores = RestoreTurns()
        self._flushing = Flushing(hook)
        self._producer = IdempotentProducer(settings, fatal)
        # What is refused of definitions is dead-lettered; the last good ones are written back.
        letters = DeadLetters(settings.dead_letter_topic, self._producer)
        self._refusals = Refusals(settings, letters, self._executor)
        self.definitions.on_refused = self._refusals.take
        self.partitions = ProfilePartitions(
            settings, self.partitioner, self._make_partition, self.tasks
        )
        self.definitions.on_moved = self._note_definitions
        self._assignment = ProfileAssignment(
            settings, consumer, self._watch, self.others, self.tasks, self.partitions
        )
        stages = (
            ProfileStage(settings, self.definitions, self.partitioner),
            JointStage(self.definitions),
        )
        self._agents = ProfileAgents(stages, self.partitions, self.tasks)
        commits = GroupCommits(settings, topics, self.look, self._executor)
        self._watermarks = WatermarkKeeper(settings, commits, self.partitions.owned)

    def start(self) -> None:
        """Start the tasks of this process."""
        consumer, partitions = self._consumer, self.partitions
        agents = self._agents.by_topic(self.settings)
        works = (
            self._producer.poll_forever(),
            sweep_forever(self.settings, self.definitions, partitions.owned),
            self._watermarks.follow_forever(consumer),
            self.memory.tend_forever(partitions.owned),
            trim_forever(self._topics, self._executor, partitions.applied),
            self._refusals.restore_forever(),
            remove_unused_stores_forever(self.settings, partitions.get),
        )
        self._start(self._assignment, lambda run: agents[run.gate.topic](run), works)

    async def stop(self) -> None:
        """Let flushes that are under way end, and close the stores."""
        self.tasks.begin_stop()  # a rebalance may still give us partitions: they are not taken over
        self._consumer.close_gates()
        for partition in list(self.partitions.by_number.values()):
            await partition.release()
        self._restores.executor.shutdown(wait=False, cancel_futures=True)
        await super().stop()

    # --- what the API reads -----------------------------------------------------------------------

    def partition_of(self, key: str, identifier: str) -> ProfilePartition:
        """Return the partition of a profile, which this process owns.

        Raises:
            NotReadyError: the partition is moving, or this process may have lost its membership.
        """
        self._readiness.require_membership()
        return self.partitions.holding(key, identifier)

    def faults(self) -> Sequence[Fault]:
        """Return why partitions of profiles are closed."""
        return self.partitions.faults()

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
