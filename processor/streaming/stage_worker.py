"""What the processes of both stages run: the member of a group, its gates, and the definitions."""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from processor.kafka.partitioner import Partitioner
from processor.kafka.topics import Topics, TopicState
from processor.limits import PARTITIONS_PER_WORKER_MAX
from processor.settings import Settings
from processor.stages import Stage
from processor.streaming.definitions.definitions_topic import DefinitionsReader
from processor.streaming.fetch.faults import Fault
from processor.streaming.fetch.gated_consumer import GatedConsumer
from processor.streaming.fetch.gates import Run
from processor.streaming.fetch.group_look import GroupLook
from processor.streaming.fetch.other_workers import OtherWorkers
from processor.streaming.fetch.topic_watch import TopicWatch
from processor.streaming.gate_assignment import GateAssignment
from processor.streaming.gauges import Gauges, follow_backlogs
from processor.streaming.process_end import end_process
from processor.streaming.readiness import Readiness
from processor.streaming.slices import Slices
from processor.streaming.tasks import Tasks


class StageWorker:
    """The parts that do not depend on the stage. Made and used in the event loop's thread.

    Args:
        stage: the stage that this process runs.
        settings: what to run.
        topics: describes the topics and removes records.
        states: the topics as they were when the process started, by name.
        consumer: the member of the stage's group.
        fatal: ends the process; nothing may be sent or committed after that.
    """

    def __init__(
        self,
        stage: Stage,
        settings: Settings,
        topics: Topics,
        states: dict[str, TopicState],
        consumer: GatedConsumer,
        fatal: Callable[[BaseException], None] = end_process,
    ) -> None:
        self.stage = stage
        self.settings = settings
        self.tasks = Tasks(fatal)
        self.partitioner = Partitioner(settings.partitions)
        self.look = GroupLook(settings)
        self.others = OtherWorkers(settings, stage, self.look)
        self._topics = topics
        self._states = states
        self._consumer = consumer
        self._fatal = fatal
        self._executor = ThreadPoolExecutor(PARTITIONS_PER_WORKER_MAX, "processor")
        self._slices = Slices()
        self._watch = TopicWatch(settings, stage, topics, states, self._executor)
        self.definitions = DefinitionsReader(settings, self._executor)
        self._readiness = Readiness(settings, self.definitions, self._watch, consumer, self.others)

    def _start(
        self,
        assignment: GateAssignment[Any],
        on_run: Callable[[Run], None],
        works: Iterable[Coroutine[Any, Any, None]],
    ) -> None:
        """Receive the consumer's rebalances, failures and runs; start the tasks beside them."""
        consumer = self._consumer
        consumer.on_gates_closed = assignment.gates_closed
        consumer.on_gates_made = assignment.gates_made
        consumer.on_fatal = self._fatal
        consumer.on_fault = assignment.fail
        consumer.on_run = on_run
        gauges = Gauges(self.settings, self.stage, consumer, self.faults, self._fatal)
        for task in (
            *works,
            self.definitions.follow_forever(),
            self.others.follow_forever(consumer, assignment.stop_all),
            self._watch.follow_forever(consumer, assignment.topic_made_anew),
            consumer.watch_membership_forever(),
            gauges.set_forever(),
            follow_backlogs(consumer, self.faults),
        ):
            self.tasks.spawn(task)

    async def stop(self) -> None:
        """Stop what runs; the stage has ended its own work before."""
        self.tasks.cancel()
        await self.look.close()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def not_ready(self) -> str:
        """Return why this process does not serve; empty when it does."""
        return self._readiness.not_ready(self.faults())

    def faults(self) -> Sequence[Fault]:
        """Return why partitions of this process are closed."""
        raise NotImplementedError
