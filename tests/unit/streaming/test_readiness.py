import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from processor.errors import NotReadyError, SequenceError
from processor.formats import NEWEST_LEVEL
from processor.settings import Settings
from processor.streaming.fetch.faults import fault_of
from processor.streaming.fetch.gates import Gate
from processor.streaming.readiness import Readiness, waiting_for
from tests.unit.streaming.fakes import FakeConsumer

SETTINGS = Settings(_env_file=None)


class World:
    """What a worker looks at: all of it is ready, and no partition is assigned."""

    def __init__(self) -> None:
        self.definitions: Any = SimpleNamespace(ready=asyncio.Event())
        self.definitions.ready.set()
        self.watch: Any = SimpleNamespace(made_anew="")
        self.consumer = FakeConsumer()
        self.others: Any = SimpleNamespace(wait="")
        self.readiness = Readiness(
            SETTINGS, self.definitions, self.watch, self.consumer, self.others
        )


def test_a_worker_without_partitions_is_ready() -> None:
    assert World().readiness.not_ready([]) == ""


def test_it_is_not_ready_before_it_knows_the_definitions_and_is_in_the_group() -> None:
    world = World()
    world.consumer.joined = False
    assert "group" in world.readiness.not_ready([])
    world.definitions.ready.clear()
    assert "definitions" in world.readiness.not_ready([])


def test_it_is_not_ready_while_a_worker_of_an_older_version_runs() -> None:
    world = World()
    world.consumer.joined = False
    world.others.wait = "an older one runs"
    assert world.readiness.not_ready([]) == "an older one runs"


def test_a_topic_that_was_made_anew_is_the_first_reason() -> None:
    world = World()
    world.definitions.ready.clear()
    world.watch.made_anew = "a topic was deleted"
    assert world.readiness.not_ready([]) == "a topic was deleted"


def test_it_answers_nothing_once_the_group_was_silent_for_a_session() -> None:
    world = World()
    world.readiness.require_membership()
    world.consumer.heartbeat_at -= SETTINGS.session_timeout_ms / 1000 + 1
    assert "has not answered" in world.readiness.not_ready([])
    with pytest.raises(NotReadyError):
        world.readiness.require_membership()


# --- gates and faults -----------------------------------------------------------------------------


def gates(*opened: str) -> list[Gate]:
    topics = (SETTINGS.contributions_topic, SETTINGS.rules_topic, SETTINGS.enriched_topic)
    made = [Gate(topic, number, 1, "m", NEWEST_LEVEL) for topic in topics for number in (0, 1)]
    for gate in made:
        gate.opened = gate.name in opened
    return made


ALL = [gate.name for gate in gates()]


def faults(*names: str) -> list[object]:
    return [fault_of(name, SequenceError("a gap")) for name in names]


def waiting(opened: list[str], closed: list[str]) -> str:
    return waiting_for(gates(*opened), faults(*closed), SETTINGS)  # type: ignore[arg-type]  # they are faults


def without(*parts: str) -> list[str]:
    return [name for name in ALL if name not in parts]


C, R, E = SETTINGS.contributions_topic, SETTINGS.rules_topic, SETTINGS.enriched_topic


def test_a_worker_serves_while_one_of_its_partitions_does() -> None:
    assert waiting(ALL, []) == ""
    assert waiting(without(f"{C}-1", f"{R}-1"), [f"{C}-1"]) == ""
    assert waiting(without(f"{E}-0", f"{E}-1"), [f"{E}-0", f"{E}-1"]) == ""


def test_it_does_not_serve_while_a_sound_one_is_taken_over() -> None:
    assert "2 of 6" in waiting(without(f"{C}-1", f"{R}-1"), [])
    assert "2 of 6" in waiting(without(f"{C}-1", f"{R}-1", f"{C}-0", f"{R}-0"), [f"{C}-1"])


def test_it_does_not_serve_when_faults_have_closed_all_profiles() -> None:
    assert "a gap" in waiting([f"{E}-0", f"{E}-1"], [f"{C}-0", f"{C}-1"])
