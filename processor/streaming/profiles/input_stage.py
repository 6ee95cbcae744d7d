"""How the stage of any input applies its runs: slice by slice, each under the partition's lock.

This is step 1 of a flush (processor/streaming/profiles/flush.py). A stage says what a record holds,
what must be known before it can be applied, and how it is applied. Here is, for all stages, when
that may be done, and what is noted with it.

Invariant: if a record cannot be applied, everything before it is, and its position is next. What is
committed at a fault of data relies on that.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from processor.errors import ProcessorError
from processor.kafka.record import Record
from processor.profile_inputs import ProfileInput
from processor.streaming.fetch.gates import Run
from processor.streaming.fetch.missing_records import stands_at
from processor.streaming.profiles.ownership import Ownership

Decoded = TypeVar("Decoded")


class InputStage(ABC, Generic[Decoded]):
    """Applies runs of one input to owned partitions.

    `input` is what it applies, `slice_records` at most how many records at once.
    """

    input: ClassVar[ProfileInput]
    slice_records: ClassVar[int]

    async def apply(self, own: Ownership, run: Run) -> None:
        """Apply a run's records, in order, until its gate dies.

        Raises:
            StateFormatError, SequenceError, MissingDefinitionsError: nothing more of the partition
                can be applied. Everything before the record that the error names is applied.
            HalfAppliedError: what is in memory of the partition must be dropped.
        """
        for start in range(0, len(run.records), self.slice_records):
            records = run.records[start : start + self.slice_records]
            decoded, broken = self._decoded(run, records)
            ready, missing = await self._ready(own, run, records, decoded)
            if ready and not await self._apply_slice(own, run, records[: len(ready)], ready):
                return
            if fault := missing or broken:
                raise fault
        self._pass_markers(own, run)

    def _decoded(
        self, run: Run, records: Sequence[Record]
    ) -> tuple[list[Decoded], ProcessorError | None]:
        """Return what the records before the first one hold that cannot be decoded, and why."""
        decoded = []
        for record in records:
            try:
                decoded.append(self._decode(run, record))
            except ProcessorError as error:
                stands_at(error, run.gate, record.offset)
                return decoded, error
        return decoded, None

    async def _apply_slice(
        self, own: Ownership, run: Run, records: Sequence[Record], ready: list[Decoded]
    ) -> bool:
        """Apply records; return whether the partition still wanted them."""
        await own.room.wait()
        async with own.work:
            await own.slices.turn()
            if not self._is_wanted(own, run):
                return False
            count = await self._apply(own, run, records, ready)
            own.table.positions.next_offsets[self.input] = records[-1].offset + 1
            own.table.applied(sum(len(record.value or b"") for record in records))
            own.applied_some(count)
        return True

    def _pass_markers(self, own: Ownership, run: Run) -> None:
        """Move past the markers of transactions after the last record.

        This is not a change: it is stored with the next change, or done again after a takeover.
        """
        if self._is_wanted(own, run):
            own.table.positions.next_offsets[self.input] = run.end
            own.dirty.set()

    def _is_wanted(self, own: Ownership, run: Run) -> bool:
        return own.applies and run.gate is own.gates[self.input]

    @abstractmethod
    def _decode(self, run: Run, record: Record) -> Decoded:
        """Return what a record holds; a record that cannot be decoded raises StateFormatError."""

    async def _ready(
        self, own: Ownership, run: Run, records: Sequence[Record], decoded: list[Decoded]
    ) -> tuple[list[Decoded], ProcessorError | None]:
        """Return the start of a slice that can be applied now, and why the rest cannot.

        A stage waits here for what its records need. It holds no lock: a flush and a release must
        not wait for that.
        """
        return decoded, None

    @abstractmethod
    async def _apply(
        self, own: Ownership, run: Run, records: Sequence[Record], ready: list[Decoded]
    ) -> int:
        """Apply a slice, under the lock; return how many contributions or parts it has."""
