import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from processor.formats import NEWEST_LEVEL
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.streaming.agents import ProfileAgents, SourceAgent
from processor.streaming.fetch.gates import Gate, Run
from processor.streaming.tasks import Tasks

SETTINGS = Settings(_env_file=None)
INPUTS = [one.topic(SETTINGS) for one in ProfileInput]


class Stage:
    """Notes the runs that it processes, and fails at those that begin at 0."""

    def __init__(self, one: ProfileInput | None = None) -> None:
        self.input = one
        self.runs: list[int] = []

    async def process(self, run: Run) -> None:
        self.runs.append(run.start)
        if run.start == 0:
            raise KeyError("ours")

    async def apply(self, _ownership: Any, run: Run) -> None:
        await self.process(run)


class World:
    def __init__(self) -> None:
        source, *profiles = stages = [Stage(), *map(Stage, ProfileInput)]
        self.failed: list[object] = []
        self.fatal: list[BaseException] = []
        orders = {one: asyncio.Lock() for one in ProfileInput}
        self.own: Any = SimpleNamespace(orders=orders, fail=self.failed.append)
        partitions: Any = SimpleNamespace(ownership=lambda number: None if number else self.own)
        ours: Any = source
        self.source = SourceAgent(ours, lambda gate, _: self.failed.append(gate))
        theirs: Any = profiles
        agents = ProfileAgents(theirs, partitions, Tasks(self.fatal.append)).by_topic(SETTINGS)
        self.agents = {SETTINGS.enriched_topic: self.source.take, **agents}
        self.stages = dict(zip(self.agents, stages, strict=True))


def runs_of(partition: int = 0) -> list[Run]:
    gate = Gate("topic", partition, 1, "member", NEWEST_LEVEL)
    gate.in_flight = 2
    return [Run(gate, (), start, start + 1) for start in (0, 1)]


async def take(world: World, topic: str, runs: list[Run]) -> None:
    """Let the agent of a topic take runs, and the tasks do what they can."""
    working = asyncio.create_task(world.source.process_forever())
    for run in runs:
        world.agents[topic](run)
    await asyncio.sleep(0.01)
    assert not working.done()
    working.cancel()


def test_each_topic_has_its_agent() -> None:
    assert [*World().agents] == [SETTINGS.enriched_topic, *INPUTS]


@pytest.mark.parametrize("without", ProfileInput)
def test_an_input_without_a_stage_is_noticed_at_the_start(without: ProfileInput) -> None:
    stages: Any = [Stage(one) for one in ProfileInput if one is not without]
    nothing: Any = None
    with pytest.raises(AssertionError, match="each input has its stage"):
        ProfileAgents(stages, nothing, nothing)


@pytest.mark.parametrize("topic", [SETTINGS.enriched_topic, *INPUTS])
async def test_an_error_closes_the_partition_and_the_agent_goes_on(topic: str) -> None:
    world = World()
    runs = runs_of()
    await take(world, topic, runs)
    assert {name: stage.runs for name, stage in world.stages.items() if stage.runs} == {
        topic: [0, 1]
    }
    assert len(world.failed) == 1
    assert world.fatal == []
    assert runs[0].gate.in_flight == 0


@pytest.mark.parametrize("topic", INPUTS)
async def test_a_run_of_a_partition_that_is_not_owned_is_given_back(topic: str) -> None:
    world = World()
    runs = runs_of(partition=1)
    await take(world, topic, runs)
    assert world.stages[topic].runs == []
    assert runs[0].gate.in_flight == 0


async def test_runs_of_events_are_processed_one_after_the_other() -> None:
    world = World()
    runs = [Run(Gate("topic", n, 1, "m", NEWEST_LEVEL, in_flight=1), (), 1, 2) for n in range(3)]
    turn, seen = asyncio.Event(), []

    async def process(run: Run) -> None:
        seen.append(run.gate.partition)
        await turn.wait()

    world.stages[SETTINGS.enriched_topic].process = process  # type: ignore[method-assign]  # it waits
    await take(world, SETTINGS.enriched_topic, runs)
    assert seen == [0]
    assert [run.gate.in_flight for run in runs] == [1, 1, 1]


async def test_a_stop_waits_for_the_run_in_work_and_begins_no_other() -> None:
    world = World()
    runs = [Run(Gate("topic", n, 1, "m", NEWEST_LEVEL, in_flight=1), (), 1, 2) for n in range(2)]
    turn, seen = asyncio.Event(), []

    async def process(run: Run) -> None:
        seen.append(run.gate.partition)
        await turn.wait()

    world.stages[SETTINGS.enriched_topic].process = process  # type: ignore[method-assign]  # it waits
    working = asyncio.create_task(world.source.process_forever())
    for run in runs:
        world.source.take(run)
    await asyncio.sleep(0.01)
    finishing = asyncio.create_task(world.source.finish())
    await asyncio.sleep(0.01)
    assert not finishing.done()
    turn.set()
    await asyncio.wait_for(finishing, 1)
    await asyncio.sleep(0.01)
    assert seen == [0]
    working.cancel()
