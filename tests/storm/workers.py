"""The workers of a storm: what the storm does to each, and which of them ended by themselves."""

import os
import re
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum

import psutil

from processor.stages import Stage
from tests.broker.cluster import Cluster, WorkerProcess, listening_ports
from tests.storm.hostilities import SESSION_MS, SWEEP_INTERVAL_S, TRIM_INTERVAL_S

# A worker that was asked to leave has as long; `processor worker` itself gives up before that.
LEAVE_MAX_S = 60.0
LAST_LINES = 25
# There may be too little work for as many flushes as a worker waits for before it kills itself.
ARMED_MAX_S = 15.0
# What a parent logs when it starts one of its processes again.
ENDED = re.compile(rb"^.* process_ended .*$", re.MULTILINE)
OUR_STATUS = f"status={128 + signal.SIGKILL}".encode()
ERROR = re.compile(r"^\S+ \[(?:error|critical) *\] |^Traceback ")


class State(Enum):
    """What the storm has done with a worker."""

    AWAY = "away"  # ended as the storm wanted; not started again yet
    RUNS = "runs"
    ARMED = "armed"  # kills itself after a step of a flush
    FROZEN = "frozen"
    LEAVES = "leaves"  # was asked to end


@dataclass(frozen=True)
class EndedByItself:
    """A worker that ended without the storm's doing."""

    name: str
    second: float
    state: str
    status: int | None
    last_lines: list[str]


@dataclass
class StormWorker:
    """One worker by name, over all of its lives."""

    cluster: Cluster
    name: str
    begun: float
    state: State = State.AWAY
    since: float = 0.0
    kills: int = 0
    in_flush: int = 0
    parts: int = 0  # kills of one of its processes, which its parent starts again
    wiped: int = 0
    zombies: int = 0
    lives: int = 0
    ended: list[EndedByItself] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.process: WorkerProcess = self.cluster.worker(self.name)
        self._log_start = 0
        self._thawed = State.RUNS
        # It kills itself in this life, whatever else the storm does to it until then.
        self._armed = False
        self._parts_killed = 0  # in this life
        self._was_ready = False
        self.asked_at = 0.0
        self._asked_log = 0

    @property
    def works(self) -> bool:
        """Whether the storm lets it work, armed or not."""
        return self.state in (State.RUNS, State.ARMED)

    @property
    def must_stay_frozen(self) -> bool:
        """Whether the group still takes it for a member."""
        frozen_s = time.monotonic() - self.since
        return self.state is State.FROZEN and frozen_s < SESSION_MS / 1_000 + 1

    @property
    def can_be_killed(self) -> bool:
        """Whether it works; one that kills itself is left to it for a while."""
        patience_s = time.monotonic() - self.since
        return self.state is State.RUNS or (self.state is State.ARMED and patience_s > ARMED_MAX_S)

    def start(self, *, wipe: bool = False, crash_after: str = "") -> None:
        """Start it; on an empty data directory, or so that it kills itself behind a step."""
        self._log_start = len(self._log())
        more = {"CRASH_AFTER": crash_after} if crash_after else {"RESTARTS": "1"}
        self._parts_killed, self._was_ready = 0, False
        self.process.start(
            wipe=wipe,
            PROCESSOR_SWEEP_INTERVAL_S=str(SWEEP_INTERVAL_S),
            TRIM_EVERY_S=str(TRIM_INTERVAL_S),
            **more,
        )
        self.lives += 1
        self.wiped += wipe
        self._armed = bool(crash_after)
        self._is(State.ARMED if crash_after else State.RUNS)

    def kill(self) -> bool:
        """End it as a power cut would; whether it was there to be killed."""
        self.look()
        if self.state not in (State.RUNS, State.ARMED, State.FROZEN):
            return False
        self.process.kill()
        self.kills += 1
        self._is(State.AWAY)
        return True

    def kill_part(self, stage: Stage) -> bool:
        """End one of its processes; whether it was there. The other one goes on."""
        # The end of a process that was never ready is the worker's.
        self._was_ready = self._was_ready or self.process.ready()
        if self.state is not State.RUNS or not self._was_ready:
            return False
        for child in self.process.children():
            with suppress(psutil.Error):
                serves = self.process.port in listening_ports(child)
                if serves is (stage is Stage.PROFILES):
                    os.kill(child.pid, signal.SIGKILL)
                    self.parts += 1
                    self._parts_killed += 1
                    return True
        return False

    def freeze(self) -> None:
        """Stop it in the middle of what it does."""
        self._thawed = self.state
        self.process.signal(signal.SIGSTOP)
        self._is(State.FROZEN)

    def thaw(self) -> None:
        """Let it go on; it is a zombie when the group has given its partitions to others."""
        self.look()
        if self.state is not State.FROZEN:
            return
        self.zombies += time.monotonic() - self.since > SESSION_MS / 1_000
        self.process.signal(signal.SIGCONT)
        self._is(self._thawed)

    def leave(self) -> None:
        """Ask it to end."""
        self.asked_at, self._asked_log = time.monotonic(), len(self._log())
        self.process.signal(signal.SIGTERM)
        self._is(State.LEAVES)

    def errors_since_asked(self) -> list[str]:
        """The errors in its log behind where it was asked to end."""
        lines = self._log()[self._asked_log :].decode(errors="replace").splitlines()
        return [line for line in lines if ERROR.search(line)]

    def look(self) -> None:
        """Notice that it has ended, and whether it should have."""
        if self.state is State.AWAY:
            return
        process = self.process.process
        assert process is not None
        status = process.poll()
        if status is None:
            if self._part_ended():
                self._note_end(None)
                self.process.kill()
                self._is(State.AWAY)
                return
            if self.state is State.LEAVES and time.monotonic() - self.since > LEAVE_MAX_S:
                self._note_end(None)
                self.process.kill()
                self._is(State.AWAY)
            return
        if self._armed and status == -signal.SIGKILL:
            self.kills += 1
            self.in_flush += 1
        elif not (self.state is State.LEAVES and self._left(status)):
            self._note_end(status)
        self._is(State.AWAY)

    def _part_ended(self) -> bool:
        """Whether one of its processes has ended without the storm's doing."""
        ended = ENDED.findall(self._log()[self._log_start :])
        return len(ended) > self._parts_killed or not all(OUR_STATUS in line for line in ended)

    def _left(self, status: int) -> bool:
        """Whether it has ended as it should; one that has said nothing was no worker yet."""
        return status == 0 or (status == -signal.SIGTERM and len(self._log()) == self._log_start)

    def _note_end(self, status: int | None) -> None:
        lines = self._log()[self._log_start :].decode(errors="replace").splitlines()
        second = time.monotonic() - self.begun
        self.ended.append(
            EndedByItself(self.name, second, self.state.value, status, lines[-LAST_LINES:])
        )

    def _log(self) -> bytes:
        path = self.process.log_path
        return path.read_bytes() if path.exists() else b""

    def _is(self, state: State) -> None:
        self.state, self.since = state, time.monotonic()
