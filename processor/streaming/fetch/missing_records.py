"""Partitions whose next record does not exist, or cannot be read.

The record was removed before it was read, is past the end of the partition, or is damaged.
"""

from processor.clock import monotonic_s
from processor.errors import BrokerError, MissingRecordsError, ProcessorError, SequenceError
from processor.streaming.fetch.faults import FaultClass, fault_class
from processor.streaming.fetch.gates import Gate


class OutOfRange:
    """Gates whose fetch found that their next offset is not in the partition.

    A gate counts only if the group has confirmed afterwards that this worker owns the partition:
    a worker that was frozen wakes with partitions that others have since read and emptied.
    """

    def __init__(self) -> None:
        self._seen: dict[Gate, float] = {}

    def note(self, gate: Gate) -> None:
        """Note that a fetch found nothing at the gate's next offset."""
        self._seen[gate] = monotonic_s()

    def confirmed(self, heartbeat_at: float) -> list[Gate]:
        """Return, once each, the gates that the group has confirmed with a heartbeat sent later."""
        found = [gate for gate, at in self._seen.items() if gate.alive and heartbeat_at > at]
        for gate in [gate for gate in self._seen if not gate.alive or gate in found]:
            del self._seen[gate]
        return found


def move_command(topic: str, partition: int, to: int) -> str:
    """Return the command that continues at an offset and skips what is before it."""
    return f"processor partitions move {topic} {partition} --to {to} --accept-loss"


def stands_at(error: ProcessorError, gate: Gate, offset: int) -> None:
    """Note in an error which record it concerns, and how to continue.

    To continue, a record that cannot be applied is left out. A record after a gap is intact, so
    only the missing records before it are left out.
    """
    error.message = f"{gate.name} offset {offset}: {error.message}"
    if fault_class(error) is FaultClass.DATA:
        gap = isinstance(error, SequenceError)
        without = "the missing ones" if gap else "it"
        command = move_command(gate.topic, gate.partition, offset if gap else offset + 1)
        error.hint = (
            f"{error.hint or 'a newer version may read it'}; to go on without {without}: {command}"
        )


def missing_records(
    topic: str, partition: int, offset: int, bounds: tuple[int, int]
) -> MissingRecordsError:
    """Return the error for an offset that a partition does not have; it states how to continue."""
    first, end = bounds
    name = f"{topic}-{partition}"
    found = f"it holds {first} to {end}" if first < end else f"it is empty and ends at {end}"
    to = first if offset < first else end
    return MissingRecordsError(
        f"the next record to read, offset {offset} of {name}, does not exist",
        detail=found,
        hint="records were removed before they were read; to go on without them: "
        + move_command(topic, partition, to),
    )


def unreadable(gate: Gate, error: Exception) -> BrokerError:
    """Return the error for records that Kafka's client cannot decode, after those of the gate."""
    command = move_command(gate.topic, gate.partition, gate.next_offset + 1)
    return BrokerError(
        f"what follows offset {gate.next_offset} of {gate.name} cannot be decoded",
        detail=repr(error),
        hint="if it comes again, Kafka's copy of it is damaged: let another replica lead; "
        f"to go on without the damaged records: {command}, or further",
    )
