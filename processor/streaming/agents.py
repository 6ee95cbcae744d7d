"""The agents of a worker: they pass the runs of each topic to the stage that processes them.

The fetch path calls them with each run; no stream of Faust lies between.

Source runs are processed one after the other. Runs of the inputs of profiles are applied by tasks:
those of one partition and input in order, partitions and inputs beside each other.

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
from processor.streaming.fetch.gates import Run
from processor.streaming.gate_assignment import GateAssignment
from processor.streaming.profiles.input_stage import InputStage
from processor.streaming.profiles.profile_partitions import ProfilePartitions
from processor.streaming.source.source_stage import SourceStage
from processor.streaming.tasks import Tasks

Agent = Callable[[Run], None]


class Agents:
    """Runs the stages on what the fetch path returns."""

    def __init__(
        self,
        source: SourceStage,
        profiles: Iterable[InputStage[Any]],
        partitions: ProfilePartitions,
        assignment: GateAssignment,
        tasks: Tasks,
    ) -> None:
        self._source = source
        self._profiles = {stage.input: stage for stage in profiles}
        self._partitions = partitions
        self._assignment = assignment
        self._tasks = tasks
        # Runs of events that wait for the one in work: their gates bound how many.
        self._waiting: deque[Run] = deque()
        self._some = asyncio.Event()
        assert self._profiles.keys() == set(ProfileInput), "each input has its stage"

    def by_topic(self, settings: Settings) -> dict[str, Agent]:
        """Return the agent of each topic that the group reads."""
        inputs = {
            one.topic(settings): partial(self.of_input, self._profiles[one]) for one in ProfileInput
        }
        return {settings.enriched_topic: self.events, **inputs}

    def events(self, run: Run) -> None:
        """Let a run of enriched events wait for its turn."""
        self._waiting.append(run)
        self._some.set()

    def of_input(self, stage: InputStage[Any], run: Run) -> None:
        """Apply a run of an input: those of a partition in order, partitions beside each other."""
        self._tasks.spawn(self._apply(stage, run))

    async def events_forever(self) -> None:
        """Process runs of enriched events, one after the other."""
        while True:
            while self._waiting:
                run = self._waiting.popleft()
                try:
                    await self._source.process(run)
                except Exception as error:
                    self._assignment.fail(run.gate, error)
                run.gate.done(run)
            self._some.clear()
            await self._some.wait()

    async def _apply(self, stage: InputStage[Any], run: Run) -> None:
        ownership = self._partitions.ownership(run.gate.partition)
        if ownership is not None:
            async with ownership.orders[stage.input]:
                try:
                    await stage.apply(ownership, run)
                except Exception as error:
                    ownership.fail(error)
        run.gate.done(run)
