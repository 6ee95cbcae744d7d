"""How far one source partition is read: which runs are done, and what is committed.

A run is *done* when every frame and dead letter that came from it is acknowledged.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from processor.streaming.fetch.gates import Gate
from processor.streaming.messages.commit_metadata import CommitMetadata


class Progress(NamedTuple):
    """An offset, and what is known about all records from it on.

    They do not arrive before `watermark_ms`. At the end of the partition, that is the time at which
    the end was requested; elsewhere, the least arrival of the last records before the offset. They
    are read under the definitions of `definitions_offset` or later ones.
    """

    offset: int
    watermark_ms: int | None
    definitions_offset: int

    def moved(self, before: "Progress", step_ms: float) -> bool:
        """Return whether it is worth a commit: something new, or a watermark later by a step.

        A watermark earlier by a step also counts: the one before came from a clock that was ahead.
        """
        if self.offset != before.offset:
            return self.offset > before.offset
        if self.definitions_offset > before.definitions_offset:
            return True
        now_ms = self.watermark_ms
        return now_ms is not None and abs(now_ms - (before.watermark_ms or 0)) >= step_ms


@dataclass(slots=True, eq=False)
class RunDelivery:
    """A run and how much of it is not yet acknowledged; the run itself counts until it is read.

    `arrival_ms` is the least arrival of its records with a usable timestamp, negative if there are
    none. `definitions_offset` is the offset of the definitions under which the run is read.
    """

    end: int
    arrival_ms: int
    definitions_offset: int
    pending: int = 1

    def delivered(self) -> None:
        """Count one acknowledgement."""
        self.pending -= 1


@dataclass(slots=True, eq=False)
class SourcePartition:
    """One source partition that this worker reads, in one generation.

    `watermark_ms` is how far arrivals have come if the offset `done` is not the end, None if that
    is not known. It is the least arrival in the last two runs. Under LogAppendTime, one run would
    be enough. But records of producers with wrong clocks must not be the only ones, and a run can
    be a single record. `committed` is what was committed last.
    """

    gate: Gate
    topic_id: str
    epoch: int
    done: int
    watermark_ms: int | None = None
    committed: Progress = field(default_factory=lambda: Progress(-1, None, -1))
    sequences: dict[int, int] = field(default_factory=dict)
    runs: deque[RunDelivery] = field(default_factory=deque)
    # The least arrival of the last run that had one.
    _run_ms: int | None = None

    def next_sequence(self, target: int) -> int:
        """Return the number of the next section to a target, and count that section."""
        number = self.sequences.get(target, 0)
        self.sequences[target] = number + 1
        return number

    def progress(self, definitions_offset: int) -> Progress:
        """Return the offset after the runs that are done, and what is known there.

        `definitions_offset` is the offset of the definitions under which the next run will be read.
        """
        while self.runs and self.runs[0].pending == 0:
            run = self.runs.popleft()
            self.done = run.end
            if run.arrival_ms >= 0:
                before_ms = run.arrival_ms if self._run_ms is None else self._run_ms
                self.watermark_ms = min(before_ms, run.arrival_ms)
                self._run_ms = run.arrival_ms
        if self.runs:
            definitions_offset = self.runs[0].definitions_offset
        end = self.gate.end
        if end is not None and end.offset == self.done:
            return Progress(self.done, end.sent_ms, definitions_offset)
        return Progress(self.done, self.watermark_ms, definitions_offset)

    def metadata(self, progress: Progress) -> str:
        """Return the metadata to commit beside the offset."""
        known = CommitMetadata(
            self.epoch, progress.watermark_ms, self.topic_id, progress.definitions_offset
        )
        return known.encode(self.gate.format_level)
