"""The only wall clock. The core never calls it: it receives times as arguments."""

import threading
import time
from collections.abc import Callable
from typing import Final

# How much a clock that is corrected in small steps may gain between two reads.
_GAIN_MS: Final = 1_000
# After this time, a jump ahead was not an error: the machine was suspended, or its clock was slow.
_BELIEVED_MS: Final = 10 * 60_000


def wall_ms() -> int:
    """Return the wall-clock time in milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000


class SteadyClock:
    """The wall clock without jumps ahead: a jump is followed only after it has lasted ten minutes.

    Until then, time advances with the monotonic clock. A jump back is followed at once.
    For deletions after a period of time: a clock that is wrong for a moment deletes nothing.
    Safe to use from several threads.
    """

    def __init__(self, wall: Callable[[], int], monotonic: Callable[[], int]) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._now_ms = wall()
        self._tick_ms = monotonic()
        self._ahead_since: int | None = None

    def now_ms(self) -> int:
        """Return the time in milliseconds since the epoch, UTC."""
        with self._lock:
            wall_now, tick = self._wall(), self._monotonic()
            expected = self._now_ms + tick - self._tick_ms
            if wall_now <= expected + _GAIN_MS:
                self._ahead_since = None
            elif self._ahead_since is None:
                self._ahead_since = tick
            if self._ahead_since is None or tick - self._ahead_since >= _BELIEVED_MS:
                self._now_ms, self._ahead_since = wall_now, None
            else:
                self._now_ms = expected
            self._tick_ms = tick
            return self._now_ms


def monotonic_s() -> float:
    """Return a clock in seconds that never goes backwards, for measuring durations."""
    return time.monotonic()


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000


steady_ms: Final = SteadyClock(wall_ms, _monotonic_ms).now_ms
