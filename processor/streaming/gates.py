"""Gates and runs: what stands between Kafka's fetched records and the agents.

Invariants:
- A gate belongs to one partition in one generation of the consumer group. It starts closed, opens
  once by a seek, and dies at the next rebalance or failure; a dead gate never opens again.
- `next_offset` is touched in aiokafka's thread only, where seeks and fetches happen one by one;
  each run starts at or after the end of the one before it.
- `in_flight` is touched in the main thread only.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from processor.errors import SequenceError
from processor.limits import RUNS_IN_FLIGHT_MAX


@dataclass(slots=True, eq=False)
class Gate:
    """One partition in one generation."""

    topic: str
    partition: int
    generation: int
    member_id: str
    alive: bool = True
    opened: bool = False
    next_offset: int = -1
    in_flight: int = 0
    on_space: Callable[[], None] = field(default=lambda: None)

    @property
    def name(self) -> str:
        """Topic and partition, for people."""
        return f"{self.topic}-{self.partition}"

    @property
    def wants_records(self) -> bool:
        """Whether records of this partition may be fetched now."""
        return self.alive and self.opened and self.in_flight < RUNS_IN_FLIGHT_MAX

    def opens_at(self, offset: int) -> None:
        """Let runs through from `offset` on. Called after the seek, in the thread that fetches."""
        assert not self.opened, f"the gate of {self.name} opened twice"
        self.next_offset = offset
        self.opened = True

    def expects(self, position: int) -> None:
        """Check that the consumer is where the last run ended.

        Raises:
            SequenceError: somebody else moved it or took records.
        """
        if position != self.next_offset:
            message = f"{self.name} is at offset {position} where {self.next_offset} was next"
            raise SequenceError(message, hint="stop; start again from the committed state")

    def run(self, records: list[Any], position: int) -> "Run":
        """Return the run of what was fetched; `position` is the offset to fetch next.

        There may be no records: control records of transactions alone move the position.

        Raises:
            SequenceError: the records lie before the end of the run before.
        """
        first = records[0].offset if records else self.next_offset
        last = records[-1].offset if records else first
        if first < self.next_offset or position <= last:
            message = f"{self.name} delivered offset {first} where {self.next_offset} was next"
            raise SequenceError(message, hint="stop; start again from the committed state")
        run = Run(self, records, self.next_offset, position)
        self.next_offset = position
        return run

    def done(self, run: "Run") -> None:
        """Count a run that an agent has finished with."""
        assert run.gate is self
        self.in_flight -= 1
        self.on_space()


@dataclass(frozen=True, slots=True)
class GatePair:
    """The gates of one partition of profiles: what is read for it opens and dies together."""

    contributions: Gate
    rules: Gate

    @property
    def alive(self) -> bool:
        """Whether the partition is still ours, as far as we know."""
        return self.contributions.alive and self.rules.alive

    @property
    def opened(self) -> bool:
        """Whether both were sought."""
        return self.contributions.opened and self.rules.opened

    def close(self) -> None:
        """Let nothing more through."""
        self.contributions.alive = False
        self.rules.alive = False


@dataclass(slots=True, eq=False)
class Run:
    """Records of one partition that one fetch returned, in offset order: [start, end).

    There may be gaps between the records, and none at all, where transactions end or a topic is
    compacted.
    """

    gate: Gate
    records: list[Any]
    start: int
    end: int
