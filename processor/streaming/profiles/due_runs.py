"""Which profiles of a partition a sweep must check (processor/decisions/sweeps.md).

The store keys of heads, in order, are cut into runs. A run reaches from its first key up to the
first key of the next run. For each run, it is known up to which watermark nothing in it expires.
"""

from collections.abc import Iterator
from typing import NamedTuple

from processor.engine import NEVER_DUE_MS, NEVER_MS, Plan, earliest_due_ms
from processor.limits import SWEEP_RUN_PROFILES

# A run of everything, due at any watermark and even without one.
_ALL = (b"", NEVER_MS)


class Run(NamedTuple):
    """Keys from `start` to before `end` (None: to the last), and when the first key is due."""

    start: bytes
    end: bytes | None
    due_ms: int


class DueRuns:
    """The runs of one partition, in the order of their keys; at first, one run that is due.

    A sweep takes the runs that are `due`, one after another. For each profile that it finds, in
    order, it reports when the profile is due.
    """

    def __init__(self) -> None:
        self._plan: Plan | None = None
        self._runs: list[tuple[bytes, int]] = [_ALL]
        # Of the sweep in progress.
        self._kept: list[tuple[bytes, int]] = []
        self._latest_ms = NEVER_DUE_MS
        self._count = 0

    def __len__(self) -> int:
        return len(self._runs)

    def due(self, plan: Plan, all_ms: int, *, every: bool) -> Iterator[Run]:
        """Yield the runs that are due at a watermark; all as one run, if the plan is new.

        The runs are renewed when the iterator is exhausted, and not before.
        """
        if every or plan is not self._plan:
            self._runs = [_ALL]
        self._plan = None  # in case the sweep does not end
        self._kept = []
        self._latest_ms = earliest_due_ms(plan, all_ms)
        for index, (start, due_ms) in enumerate(self._runs):
            if due_ms > all_ms:
                self._kept.append((start, due_ms))
                continue
            end = self._runs[index + 1][0] if index + 1 < len(self._runs) else None
            self._begin(start)
            yield Run(start, end, due_ms)
            self._join_empty()
        self._runs, self._kept = self._kept, []
        self._plan = plan

    def found(self, prefix: bytes, due_ms: int) -> None:
        """Note that the next profile of the last run that was yielded is due at `due_ms`."""
        if self._count >= SWEEP_RUN_PROFILES:
            self._begin(prefix)
        self._count += 1
        start, earliest_ms = self._kept[-1]
        self._kept[-1] = (start, min(earliest_ms, due_ms))

    def _join_empty(self) -> None:
        """Extend the run before a run without profiles over that run."""
        if not self._count and len(self._kept) > 1:
            _, due_ms = self._kept.pop()
            start, earliest_ms = self._kept[-1]
            self._kept[-1] = (start, min(earliest_ms, due_ms))

    def _begin(self, start: bytes) -> None:
        self._kept.append((start, self._latest_ms))
        self._count = 0
