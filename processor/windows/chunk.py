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

    def to_plain(self) -> tuple[list[int], list[Value]]:
        """Return the differences of the times, of which the first is the first time, and values."""
        times = self.times
        return [times[0], *map(sub, times[1:], times)], self.values

    @staticmethod
    def from_plain(differences: list[int], values: list[Value]) -> "Chunk":
        """Return the chunk that `to_plain` took apart."""
        return Chunk(list(accumulate(differences)), values)
