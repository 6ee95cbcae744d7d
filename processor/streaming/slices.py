"""Long work takes turns: after one slice of it, the event loop runs everything else once.

Partitions, stages and flushes have work at the same time. If each yielded on its own, the loop
would run a slice of each of them in every round. A request, which needs several rounds, would wait
for all of them again and again.
"""

import asyncio
from collections import deque

from processor.clock import monotonic_s
from processor.limits import SLICE_S

# Rounds without a slice between two slices. With three rounds and smaller slices, an event of a
# backlog took a third more CPU time.
_ROUNDS = 1


class Slices:
    """Gives turns for slices of work, in the order of requests. Used in the event loop's thread."""

    def __init__(self) -> None:
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._free = True
        self._ends_at = 0.0

    @property
    def over(self) -> bool:
        """Whether the current slice has used up its time."""
        return monotonic_s() >= self._ends_at

    async def turn(self) -> None:
        """Wait until a slice may begin; it lasts until the caller awaits something.

        A caller that works longer checks often whether it is `over`, and then waits for a new turn.
        """
        loop = asyncio.get_running_loop()
        if self._free:
            self._free = False
            loop.call_soon(self._go_around, _ROUNDS)
        else:
            waiter: asyncio.Future[None] = loop.create_future()
            self._waiters.append(waiter)
            await waiter
        self._ends_at = monotonic_s() + SLICE_S

    def _go_around(self, rounds: int) -> None:
        loop = asyncio.get_running_loop()
        if rounds:
            loop.call_soon(self._go_around, rounds - 1)
            return
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():  # it may have been cancelled
                waiter.set_result(None)
                loop.call_soon(self._go_around, _ROUNDS)
                return
        self._free = True
