"""A bounded run of entries of one series, in order of event time, then arrival."""

from itertools import accumulate
from operator import sub

from processor.aggregates import Value


class Chunk:
    """Parallel lists: `times[i]` is the event time in ms of `values[i]`. Never empty."""

    __slots__ = ("times", "values")

    def __init__(self, times: list[int], values: list[Value]) -> None:
        self.times = times
        self.values = values

    def part(self, start: int, stop: int) -> "Chunk":
        """Return the entries from `start` to before `stop`."""
        return Chunk(self.times[start:stop], self.values[start:stop])

    def merged(self, newer: "Chunk") -> "Chunk":
        """Return the entries of both; those of `newer` arrived later."""
        times, values = self.times + newer.times, self.values + newer.values
        if newer.times[0] >= self.times[-1]:
            return Chunk(times, values)
        order = sorted(range(len(times)), key=times.__getitem__)  # stable: older before newer
        return Chunk([times[at] for at in order], [values[at] for at in order])

    def to_plain(self) -> tuple[list[int], list[Value]]:
        """Return the differences of the times, of which the first is the first time, and values."""
        times = self.times
        return [times[0], *map(sub, times[1:], times)], self.values

    @staticmethod
    def from_plain(differences: list[int], values: list[Value]) -> "Chunk":
        """Return the chunk that `to_plain` took apart."""
        return Chunk(list(accumulate(differences)), values)
