"""The size of the data directory, measured at most once in a while."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

from processor.clock import monotonic_s
from processor.request_limits import STATE_SIZE_S


class StateSize:
    """The bytes of all files below a directory, measured again after STATE_SIZE_S."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._bytes = 0
        self._looked_s = -STATE_SIZE_S
        self._looking = asyncio.Lock()

    async def bytes(self) -> int:
        """Return a size of the last minute. Concurrent callers wait for the same measurement."""
        async with self._looking:
            if monotonic_s() - self._looked_s >= STATE_SIZE_S:
                self._bytes = await asyncio.to_thread(_bytes_below, self._directory)
                self._looked_s = monotonic_s()
        return self._bytes


def _bytes_below(directory: Path) -> int:
    """Return the size of all files; files that vanish meanwhile and folders count nothing."""
    total = 0
    for folder, _, names in os.walk(directory):  # it skips folders that it cannot read
        for name in names:
            with suppress(OSError):
                total += (Path(folder) / name).stat().st_size
    return total
