"""How the stages see the fetch path: a member of the consumer group behind gates.

The transport on Faust and aiokafka (transport.py) implements it. tests/contracts/test_fetch_path.py
checks what each implementation must do.

Invariants:
- Nothing is fetched from a partition before `open_gate`. After a rebalance, nothing reaches a gate
  that was made before it: that gate is dead, and stays dead.
- The runs of a gate follow each other without a gap, from the offset at which the gate was opened.
- At most RUNS_IN_FLIGHT_MAX runs of a gate are delivered and not `done`.
- A commit is made in the name of the gate's own generation and member, or it is refused.

All methods and callbacks are called in the thread of the event loop.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from processor.errors import ProcessorError
from processor.streaming.fetch.gates import Gate, Run


@dataclass(frozen=True, slots=True)
class CommittedOffset:
    """What the group has stored for a partition."""

    offset: int
    metadata: str


class GatedConsumer(Protocol):
    """A member of the group.

    `joined` is whether it has received an assignment. `heartbeat_at` is when the last acknowledged
    heartbeat was sent. The callbacks are set before it starts. At each rebalance, `on_gates_closed`
    is called, and then `on_gates_made` with the gates of the new generation. `on_fault` is called
    for a partition that cannot be read further, and `on_fatal` for an error that ends the process.
    `other_level` is the format level that the processes of the other stage read.
    `on_run` receives each run. It is counted as in flight until the gate is told that it is `done`.
    """

    joined: bool
    heartbeat_at: float
    other_level: int
    on_gates_closed: Callable[[], Awaitable[None]] | None
    on_gates_made: Callable[[list[Gate]], Awaitable[None]] | None
    on_fatal: Callable[[BaseException], None] | None
    on_fault: Callable[[Gate, ProcessorError], None] | None
    on_run: Callable[[Run], None] | None

    # --- gates --------------------------------------------------------------------------------

    @property
    def gates(self) -> Mapping[tuple[str, int], Gate]:
        """The gates of the generation, by topic and partition."""
        ...

    def close_gates(self) -> None:
        """Close all gates."""
        ...

    def renew_gate(self, gate: Gate) -> Gate | None:
        """Replace a gate after a failure, in the same generation; None if the gate is old."""
        ...

    async def open_gate(self, gate: Gate, offset: int | None) -> int:
        """Seek in the gate's partition and open the gate; None seeks the first existing offset.

        Returns:
            The offset of the seek; -1 if the gate died in the meantime.

        Raises:
            BrokerError: Kafka does not return the first offset.
        """
        ...

    async def rest(self, gate: Gate) -> None:
        """Fetch nothing from a closed partition, and drop what was fetched from it."""
        ...

    # --- what Kafka has -----------------------------------------------------------------------

    async def bounds(self, gate: Gate) -> tuple[int, int]:
        """Return the first offset of the gate's partition, and its end.

        Raises:
            BrokerError: Kafka does not answer.
        """
        ...

    def end_offset(self, gate: Gate) -> int | None:
        """Return the end of the gate's partition, as it was last heard of."""
        ...

    async def commit_offset(self, gate: Gate, offset: int, metadata: str = "") -> bool:
        """Commit a partition's offset in the name of the gate's own generation and member.

        Returns:
            Whether the group accepted it. False: the group moved on, or has no coordinator now.
        """
        ...

    async def committed(self, gate: Gate) -> CommittedOffset | None:
        """Return what the group has committed for the gate's partition.

        Raises:
            BrokerError: the group does not answer.
        """
        ...

    async def committed_of(
        self, topic: str, partitions: Iterable[int]
    ) -> Mapping[int, CommittedOffset]:
        """Return what the group has committed for partitions of a topic, if there is anything.

        Raises:
            BrokerError: the group does not answer.
        """
        ...

    # --- the group ----------------------------------------------------------------------------

    @property
    def crash_reason(self) -> BaseException | None:
        """Why the group membership itself has ended; None while it works."""
        ...

    @property
    def place(self) -> int:
        """The place of this worker among all workers of the group, in an order shared by all."""
        ...

    def partitions_of(self, topic: str) -> int:
        """Return how many partitions of a topic the group's leader has assigned."""
        ...

    async def join_again(self) -> None:
        """Make Kafka rebalance the group."""
        ...

    async def refresh_metadata(self) -> None:
        """Make the client request the partitions and leaders of its topics now."""
        ...

    async def watch_membership_forever(self) -> None:
        """Raise the error that ends group membership, even before a first assignment.

        Raises:
            BrokerError: the group cannot be joined, or can no longer be joined.
        """
        ...
