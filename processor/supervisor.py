"""The parent of a worker's processes: it starts them, restarts them, and stops them in order.

It only supervises: it has no connection and no thread, so that it can fork at any time. A child
that has just been forked shares the memory of all that is imported, and starts at once.

Invariants: children end when the parent ends, in whatever way. A child that ends by itself is
started again after a wait that grows, unless it has never been ready: then its settings are wrong
or Kafka is away. The worker then ends with the error of that child, told once, or its exit status.
"""

import gc
import os
import pickle
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn

import structlog

from processor.clock import monotonic_s
from processor.errors import ProcessorError
from processor.parent_process import end_with_parent

log = structlog.get_logger(__name__)

RESTART_MIN_S, RESTART_MAX_S = 1.0, 60.0
# A child that has run for so long is restarted after the least wait.
_SOUND_S = 60.0
# A child ends by itself within 15 seconds of SIGTERM; one that does not is killed.
_STOP_S = 20.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
_KILLED = 128
_FAILED = 1
_READY = b"r"


@dataclass(eq=False)
class Child:
    """A process to be. `run` receives a function to be called when it is ready; it never returns.

    Children of a lower `stop_order` are stopped first.
    """

    name: str
    run: Callable[[Callable[[], None]], None]
    stop_order: int
    pid: int = 0
    was_ready: bool = False
    started_at: float = 0.0
    starts_at: float = 0.0
    failures: int = 0
    reading: int = field(default=-1, repr=False)
    told: bytes = field(default=b"", repr=False)

    def listen(self) -> None:
        """Take what it has told: that it is ready, or its error."""
        with suppress(BlockingIOError):
            while more := os.read(self.reading, 65_536):
                self.told += more
        if self.told.startswith(_READY):
            self.was_ready = True

    def note_end(self) -> ProcessorError | None:
        """Forget the process; return the error with which it has ended, if it told one."""
        self.listen()
        os.close(self.reading)
        told = self.told.removeprefix(_READY)
        self.pid, self.reading, self.told = 0, -1, b""
        try:
            return pickle.loads(told) if told else None  # noqa: S301 - from our own child
        except Exception:  # cut off, or an error that is not made of its message: it is in the log
            return None


class Supervisor:
    """Runs children until SIGTERM or SIGINT, or until one ends that must not be restarted.

    Args:
        children: what to run.
        on_ready: called once, when each of them has been ready.
        restarts: whether a child that was ready is started again. Otherwise its end is the
            worker's.
    """

    def __init__(
        self, children: Sequence[Child], on_ready: Callable[[], None], *, restarts: bool = True
    ) -> None:
        self._children = children
        self._on_ready = on_ready
        self._all_ready = False
        self._restarts = restarts
        self._wakes, self._woken = socket.socketpair()
        self._stopping = False

    def run(self) -> int:
        """Run the children; return the exit status, 128 + N if signal N has ended a child.

        In a child, it does not return.

        Raises:
            ProcessorError: a child that was never ready has ended with it.
        """
        for one in (self._wakes, self._woken):
            one.setblocking(False)
        signal.set_wakeup_fd(self._woken.fileno(), warn_on_full_buffer=False)
        before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        gc.freeze()  # what is imported stays in memory that the children share
        for child in self._children:
            self._start(child)
        try:
            return self._watch()
        finally:
            self._stop()
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _watch(self) -> int:
        while not self._stopping:
            self._wait(self._next_start_s())
            for child, status, error in self._ended():
                if self._stopping:
                    return 0
                if error is not None and not child.was_ready:
                    raise error
                if not child.was_ready or not self._restarts:
                    return status
                self._plan_restart(child, status, error)
            self._note_ready()
            now = monotonic_s()
            for child in self._children:
                if not child.pid and child.starts_at <= now and not self._stopping:
                    self._start(child)
        return 0

    def _start(self, child: Child) -> None:
        reading, writing = os.pipe()
        parent = os.getpid()
        # A signal for the child must not be taken by the parent's handler, which it inherits.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        pid = os.fork()
        if not pid:
            os.close(reading)
            self._become(parent)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            _run(child, writing)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        os.close(writing)
        os.set_blocking(reading, False)
        child.pid, child.reading, child.started_at = pid, reading, monotonic_s()

    def _become(self, parent: int) -> None:
        """Drop what belongs to the parent, in a new child."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # Ctrl-C reaches the whole process group; the parent stops its children in order.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for one in (self._wakes, self._woken):
            one.close()
        for other in self._children:
            if other.reading >= 0:
                os.close(other.reading)
        end_with_parent(parent)

    def _plan_restart(self, child: Child, status: int, error: ProcessorError | None) -> None:
        if monotonic_s() - child.started_at >= _SOUND_S:
            child.failures = 0
        wait_s = min(RESTART_MIN_S * 2**child.failures, RESTART_MAX_S)
        child.failures += 1
        child.starts_at = monotonic_s() + wait_s
        with suppress(OSError):  # a log that cannot be written stops nothing
            log.error(
                "process_ended", stage=child.name, status=status, starts_again_in_s=wait_s,
                error=None if error is None else str(error),
            )  # fmt: skip

    def _stop(self) -> None:
        """Stop what runs, in order; kill what does not end."""
        for order in sorted({child.stop_order for child in self._children}):
            some = [child for child in self._children if child.stop_order == order]
            self._signal(some, signal.SIGTERM)
            deadline = monotonic_s() + _STOP_S
            while any(child.pid for child in some) and monotonic_s() < deadline:
                self._wait(max(0.0, deadline - monotonic_s()))
                self._ended()
            self._signal(some, signal.SIGKILL)

    def _signal(self, children: Sequence[Child], number: int) -> None:
        for child in children:
            if child.pid:
                with suppress(ProcessLookupError):
                    os.kill(child.pid, number)

    def _ended(self) -> list[tuple[Child, int, ProcessorError | None]]:
        """Return the children that have ended since the last call, with exit status and error."""
        found = []
        for child in self._children:
            if not child.pid:
                continue
            child.listen()
            pid, waited = os.waitpid(child.pid, os.WNOHANG)
            if pid:
                code = os.waitstatus_to_exitcode(waited)
                found.append((child, code if code >= 0 else _KILLED - code, child.note_end()))
        return found

    def _next_start_s(self) -> float | None:
        """Return how long to wait for the next start; None if all run."""
        waiting = [child.starts_at for child in self._children if not child.pid]
        return max(0.0, min(waiting) - monotonic_s()) if waiting else None

    def _note_ready(self) -> None:
        if not self._all_ready and all(child.was_ready for child in self._children):
            self._all_ready = True
            self._on_ready()

    def _wait(self, timeout_s: float | None) -> None:
        """Wait for a signal, or for a child to become ready."""
        starting = [one.reading for one in self._children if one.pid and not one.told]
        watched: list[int] = [self._wakes.fileno(), *starting]
        select.select(watched, [], [], timeout_s)
        with suppress(BlockingIOError):
            self._wakes.recv(1024)

    def _note(self, number: int, _frame: object) -> None:
        self._stopping = self._stopping or number != signal.SIGCHLD


def _run(child: Child, writing: int) -> NoReturn:
    """Run a child in its own process; its error goes to the parent. Nothing gets out of here."""
    status = _FAILED
    try:
        status = _status_of(child, writing)
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
    finally:
        os._exit(status)


def _status_of(child: Child, writing: int) -> int:
    try:
        child.run(lambda: _tell(writing, _READY))
    except ProcessorError as error:
        _tell(writing, pickle.dumps(error))
        return _FAILED
    except BaseException:
        traceback.print_exc()
        return _FAILED
    return 0


def _tell(writing: int, what: bytes) -> None:
    """Write to the parent."""
    with suppress(OSError):
        os.write(writing, what)
