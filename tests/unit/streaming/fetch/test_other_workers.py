"""Workers of older versions keep everything closed; levels are what both groups read."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from processor.errors import BrokerError
from processor.formats import NEWEST_LEVEL, STAGES_LEVEL
from processor.settings import Settings
from processor.stages import Stage
from processor.streaming.fetch import other_workers
from processor.streaming.fetch.group_look import Member
from processor.streaming.fetch.other_workers import OtherWorkers
from tests.unit.streaming.fakes import FakeConsumer

SETTINGS = Settings(_env_file=None, app_id="shop")
NEWER = NEWEST_LEVEL + 1
ALL = frozenset(topic for stage in Stage for topic in stage.topics(SETTINGS))


def member(stage: Stage, name: str, level: int = NEWEST_LEVEL) -> Member:
    return Member(name, frozenset(stage.topics(SETTINGS)), f"http://{name}", level)


OLDER = Member("older", ALL, "http://older", 1)


class World:
    """A process of the profile stage, beside groups that the test sets."""

    def __init__(self) -> None:
        self.groups: dict[str, list[Member] | None] = {"shop": [], "shop-profiles": []}
        self.failing = False
        self.consumer = FakeConsumer()
        self.consumer.other_level = STAGES_LEVEL
        self.stopped = 0
        look: Any = self
        self.others = OtherWorkers(SETTINGS, Stage.PROFILES, look)

    async def members(self, group: str) -> list[Member] | None:
        if self.failing:
            message = "Kafka is away"
            raise BrokerError(message)
        return self.groups[group]

    def stop_all(self) -> None:
        self.stopped += 1

    async def looks(self) -> None:
        await asyncio.sleep(0.03)

    async def is_gone(self) -> bool:
        await self.looks()
        try:
            await asyncio.wait_for(self.others.gone(), 0.02)
        except TimeoutError:
            return False
        return True


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(other_workers, "OTHERS_LOOK_S", 0.002)
    monkeypatch.setattr(other_workers, "_FIRST_LOOK_S", 0.002)
    made = World()
    yield made
    assert not made.following.done()  # type: ignore[attr-defined]  # each test starts it
    made.following.cancel()  # type: ignore[attr-defined]


def start(world: World) -> None:
    following = world.others.follow_forever(world.consumer, world.stop_all)
    world.following = asyncio.create_task(following)  # type: ignore[attr-defined]


async def test_nothing_opens_before_the_first_answer(world: World) -> None:
    world.failing = True
    start(world)
    assert not await world.is_gone()
    assert "looking for" in world.others.wait
    world.failing = False
    assert await world.is_gone()
    assert world.others.wait == ""


async def test_a_group_that_rebalances_tells_nothing(world: World) -> None:
    world.groups["shop"] = None
    start(world)
    assert not await world.is_gone()
    world.groups["shop"] = [member(Stage.SOURCE, "one")]
    assert await world.is_gone()
    world.groups["shop"] = None
    await world.looks()
    assert world.others.wait == "", "what was known holds"
    assert world.stopped == 0


async def test_it_waits_while_an_older_worker_runs_and_says_which(world: World) -> None:
    world.groups["shop"] = [member(Stage.SOURCE, "one"), OLDER]
    start(world)
    assert not await world.is_gone()
    assert "'shop'" in world.others.wait
    assert "older" in world.others.wait
    assert "one" not in world.others.wait.split("(")[1].split(")")[0]
    assert world.stopped == 0, "nothing was open"
    world.groups["shop"] = [member(Stage.SOURCE, "one")]
    assert await world.is_gone()


async def test_an_older_worker_that_comes_later_stops_all_until_it_has_gone(world: World) -> None:
    start(world)
    assert await world.is_gone()
    world.groups["shop"] = [OLDER]
    assert not await world.is_gone()
    assert world.stopped == 1
    world.groups["shop"] = []
    assert await world.is_gone()
    assert world.consumer.joins == 1, "new gates come with a rebalance"


async def test_the_level_is_the_lowest_of_the_other_stage(world: World) -> None:
    world.groups["shop"] = [member(Stage.SOURCE, "a", NEWER), member(Stage.SOURCE, "b", 2)]
    start(world)
    assert await world.is_gone()
    assert world.consumer.other_level == 2
    world.groups["shop"] = [member(Stage.SOURCE, "a", NEWER)]
    joins = world.consumer.joins
    await world.looks()
    assert world.consumer.other_level == NEWER
    assert world.consumer.joins == joins + 1, "it applies from the next generation on"


@pytest.mark.parametrize("seen", [None, []])
async def test_while_no_other_is_seen_it_is_what_it_was(
    world: World, seen: list[Member] | None
) -> None:
    """At first the level that every version with two groups reads."""
    start(world)
    assert await world.is_gone()
    assert world.consumer.other_level == STAGES_LEVEL
    world.groups["shop"] = [member(Stage.SOURCE, "a", NEWER)]
    await world.looks()
    world.groups["shop"] = seen
    await world.looks()
    assert world.consumer.other_level == NEWER


async def test_a_level_that_falls_applies_from_the_next_generation_on(world: World) -> None:
    world.groups["shop"] = [member(Stage.SOURCE, "a", NEWER)]
    start(world)
    assert await world.is_gone()
    joins = world.consumer.joins
    world.groups["shop"] = [member(Stage.SOURCE, "a", NEWER), member(Stage.SOURCE, "b", 2)]
    await world.looks()
    assert world.consumer.other_level == 2
    assert world.consumer.joins == joins + 1


async def test_older_workers_do_not_lower_the_level(world: World) -> None:
    """They read nothing that is written beside them: all gates are closed."""
    world.groups["shop"] = [OLDER]
    start(world)
    await world.looks()
    assert world.consumer.other_level == STAGES_LEVEL


async def test_the_urls_of_source_processes_are_those_of_members_that_read_the_source(
    world: World,
) -> None:
    world.groups["shop"] = [member(Stage.SOURCE, "one"), OLDER]
    start(world)
    assert await world.others.sources() == {"http://one"}
