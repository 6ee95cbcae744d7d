"""The agents of both stages: they pass the runs of each topic to the stage that processes them.

The fetch path calls them with each run; no stream of Faust lies between.

Invariant: an error of a run closes the partition of the run, never the agent; and each run is given
back to its gate, which counts what is in flight.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.streaming.fetch.gates import Gate, Run
from processor.streaming.profiles.input_stage import InputStage
from processor.streaming.profiles.profile_partitions import ProfilePartitions
from processor.streaming.source.source_stage import SourceStage
from processor.streaming.tasks import Tasks

Agent = Callable[[Run], None]


class SourceAgent:
    """Processes runs of enriched events one after the other; `fail` closes a source partition."""

    def __init__(self, source: SourceStage, fail: Callable[[Gate, Exception], None]) -> None:
        self._source = source
        self._fail = fail
        # Runs that wait for the one in work: their gates bound how many.
        self._waiting: deque[Run] = deque()
        self._some = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False

    def take(self, run: Run) -> None:
        """Let a run wait for its turn."""
        self._waiting.append(run)
        self._some.set()

    async def finish(self) -> None:
        """Begin no further run, and wait until the one in work is processed."""
        self._stopping = True
        await self._idle.wait()

    async def process_forever(self) -> None:
        """Process runs as they come."""
        while True:
            while self._waiting and not self._stopping:
                run = self._waiting.popleft()
                self._idle.clear()
                try:
                    await self._source.process(run)
                except Exception as error:
                    self._fail(run.gate, error)
                self._idle.set()
                run.gate.done(run)
            self._some.clear()
            await self._some.wait()


class ProfileAgents:
    """Runs the stages of the inputs of profiles.

    Runs are applied by tasks: those of one partition and input in order, partitions and inputs
    beside each other.
    """

    def __init__(
        self, stages: Iterable[InputStage[Any]], partitions: ProfilePartitions, tasks: Tasks
    ) -> None:
        self._stages = {stage.input: stage for stage in stages}
        self._partitions = partitions
        self._tasks = tasks
        assert self._stages.keys() == set(ProfileInput), "each input has its stage"

    def by_topic(self, settings: Settings) -> dict[str, Agent]:
        """Return the agent of each topic that the stage reads."""
        return {one.topic(settings): partial(self._take, self._stages[one]) for one in ProfileInput}

    def _take(self, stage: InputStage[Any], run: Run) -> None:
        self._tasks.spawn(self._apply(stage, run))

    async def _apply(self, stage: InputStage[Any], run: Run) -> None:
        ownership = self._partitions.ownership(run.gate.partition)
        if ownership is not None:
            async with ownership.orders[stage.input]:
                try:
                    await stage.apply(ownership, run)
                except Exception as error:
                    ownership.fail(error)
        run.gate.done(run)
