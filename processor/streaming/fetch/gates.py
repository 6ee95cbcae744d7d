"""Gates and runs: the layer between the records fetched from Kafka and the agents.

Invariants:
- A gate belongs to one partition in one generation of the consumer group. It starts closed, opens
  once by a seek, and dies at the next rebalance or failure; a dead gate never opens again.
- Each run starts at or after the end of the run before it.
- `end` is the newest end of the partition that its leader has reported.

All of it is used only in the event loop's thread.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from processor.errors import FetchPositionError
from processor.kafka.record import Record
from processor.limits import RUNS_IN_FLIGHT_MAX
from processor.profile_inputs import ProfileInput
from processor.streaming.fetch.partition_ends import PartitionEnd


@dataclass(slots=True, eq=False)
class Gate:
    """One partition in one generation.

    `format_level` is the level at which the generation writes (processor/formats.py).
    """

    topic: str
    partition: int
    generation: int
    member_id: str
    format_level: int
    alive: bool = True
    opened: bool = False
    next_offset: int = -1
    end: PartitionEnd | None = None
    in_flight: int = 0
    on_space: Callable[[], None] = field(default=lambda: None)

    @property
    def name(self) -> str:
        """Topic and partition, as text for people."""
        return f"{self.topic}-{self.partition}"

    @property
    def wants_records(self) -> bool:
        """Whether records of this partition may be fetched now."""
        return self.alive and self.opened and self.in_flight < RUNS_IN_FLIGHT_MAX

    def opens_at(self, offset: int) -> None:
        """Let runs pass from `offset` on. Called with the seek."""
        assert not self.opened, f"the gate of {self.name} opened twice"
        self.next_offset = offset
        self.opened = True

    def run(self, records: Sequence[Record], position: int) -> "Run":
        """Return the run of the fetched records; `position` is the offset to fetch next.

        There may be no records: control records of transactions also move the position.

        Raises:
            FetchPositionError: the records are before the end of the previous run.
        """
        first = records[0].offset if records else self.next_offset
        last = records[-1].offset if records else first
        if first < self.next_offset or position <= last:
            message = f"{self.name} delivered offset {first} where {self.next_offset} was next"
            raise FetchPositionError(message, hint="stop; start again from the committed state")
        run = Run(self, records, self.next_offset, position)
        self.next_offset = position
        return run

    def done(self, run: "Run") -> None:
        """Count a run that an agent has finished."""
        assert run.gate is self
        self.in_flight -= 1
        self.on_space()


class ProfileGates:
    """The gates of one partition of profiles, one for each input: all open and die together."""

    __slots__ = ("_by_input", "_first", "all")

    def __init__(self, by_input: Mapping[ProfileInput, Gate]) -> None:
        assert by_input.keys() == set(ProfileInput)
        self._by_input = by_input
        self._first = by_input[ProfileInput.CONTRIBUTIONS]
        self.all = tuple(by_input[one] for one in ProfileInput)

    def __getitem__(self, one: ProfileInput) -> Gate:
        return self._by_input[one]

    @property
    def partition(self) -> int:
        """The number of the partition, which is the same for all inputs."""
        return self._first.partition

    @property
    def name(self) -> str:
        """The partition, TOPIC-NUMBER, under which its faults are known."""
        return self._first.name

    @property
    def alive(self) -> bool:
        """Whether this worker still owns the partition, as far as is known."""
        return all(gate.alive for gate in self.all)

    @property
    def format_level(self) -> int:
        """The format level at which their generation writes."""
        return self._first.format_level

    @property
    def opened(self) -> bool:
        """Whether all gates are open."""
        return all(gate.opened for gate in self.all)

    def renewed(self, renew: Callable[[Gate], Gate | None]) -> "ProfileGates | None":
        """Replace all gates by new ones; None if this worker no longer owns all of them."""
        renewed = {one: renew(self[one]) for one in ProfileInput}
        owned = {one: gate for one, gate in renewed.items() if gate is not None}
        return ProfileGates(owned) if len(owned) == len(renewed) else None

    def close(self) -> None:
        """Let nothing more pass."""
        for gate in self.all:
            gate.alive = False


@dataclass(slots=True, eq=False)
class Run:
    """Records of one partition that one fetch returned, in offset order: [start, end).

    There may be gaps between the records, or no records at all, if transactions end or a topic is
    compacted.
    """

    gate: Gate
    records: Sequence[Record]
    start: int
    end: int
