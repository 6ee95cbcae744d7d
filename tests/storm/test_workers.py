"""Which ends of a worker are the storm's own doing; what works is any process here."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from signal import SIGABRT, SIGKILL
from typing import Any, cast

import pytest

from tests.broker.cluster import Cluster
from tests.storm.workers import State, StormWorker

ARMED = "2:1"


class Sleeper:
    """What stands for a worker's process: it sleeps, and dies when it is told to."""

    def __init__(self, directory: Path) -> None:
        self.log_path = directory / "one.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **_: Any) -> None:
        self.process = subprocess.Popen(["sleep", "60"])

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(30)

    def dies(self, number: int = SIGKILL) -> None:
        """End it without the storm's asking: nobody has looked at it since."""
        assert self.process is not None
        os.kill(self.process.pid, number)
        os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)


class Sleepers:
    """What stands for the cluster."""

    def __init__(self, directory: Path) -> None:
        self.sleeper = Sleeper(directory)

    def worker(self, _name: str) -> Sleeper:
        return self.sleeper


@pytest.fixture
def sleepers(tmp_path: Path) -> Iterator[Sleepers]:
    made = Sleepers(tmp_path)
    yield made
    if made.sleeper.process is not None:
        made.sleeper.kill()


@pytest.fixture
def worker(sleepers: Sleepers) -> StormWorker:
    return StormWorker(cast(Cluster, sleepers), "one", 0.0)


def test_an_armed_worker_that_dies_was_killed_by_the_storm(
    worker: StormWorker, sleepers: Sleepers
) -> None:
    worker.start(crash_after=ARMED)
    sleepers.sleeper.dies()
    worker.look()
    assert (worker.kills, worker.in_flush, worker.ended) == (1, 1, [])


@pytest.mark.parametrize("looks", ["while it is frozen", "when it is to wake", "when it woke"])
def test_an_armed_worker_may_die_in_the_moment_in_which_it_is_frozen(
    worker: StormWorker, sleepers: Sleepers, looks: str
) -> None:
    worker.start(crash_after=ARMED)
    if looks != "when it woke":
        sleepers.sleeper.dies()
    worker.freeze()
    if looks == "while it is frozen":
        worker.look()
    worker.thaw()
    if looks == "when it woke":
        sleepers.sleeper.dies()
        worker.look()
    assert worker.state is State.AWAY
    assert (worker.kills, worker.in_flush, worker.zombies, worker.ended) == (1, 1, 0, [])


def test_an_armed_worker_may_die_in_the_moment_in_which_it_is_asked_to_end(
    worker: StormWorker, sleepers: Sleepers
) -> None:
    worker.start(crash_after=ARMED)
    sleepers.sleeper.dies()
    worker.leave()
    worker.look()
    assert (worker.kills, worker.in_flush, worker.ended) == (1, 1, [])


@pytest.mark.parametrize("armed_before", [False, True], ids=["never armed", "armed before"])
def test_nobody_else_may_die_of_a_kill(
    worker: StormWorker, sleepers: Sleepers, armed_before: bool
) -> None:
    if armed_before:
        worker.start(crash_after=ARMED)
        assert worker.kill()
    worker.start()
    sleepers.sleeper.dies()
    worker.freeze()
    worker.look()
    (ended,) = worker.ended
    assert (ended.status, ended.state) == (-SIGKILL, "frozen")
    assert worker.in_flush == 0


def test_an_armed_worker_may_die_of_nothing_else(worker: StormWorker, sleepers: Sleepers) -> None:
    worker.start(crash_after=ARMED)
    sleepers.sleeper.dies(SIGABRT)
    worker.look()
    (ended,) = worker.ended
    assert (ended.status, ended.state, worker.kills) == (-SIGABRT, "armed", 0)


def test_errors_are_those_behind_the_moment_in_which_it_was_asked_to_end(
    worker: StormWorker, sleepers: Sleepers
) -> None:
    log = sleepers.sleeper.log_path
    worker.start()
    log.write_text("2026-01-01T00:00:00Z [error    ] before\n")
    worker.leave()
    said = [
        "2026-01-01T00:00:01Z [info     ] stopping",
        "2026-01-01T00:00:01Z [warning  ] an [error] in a message",
        "2026-01-01T00:00:01Z [error    ] first",
        "Traceback (most recent call last):",
        "2026-01-01T00:00:02Z [critical ] last",
    ]
    with log.open("a") as file:
        file.write("\n".join(said) + "\n")
    assert worker.errors_since_asked() == [*said[2:]]


@pytest.mark.parametrize(
    ("lines", "by_itself"),
    [
        (["12:00 process_ended  starts_again_in_s=1.0 stage=source status=137"], False),
        (["12:00 process_ended  starts_again_in_s=1.0 stage=source status=137"] * 2, True),
        (["12:00 process_ended  starts_again_in_s=1.0 stage=source status=70"], True),
        (["12:00 ready stage=source"], False),
    ],
)
def test_a_process_that_its_parent_starts_again_has_to_be_one_that_the_storm_killed(
    worker: StormWorker, sleepers: Sleepers, lines: list[str], by_itself: bool
) -> None:
    worker.start()
    worker._parts_killed = 1
    sleepers.sleeper.log_path.write_text("\n".join(lines))
    worker.look()
    assert bool(worker.ended) is by_itself
    assert worker.state is (State.AWAY if by_itself else State.RUNS)
