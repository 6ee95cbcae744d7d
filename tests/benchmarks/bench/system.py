"""What the benchmark wants of a system: prepare, start, counts, wait, stop."""

import json
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.benchmarks.bench.jobs import Job

STOP_S = 60.0
START_S = 240.0
LOOK_S = 0.2
LOG_CHARS = 2_000


class MissingError(Exception):
    """The system cannot be run on this machine; the text says why."""


class FailedError(Exception):
    """The system ended, or does not go on."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: `name` is in the names of all its topics, groups and directories."""

    name: str
    servers: str
    source: str
    partitions: int
    directory: Path
    job: Job

    @property
    def interventions(self) -> str:
        """The topic of what fired."""
        return f"{self.name}-interventions"


@dataclass(frozen=True, slots=True)
class Counts:
    """Events read and contributions applied so far."""

    seen: int
    applied: int


class System(ABC):
    """One system, in one way to run it: once at a time, and it reads committed records only."""

    # Runs in the first round only: it takes minutes for what others do in one.
    slow = False
    # Whether it makes the topic of interventions itself.
    makes_topics = False

    def __init__(self, name: str, label: str) -> None:
        self.name = name
        self.label = label
        self.processes: list[subprocess.Popen[bytes]] = []
        self._logs: list[Path] = []

    @abstractmethod
    def prepare(self) -> str:
        """Build what it needs; return its version. Raises MissingError."""

    @abstractmethod
    def start(self, run: Run) -> None:
        """Start its processes on the run's topics."""

    @abstractmethod
    def counts(self) -> Counts | None:
        """What it has done so far; None while it does not answer."""

    @abstractmethod
    def produced_ms(self, message: Mapping[str, Any], times: Mapping[str, int]) -> int | None:
        """When the event of an intervention was produced.

        `times` has the time of each event by its id; None if it was produced before that began.
        """

    def wait(self, seen: int) -> None:
        """Wait until it has read so many events. Raises FailedError."""
        deadline = time.monotonic() + START_S
        while (counts := self.counts()) is None or counts.seen < seen:
            self.check()
            if time.monotonic() > deadline:
                message = f"{self.name} has read {counts} after {START_S:.0f} s: {self.log()}"
                raise FailedError(message)
            time.sleep(LOOK_S)

    def check(self) -> None:
        """Raise FailedError if a process of it has ended."""
        for process in self.processes:
            if process.poll() is not None:
                message = f"{self.name} ended with status {process.returncode}: {self.log()}"
                raise FailedError(message)

    def stop(self) -> None:
        """End its processes, cleanly if they do."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()

    def log(self) -> str:
        """The last words of its processes."""
        return "\n".join(
            path.read_text(errors="replace")[-LOG_CHARS:] for path in self._logs if path.exists()
        )

    def _spawn(
        self, command: Sequence[str], run: Run, environment: Mapping[str, str], cwd: Path
    ) -> None:
        path = run.directory / f"{self.name}-{len(self.processes)}.log"
        self._logs = [*(one for one in self._logs if one.parent == run.directory), path]
        with path.open("ab") as log:
            self.processes.append(
                subprocess.Popen(
                    command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=cwd,
                    env={**os.environ, **environment},
                )
            )  # fmt: skip


class Peer(System):
    """A peer: a program of tests/benchmarks/peers, which tells its counts at a port."""

    def __init__(self, name: str, label: str) -> None:
        super().__init__(name, label)
        self.port = 0

    def counts(self) -> Counts | None:
        try:
            told = httpx.get(f"http://127.0.0.1:{self.port}/", timeout=5.0).json()
        except (httpx.HTTPError, json.JSONDecodeError):
            return None
        return Counts(told["seen"], told["applied"])

    def produced_ms(self, message: Mapping[str, Any], times: Mapping[str, int]) -> int | None:
        del times
        return int(message["produced_ms"])
