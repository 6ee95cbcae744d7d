"""How often partitions flush: the more partitions have changes, the longer each waits.

A flush costs about FLUSH_CPU_S of CPU time even if it writes little, mostly for the transaction. If
many partitions each changed a little, flushes would take all of a worker's CPU time. So the time
between two flushes of a partition is the commit interval while few partitions have changes. When
more have changes, it is the time that limits the flushes of all of them to a share of a core. The
first change after a pause is flushed at once. What a flush sends on (interventions, and parts for
joint rules) waits for a shorter time, because it may take a larger share.

A partition that is behind flushes less often, too: fewer flushes write the profiles that change
again and again fewer times. A worker that keeps up is never slowed down by that.
"""

from processor.limits import (
    FLUSH_CPU_S,
    FLUSH_INTERVAL_S_MAX,
    FLUSH_SENDS_INTERVAL_S_MAX,
    FLUSH_SENDS_SHARE,
    FLUSH_SHARE,
)


class FlushPace:
    """The pace of all partitions of a worker.

    `busy` counts those that have changes, or have flushed and wait for their interval to end.
    """

    def __init__(self) -> None:
        self.busy = 0

    def interval_s(self, least_s: float) -> float:
        """Return the seconds between two flushes of changes alone; `least_s` is the setting."""
        wanted_s = self.busy * FLUSH_CPU_S / FLUSH_SHARE
        return max(least_s, min(wanted_s, FLUSH_INTERVAL_S_MAX))

    def sends_interval_s(self, least_s: float) -> float:
        """Return the seconds between two flushes if there is something to send."""
        wanted_s = self.busy * FLUSH_CPU_S / FLUSH_SENDS_SHARE
        return max(least_s, min(wanted_s, FLUSH_SENDS_INTERVAL_S_MAX))


class Lag:
    """How long records of an input of a partition wait, by the clock of this process alone."""

    def __init__(self) -> None:
        self._end = 0
        self._since_s = 0.0

    def waited_s(self, position: int, end: int, now_s: float) -> float:
        """Return how long a record has waited at least, in seconds.

        It is 0 if everything up to an earlier `end` is applied: then the partition keeps up, or has
        caught up with that end.

        Args:
            position: the offset up to which records are applied.
            end: the end of the partition, as far as is known.
            now_s: the monotonic clock.
        """
        if position >= self._end:
            self._end, self._since_s = end, now_s
            return 0.0
        return now_s - self._since_s
