"""The records of one partition between the fetch and its gate.

A gate lets RUNS_IN_FLIGHT_MAX runs pass. What was fetched behind them is held here, in order, until
the stage has finished a run.

Invariants:
- `position` is past everything that was fetched: records, and control records at the end.
- Every record is delivered in a run of the gate, or dropped with the gate.
"""

from typing import Any

from processor.errors import FetchPositionError
from processor.kafka.record import FetchedRecord, fetched_record
from processor.limits import HELD_BYTES_MAX, RUN_RECORDS_MAX
from processor.streaming.fetch.gates import Gate, Run


class HeldRecords:
    """What was fetched of the partition of one open gate, and is not yet delivered.

    `paused` is whether fetching is paused because too much is held. `full_since_s` is the time
    since which too much has been held, by the monotonic clock. `broken` is whether nothing more of
    the partition may be delivered.
    """

    __slots__ = ("_bytes", "_records", "broken", "full_since_s", "gate", "paused", "position")

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.position = gate.next_offset
        self.paused = False
        self.broken = False
        self.full_since_s: float | None = None
        self._records: list[FetchedRecord] = []
        self._bytes = 0

    @property
    def full(self) -> bool:
        """Whether so much is held that the partition should not be fetched now."""
        return len(self._records) >= RUN_RECORDS_MAX or self._bytes >= HELD_BYTES_MAX

    def add(self, message: Any) -> None:
        """Hold a message of librdkafka, the next one that was fetched.

        Raises:
            FetchPositionError: it is before the end of what was fetched.
            UnicodeDecodeError: the name of a header is no text.
        """
        offset, gate = message.offset(), self.gate
        if offset < self.position:
            detail = f"{gate.name} delivered offset {offset} where {self.position} was next"
            raise FetchPositionError(detail, hint="stop; start again from the committed state")
        record = fetched_record(message, gate.topic, gate.partition, offset)
        self._records.append(record)
        self._bytes += len(record.value or b"")
        self.position = offset + 1

    def ends_at(self, offset: int) -> None:
        """Move past control records: the partition has nothing else before this offset."""
        self.position = max(self.position, offset)

    def runs(self) -> list[Run]:
        """Return the runs that the gate lets pass now, and count them as in flight."""
        gate, runs = self.gate, []
        while gate.wants_records and self.position > gate.next_offset and not self.broken:
            some, self._records = self._records[:RUN_RECORDS_MAX], self._records[RUN_RECORDS_MAX:]
            position = some[-1].offset + 1 if self._records else self.position
            runs.append(gate.run(some, position))
            gate.in_flight += 1
        if runs:
            self._bytes = sum(len(one.value or b"") for one in self._records)
        return runs

    def spoil(self) -> None:
        """Drop what is held, and deliver nothing more."""
        self.broken = True
        self._records = []
        self._bytes = 0
