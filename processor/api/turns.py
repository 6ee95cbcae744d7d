"""Subscribers that have something to send get their turns, a few at a time.

An intervention for thousands of them would else hold everybody else up until the last has it.
"""

import asyncio
from collections import deque

from processor.limits import SLICE_WOKEN_MAX


class Turns:
    """Wakes who waits, in order; the event loop goes around between a few and the next few."""

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
