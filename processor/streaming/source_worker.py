"""What one process of the source stage runs: its parts, put together.

processor/app.py numbers the order in which it starts.
"""

import asyncio
from collections.abc import Callable, Sequence

from processor.kafka.topics import Topics, TopicState
from processor.settings import Settings
from processor.stages import Stage
from processor.streaming.agents import SourceAgent
from processor.streaming.fetch.faults import Fault
from processor.streaming.fetch.gated_consumer import GatedConsumer
from processor.streaming.gate_assignment import SourceAssignment
from processor.streaming.messages.producers import IdempotentProducer
from processor.streaming.process_end import end_process
from processor.streaming.source.backlog import Backlog
from processor.streaming.source.native_code import tell_code_in_use
from processor.streaming.source.source_stage import SourceStage
from processor.streaming.stage_worker import StageWorker

# How long a stop waits for frames that are under way.
_STOP_WAIT_S = 5.0


class SourceWorker(StageWorker):
    """Reads enriched events and writes frames. The arguments are those of StageWorker."""

    def __init__(
        self,
        settings: Settings,
        topics: Topics,
        states: dict[str, TopicState],
        consumer: GatedConsumer,
        fatal: Callable[[BaseException], None] = end_process,
    ) -> None:
        super().__init__(Stage.SOURCE, settings, topics, states, consumer, fatal)
        self._producer = IdempotentProducer(settings, fatal)
        self._backlog = Backlog(settings, self.look)
        self._source = SourceStage(
            self.definitions, self.partitioner, settings, self._producer, self._slices,
            self._backlog,
        )  # fmt: skip
        self._assignment = SourceAssignment(
            settings, consumer, self._watch, self.others, self.tasks, self._source
        )
        self._agent = SourceAgent(self._source, self._assignment.fail)

    def start(self) -> None:
        """Start the tasks of this process."""
        tell_code_in_use()
        works = (
            self._agent.process_forever(),
            self._producer.poll_forever(),
            self._source.commit_forever(self._consumer),
            self._backlog.follow_forever(),
        )
        self._start(self._assignment, self._agent.take, works)

    async def stop(self) -> None:
        """Let frames that are under way be acknowledged, and commit the source."""
        self.tasks.begin_stop()
        self._backlog.ignore()
        await self._agent.finish()
        self._source.send_all()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._producer.close, _STOP_WAIT_S)
        await self._source.commit(self._consumer)
        self._consumer.close_gates()
        await super().stop()

    def faults(self) -> Sequence[Fault]:
        """Return why partitions of the source are closed."""
        return [*self._source.partitions.faults.values()]
