"""The memory of a worker for counted events, in equal shares for the partitions that it owns.

A partition that leaves gives its share to the others at once. A partition that arrives takes its
share, and the others return what now exceeds their shares, some of it each second.
"""

from collections.abc import Mapping

from processor.engine import CountedEvents
from processor.metrics import DEDUPLICATION_BYTES, DEDUPLICATION_HORIZON
from processor.streaming.profiles.ownership import Ownership

_MS_PER_S = 1000


class CountedMemory:
    """What the partitions of one worker remember. Used in the event loop's thread."""

    def __init__(self, horizon_ms: int, bytes_max: int) -> None:
        self._horizon_ms = horizon_ms
        self._bytes_max = bytes_max
        self._shared: list[CountedEvents] = []

    def begin(self, seed: int) -> CountedEvents:
        """Return the memory of a partition that is taken over; pass it to `end` later."""
        events = CountedEvents(self._horizon_ms, bytes_max=self._bytes_max, seed=seed)
        self._shared.append(events)
        self._share()
        return events

    def end(self, events: CountedEvents) -> None:
        """Release the memory of a partition."""
        self._shared.remove(events)
        self._share()

    @property
    def bytes(self) -> int:
        """Bytes that all partitions take, including those that are being taken over."""
        return sum(events.bytes for events in self._shared)

    async def tend(self, owned: Mapping[int, Ownership]) -> None:
        """Release memory that is not needed; show how much is taken and how far it reaches.

        `owned` is what this worker owns now, by partition. This work takes turns with the work of
        partitions and stages.
        """
        for own in owned.values():
            while own.alive and own.table.counted.tend():
                if own.slices.over:
                    await own.slices.turn()
        self._show(list(owned.values()))

    def _share(self) -> None:
        for events in self._shared:
            events.bytes_max = self._bytes_max // len(self._shared)

    def _show(self, owned: list[Ownership]) -> None:
        held_ms = min((own.remembered_ms() for own in owned), default=self._horizon_ms)
        DEDUPLICATION_HORIZON.set(held_ms / _MS_PER_S)
        DEDUPLICATION_BYTES.set(sum(own.table.counted.bytes for own in owned))
