"""A bounded run of entries of one series, in order of event time, then arrival."""

from itertools import accumulate
from operator import sub

from processor.aggregates import Aggregate, Gather, State, Value


class Chunk:
    """Parallel lists: `times[i]` is the event time in ms of `values[i]`. Never empty or changed.

    `weight` is its approximate memory in bytes, 0 until that is computed (weight.py).
    """

    __slots__ = ("_prepared", "times", "values", "weight")

    def __init__(self, times: list[int], values: list[Value]) -> None:
        self.times = times
        self.values = values
        self.weight = 0
        # By family; None after the first part of the chunk was gathered.
        self._prepared: dict[str, Gather | None] = {}

    def gather(self, aggregate: Aggregate, start: int, stop: int) -> State:
        """Return the state of the entries from `start` to before `stop`; there is at least one.

        The chunk at the edge of a window is gathered at each read; from the second time on, it is
        prepared for that.
        """
        if aggregate.prepare is None:
            return aggregate.gather(self.times, self.values, start, stop)
        family = aggregate.family
        if family not in self._prepared:
            self._prepared[family] = None
            return aggregate.gather(self.times, self.values, start, stop)
        gather = self._prepared[family]
        if gather is None:
            gather = self._prepared[family] = aggregate.prepare(self.values)
        return gather(start, stop)

    def part(self, start: int, stop: int) -> "Chunk":
        """Return the entries from `start` to before `stop`."""
        return Chunk(self.times[start:stop], self.values[start:stop])

    def merged(self, newer: "Chunk") -> "Chunk":
        """Return the entries of both; the entries of `newer` arrived later."""
        times, values = self.times + newer.times, self.values + newer.values
        if newer.times[0] >= self.times[-1]:
            return Chunk(times, values)
        order = sorted(range(len(times)), key=times.__getitem__)  # stable: older before newer
        return Chunk([times[at] for at in order], [values[at] for at in order])

    def to_plain(self) -> tuple[list[int], list[Value]]:
        """Return the first time followed by the differences of the times, and the values."""
        times = self.times
        return [times[0], *map(sub, times[1:], times)], self.values

    @staticmethod
    def from_plain(differences: list[int], values: list[Value]) -> "Chunk":
        """Return the chunk from the result of `to_plain`."""
        return Chunk(list(accumulate(differences)), values)
