import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from processor.formats import NEWEST_LEVEL
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.streaming.fetch.gates import Gate, ProfileGates
from processor.streaming.gate_assignment import ProfileAssignment, SourceAssignment
from processor.streaming.tasks import Tasks
from tests.unit.streaming.fakes import FakeConsumer

SETTINGS = Settings(_env_file=None)
SOURCE = SETTINGS.enriched_topic
INPUTS = [one.topic(SETTINGS) for one in ProfileInput]


def profiles(number: int) -> list[tuple[str, int]]:
    return [(topic, number) for topic in INPUTS]


class Partition:
    def __init__(self) -> None:
        self.owned: list[ProfileGates] = []
        self.released = 0
        self.ownership: Any = None

    async def own(self, _consumer: object, gates: ProfileGates) -> None:
        self.owned.append(gates)

    async def release(self) -> None:
        self.released += 1


class World:
    """The assignments of both stages, between a group and partitions that note what they are asked.

    Each stage has a member of its own; one stands for both here.
    """

    def __init__(self) -> None:
        self.by_number: dict[int, Partition] = {}
        self.started: list[Gate] = []
        self.failed: list[Gate] = []
        self.stops = 0
        self.fatal: list[BaseException] = []
        self.consumer = FakeConsumer()
        self.watch: Any = SimpleNamespace(made_anew="", known_ids=self._ids)
        self.confirmed = asyncio.Event()
        self.confirmed.set()
        sources = SimpleNamespace(own=self._start, fail=self._fail)
        source: Any = SimpleNamespace(partitions=sources, stop_all=self._stop_all)
        partitions: Any = SimpleNamespace(
            by_number=self.by_number,
            get=lambda number: self.by_number.setdefault(number, Partition()),
            ownership=lambda number: self.by_number[number].ownership,
        )
        self.tasks = Tasks(self.fatal.append)
        self.older = asyncio.Event()
        self.older.set()
        others: Any = SimpleNamespace(gone=self.older.wait)
        given = SETTINGS, self.consumer, self.watch, others, self.tasks
        self.source = SourceAssignment(*given, source)
        self.profiles = ProfileAssignment(*given, partitions)

    async def _ids(self) -> dict[str, str]:
        await self.confirmed.wait()
        return {} if self.watch.made_anew else {SOURCE: "id"}

    async def _start(self, _consumer: object, gate: Gate, _topic_id: str) -> None:
        self.started.append(gate)

    async def _fail(self, _consumer: object, gate: Gate, _error: Exception) -> None:
        self.failed.append(gate)

    def _stop_all(self) -> None:
        self.stops += 1

    async def assign(self, *names: tuple[str, int]) -> list[Gate]:
        gates = [Gate(topic, number, 1, "member", NEWEST_LEVEL) for topic, number in names]
        self.consumer.held = {(gate.topic, gate.partition): gate for gate in gates}
        await self.source.gates_made([gate for gate in gates if gate.topic == SOURCE])
        await self.profiles.gates_made([gate for gate in gates if gate.topic != SOURCE])
        await asyncio.sleep(0.01)
        assert self.fatal == []
        return gates


async def test_the_gates_of_all_inputs_go_to_their_partition_and_the_source_is_started() -> None:
    world = World()
    source, *gates = await world.assign((SOURCE, 1), *profiles(0))
    assert world.started == [source]
    (owned,) = world.by_number[0].owned
    assert [*owned.all] == gates


@pytest.mark.parametrize("topic", INPUTS)
async def test_a_partition_stays_closed_without_one_of_its_inputs(topic: str) -> None:
    world = World()
    with capture_logs() as logged:
        await world.assign(*(set(profiles(0)) - {(topic, 0)}), (topic, 1))
    assert world.by_number == {}
    assert [(one["event"], one["partition"]) for one in logged] == [
        ("half_a_partition", 0), ("half_a_partition", 1),
    ]  # fmt: skip


async def test_what_the_group_has_taken_away_is_released() -> None:
    world = World()
    await world.assign(*profiles(0), *profiles(1))
    await world.assign(*profiles(1))
    assert [world.by_number[number].released for number in (0, 1)] == [1, 0]


async def test_nothing_is_started_before_the_topics_are_confirmed() -> None:
    world = World()
    world.confirmed.clear()
    await world.assign((SOURCE, 0), *profiles(0))
    assert (world.started, world.by_number) == ([], {})
    world.confirmed.set()
    await asyncio.sleep(0.01)
    assert len(world.started) == len(world.by_number[0].owned) == 1


async def test_nothing_is_started_while_a_worker_of_an_older_version_runs() -> None:
    world = World()
    world.older.clear()
    await world.assign((SOURCE, 0), *profiles(0))
    assert (world.started, world.by_number) == ([], {})
    world.older.set()
    await asyncio.sleep(0.01)
    assert len(world.started) == len(world.by_number[0].owned) == 1


async def test_all_is_stopped_when_a_worker_of_an_older_version_starts() -> None:
    world = World()
    gates = await world.assign((SOURCE, 0), *profiles(0))
    world.source.stop_all()
    world.profiles.stop_all()
    await asyncio.sleep(0.01)
    assert not any(gate.alive for gate in gates)
    assert world.stops == 1
    assert world.by_number[0].released == 1


async def test_nothing_is_started_after_the_stop_has_begun() -> None:
    world = World()
    world.tasks.begin_stop()
    await world.assign((SOURCE, 0), *profiles(0))
    assert (world.started, world.by_number) == ([], {})


async def test_a_source_that_was_made_anew_is_started_again() -> None:
    world = World()
    (source, *_) = await world.assign((SOURCE, 0), *profiles(0))
    world.consumer.held = {(SOURCE, 0): source}
    world.source.topic_made_anew()
    world.profiles.topic_made_anew()
    await asyncio.sleep(0.01)
    assert not source.alive
    assert world.stops == 1
    assert world.started == [source, world.consumer.held[SOURCE, 0]]
    assert world.by_number[0].released == 0


async def test_a_topic_with_state_that_was_made_anew_stops_all() -> None:
    world = World()
    gates = await world.assign((SOURCE, 0), *profiles(0))
    world.watch.made_anew = "a topic was deleted"
    world.source.topic_made_anew()
    world.profiles.topic_made_anew()
    await asyncio.sleep(0.01)
    assert not any(gate.alive for gate in gates)
    assert world.by_number[0].released == 1
    assert len(world.started) == 1


async def test_a_fault_goes_to_the_partition_of_its_gate() -> None:
    world = World()
    source, *of_profiles = await world.assign((SOURCE, 0), *profiles(0))
    failures: list[Exception] = []
    gates = ProfileGates(dict(zip(ProfileInput, of_profiles, strict=True)))
    world.by_number[0].ownership = SimpleNamespace(gates=gates, fail=failures.append)
    error = KeyError("ours")
    world.source.fail(source, error)
    for gate in of_profiles:
        world.profiles.fail(gate, error)
    world.profiles.fail(Gate(INPUTS[0], 0, 0, "member", NEWEST_LEVEL), error)
    await asyncio.sleep(0.01)
    assert world.failed == [source]
    assert failures == [error] * len(INPUTS), (
        "a gate of an older generation is not of this ownership"
    )
