"""The tasks of a worker that run beside its agents.

Invariants: an exception of any task ends the process, so none fails unnoticed; and no task begins
after the stop has begun, whatever a rebalance or a failure asks for meanwhile.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Tasks:
    """Runs tasks in the event loop; `fatal` receives the exception of one and ends the process."""

    def __init__(self, fatal: Callable[[BaseException], None]) -> None:
        self.stopping = False
        self._fatal = fatal
        self._running: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run a task, unless the worker stops; an exception ends the process."""
        if self.stopping:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def begin_stop(self) -> None:
        """Spawn nothing from now on; what runs goes on."""
        self.stopping = True

    def cancel(self) -> None:
        """Cancel what still runs."""
        for task in self._running:
            task.cancel()

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fatal(error)
