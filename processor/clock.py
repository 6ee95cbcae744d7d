"""The only wall clock. The core never calls it: it gets times as arguments."""

import time


def wall_ms() -> int:
    """Return the wall-clock time in milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000


def monotonic_s() -> float:
    """Return a clock in seconds that never goes backwards, for measuring durations."""
    return time.monotonic()
