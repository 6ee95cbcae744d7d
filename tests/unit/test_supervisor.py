"""The parent of a worker's processes, with real processes: each child writes down what it does."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from processor.errors import UsageError
from processor.supervisor import Child, Supervisor
from tests.broker.visits import eventually

PARENT = """
import os, signal, sys, time
from pathlib import Path
from processor import supervisor
from processor.supervisor import Child, Supervisor

notes = Path(sys.argv[1])
supervisor.RESTART_MIN_S = 0.05
supervisor._STOP_S = 2.0

def note(text):
    with (notes / "notes").open("a") as file:
        file.write(text + "\\n")

def child(name, order, ready=True, status=None, deaf=False):
    def run(tell):
        def end(*_):
            note(f"{name} stops")
            time.sleep(0.1)
            note(f"{name} ends")
            os._exit(0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN if deaf else end)
        if ready:
            tell()
        note(f"{name} {os.getpid()}")
        while not ready and status is not None and "sound " not in (notes / "notes").read_text():
            time.sleep(0.01)  # the other one has begun, and can be asked to stop
        if status is not None:
            if status == 3:
                os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
                print("what cannot be written")
                return
            os._exit(status)
        while True:
            time.sleep(1)
    return Child(name, run, order)

children = [child(*one) for one in eval(sys.argv[2])]
all_ready = lambda: note("all ready")
sys.exit(Supervisor(children, all_ready, restarts=eval(sys.argv[3])).run())
"""


class Parent:
    def __init__(self, directory: Path, children: str, *, restarts: bool = True) -> None:
        self.notes = directory / "notes"
        self.process = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(directory), children, str(restarts)],
            start_new_session=True,
        )

    def lines(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []

    def pids(self, name: str) -> list[int]:
        found = (line.split() for line in self.lines())
        return [int(pid) for who, pid in found if who == name and pid.isdecimal()]

    def begun(self, *names: str) -> bool:
        return all(self.pids(name) for name in names)

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_children_are_stopped_in_their_order_each_after_the_one_before(
    tmp_path: Path, number: int
) -> None:
    parent = Parent(tmp_path, "[('profiles', 1), ('source', 0)]")
    eventually(lambda: parent.begun("source", "profiles"))
    assert parent.end(number) == 0
    told = [line for line in parent.lines() if line.endswith(("stops", "ends"))]
    assert told == ["source stops", "source ends", "profiles stops", "profiles ends"]


def test_ctrl_c_in_a_terminal_stops_them_in_the_same_order(tmp_path: Path) -> None:
    """A terminal sends it to all processes of the group."""
    parent = Parent(tmp_path, "[('profiles', 1), ('source', 0)]")
    eventually(lambda: parent.begun("source", "profiles"))
    os.killpg(parent.process.pid, signal.SIGINT)
    assert parent.process.wait(20) == 0
    told = [line for line in parent.lines() if line.endswith("stops")]
    assert told == ["source stops", "profiles stops"]


def test_a_child_that_was_ready_is_started_again_after_waits_that_grow(tmp_path: Path) -> None:
    parent = Parent(tmp_path, "[('sound', 0), ('ill', 1, True, 70)]")
    started = time.monotonic()
    eventually(lambda: len(parent.pids("ill")) >= 4)
    assert time.monotonic() - started >= 0.05 + 0.1 + 0.2
    assert len(parent.pids("sound")) == 1, "the other one goes on"
    assert parent.end() == 0


def test_it_says_once_when_all_have_been_ready(tmp_path: Path) -> None:
    parent = Parent(tmp_path, "[('source', 0), ('profiles', 1)]")
    eventually(lambda: "all ready" in parent.lines())
    os.kill(parent.pids("source")[0], signal.SIGKILL)
    eventually(lambda: len(parent.pids("source")) == 2)
    assert parent.end() == 0
    assert parent.lines().count("all ready") == 1


def test_it_does_not_say_so_while_one_is_not(tmp_path: Path) -> None:
    parent = Parent(tmp_path, "[('source', 0), ('slow', 1, False)]")
    eventually(lambda: parent.begun("source", "slow"))
    assert parent.end() == 0
    assert "all ready" not in parent.lines()


def test_the_error_of_a_child_that_was_never_ready_is_the_parents(tmp_path: Path) -> None:
    """It is told once, with what can be done, whatever the other children do meanwhile."""
    child = Child("source", refuse, 0)
    with pytest.raises(UsageError, match="no such stage") as raised:
        Supervisor([child, Child("profiles", sleep, 1)], lambda: None).run()
    assert raised.value.hint == "choose another"


def refuse(_ready: object) -> None:
    message = "no such stage"
    raise UsageError(message, hint="choose another")


def sleep(_ready: object) -> None:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    time.sleep(60)


def test_a_child_that_is_killed_is_started_again(tmp_path: Path) -> None:
    parent = Parent(tmp_path, "[('source', 0), ('profiles', 1)]")
    eventually(lambda: parent.begun("source", "profiles"))
    os.kill(parent.pids("source")[0], signal.SIGKILL)
    eventually(lambda: len(parent.pids("source")) == 2)
    assert parent.end() == 0


def test_one_that_was_never_ready_ends_the_worker_with_its_status(tmp_path: Path) -> None:
    parent = Parent(tmp_path, "[('sound', 0), ('refused', 1, False, 2)]")
    assert parent.process.wait(20) == 2
    assert len(parent.pids("refused")) == 1
    assert "sound ends" in parent.lines()


def test_without_restarts_the_end_of_a_child_is_the_workers(tmp_path: Path) -> None:
    parent = Parent(tmp_path, "[('source', 0), ('profiles', 1)]", restarts=False)
    eventually(lambda: parent.begun("source", "profiles"))
    os.kill(parent.pids("profiles")[0], signal.SIGKILL)
    assert parent.process.wait(20) == 128 + signal.SIGKILL
    assert "source ends" in parent.lines()


def test_a_child_whose_output_nobody_takes_ends_alone(tmp_path: Path) -> None:
    """What fails at its end must not run the parent's code in the child."""
    parent = Parent(tmp_path, "[('sound', 0), ('ill', 1, True, 3)]")
    eventually(lambda: len(parent.pids("ill")) >= 3)
    assert len(parent.pids("sound")) == 1
    assert "sound stops" not in parent.lines()
    assert parent.end() == 0


def test_a_child_that_does_not_end_is_killed(tmp_path: Path) -> None:
    parent = Parent(tmp_path, "[('deaf', 0, True, None, True), ('profiles', 1)]")
    eventually(lambda: parent.begun("deaf", "profiles"))
    assert parent.end() == 0
    assert "profiles ends" in parent.lines()
    eventually(lambda: not runs(parent.pids("deaf")[0]))


def test_children_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent = Parent(tmp_path, "[('source', 0), ('profiles', 1)]")
    eventually(lambda: parent.begun("source", "profiles"))
    parent.end(signal.SIGKILL)
    for name in ("source", "profiles"):
        eventually(lambda one=name: not runs(parent.pids(one)[0]))


def runs(pid: int) -> bool:
    """Whether a process runs: one that has ended may still wait for whoever inherits it."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
