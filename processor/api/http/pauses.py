"""Pauses in a request's work on the event loop, in which other tasks run."""

import asyncio

from processor.clock import monotonic_s
from processor.limits import SLICE_S


class Pauses:
    """Pauses of one piece of work, by the clock."""

    def __init__(self) -> None:
        self._ends_at = monotonic_s() + SLICE_S

    async def pause(self) -> None:
        """Yield to the event loop if this work has run for SLICE_S; call this often."""
        if monotonic_s() >= self._ends_at:
            await asyncio.sleep(0)
            self._ends_at = monotonic_s() + SLICE_S
