"""Restores take turns, so that many restores leave time for the event loop.

Long restores wait for one of a few places: the buffers of a restore are large, and a disk is not
faster with many restores. Among restores with a place, one at a time works with Python's lock held:
however many there are, the event loop waits for only one piece of work.

They have their own threads: restores that wait for a place must not take threads from flushes.

A restore that is no longer wanted stops, while it waits for a place or between pieces of its work.
What it has written stays, and the next restore continues there.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from processor.clock import monotonic_s
from processor.limits import PARTITIONS_PER_WORKER_MAX, RESTORES_MAX, SHORT_RESTORE_OFFSETS

# After a piece of work, others have Python's lock for the same time, within these bounds.
_PAUSE_MIN_S = 0.0002
_PAUSE_MAX_S = 0.1
# Between two checks whether a restore that waits for a place is still wanted.
_LOOK_S = 0.1


class RestoreStoppedError(Exception):
    """A restore stopped before its end: the partition moved away, or the worker stops."""


def stop_unless(wanted: Callable[[], bool]) -> None:
    """Raise RestoreStoppedError if a restore is no longer wanted."""
    if not wanted():
        raise RestoreStoppedError


class RestoreTurns:
    """The places of one worker. Used in the threads that restore, those of `executor`."""

    def __init__(self) -> None:
        self.executor = ThreadPoolExecutor(PARTITIONS_PER_WORKER_MAX, "takeover")
        self._work = threading.Lock()
        self._places = threading.BoundedSemaphore(RESTORES_MAX)

    @contextmanager
    def place(self, offsets: int, wanted: Callable[[], bool]) -> Iterator[None]:
        """Wait for a place to read that many offsets; a short restore needs no place.

        Raises:
            RestoreStoppedError: the restore is no longer wanted.
        """
        if offsets <= SHORT_RESTORE_OFFSETS:
            yield
            return
        while not self._places.acquire(timeout=_LOOK_S):
            stop_unless(wanted)
        try:
            yield
        finally:
            self._places.release()

    @contextmanager
    def work(self) -> Iterator[None]:
        """Wait for the turn to work briefly with Python's lock held; then leave it to others."""
        with self._work:
            begun = monotonic_s()
            yield
            took = monotonic_s() - begun
            time.sleep(min(max(took, _PAUSE_MIN_S), _PAUSE_MAX_S))
