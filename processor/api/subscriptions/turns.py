"""Gives turns to subscribers that have something to send, a few at a time.

Otherwise an intervention for thousands of them would delay all other work until the last has it.
"""

import asyncio
from collections import deque

from processor.request_limits import SLICE_WOKEN_MAX


class Turns:
    """Wakes waiters in order, a few at a time, and yields to the event loop in between."""

    def __init__(self) -> None:
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._under_way = False

    def add(self, waiter: "asyncio.Future[None]") -> None:
        """Let a waiter have its turn soon. Call this in the event loop's thread."""
        self._waiters.append(waiter)
        if not self._under_way:
            self._under_way = True
            waiter.get_loop().call_soon(self._wake_some)

    def _wake_some(self) -> None:
        for _ in range(min(SLICE_WOKEN_MAX, len(self._waiters))):
            waiter = self._waiters.popleft()
            if not waiter.done():  # it may have been cancelled
                waiter.set_result(None)
        self._under_way = bool(self._waiters)
        if self._under_way:
            self._waiters[0].get_loop().call_soon(self._wake_some)
