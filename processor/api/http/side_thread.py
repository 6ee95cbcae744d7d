"""A thread for work that would block the event loop, such as checking a large definition.

One thread runs one piece after the other, so all requests together take at most one core. Python's
threads take turns, so the event loop waits no longer than for one turn.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")


class SideThread:
    """A thread for such work. Used in the event loop's thread."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "requests")

    async def run(self, work: Callable[_P, _R], *args: _P.args, **named: _P.kwargs) -> _R:
        """Return what `work` returns; raise what it raises."""
        running = self._thread.submit(work, *args, **named)
        return await asyncio.wrap_future(running)

    def close(self) -> None:
        """Start nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)
