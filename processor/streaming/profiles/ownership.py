"""What a worker holds of one partition between a takeover and the next rebalance or failure.

Everything here is above the store and is dropped as a whole: a takeover makes a new ownership.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from processor.clock import steady_ms, wall_ms
from processor.engine import NOTHING_REACHED, Plan, Reached
from processor.formats import FIRST_LEVEL
from processor.limits import (
    APPLIED_MAX,
    CHANGED_PROFILES_MAX,
    DEFINITIONS_SPREAD_MS,
    WATERMARK_MARGIN_MS,
)
from processor.metrics import MEMORY_WAITS
from processor.profile_inputs import ProfileInput
from processor.streaming.fetch.faults import FaultClass, fault_class
from processor.streaming.fetch.gates import ProfileGates
from processor.streaming.messages.outgoing import Outgoing
from processor.streaming.messages.producers import TransactionalProducer
from processor.streaming.profiles.due_runs import DueRuns
from processor.streaming.profiles.epochs import OlderEpochs
from processor.streaming.profiles.profile_table import ProfileTable
from processor.streaming.profiles.watermark import NEVER_MS, PartitionWatermark
from processor.streaming.slices import Slices


@dataclass(slots=True, eq=False)
class Ownership:
    """One partition's gates, table and producer, and what waits for the next flush.

    Locks: that of an input in `orders` is held while a run of it is applied, so that its next run
    waits for its turn; `work` while a slice of a run is applied, and while a flush encodes;
    `flushing` during a whole flush. `dirty` is set if there is something to flush, `hurry` if that
    should not wait long. `room` is clear while too much waits for a flush. `committed_metadata` is
    stored beside the committed offset of the contributions. `due` holds what a sweep must check.
    `slices` gives turns for slices of work to all partitions of the worker. `failure` is what ended
    the ownership, unless that was a rebalance. `torn`: a contribution or a part may be applied by
    half. The changes of each of the next `careful` contributions and parts can be undone.
    """

    gates: ProfileGates
    table: ProfileTable
    producer: TransactionalProducer
    slices: Slices = field(default_factory=Slices)
    outgoing: Outgoing = field(init=False)
    watermark: PartitionWatermark = field(default_factory=PartitionWatermark)
    due: DueRuns = field(default_factory=DueRuns)
    committed_metadata: str = ""
    newest_arrival_ms: int = 0
    owned_since_ms: int = field(default_factory=wall_ms)
    failure: BaseException | None = None
    torn: bool = False
    careful: int = 0
    older_epochs: OlderEpochs = field(default_factory=OlderEpochs)
    applied: int = 0
    orders: Mapping[ProfileInput, asyncio.Lock] = field(
        default_factory=lambda: {one: asyncio.Lock() for one in ProfileInput}
    )
    work: asyncio.Lock = field(default_factory=asyncio.Lock)
    sweeping: asyncio.Lock = field(default_factory=asyncio.Lock)
    flushing: asyncio.Lock = field(default_factory=asyncio.Lock)
    dirty: asyncio.Event = field(default_factory=asyncio.Event)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    room: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.outgoing = Outgoing(self.format_level)
        self.room.set()

    @property
    def alive(self) -> bool:
        """Whether this worker still owns the partition, as far as is known."""
        return self.gates.alive

    @property
    def applies(self) -> bool:
        """Whether records may be applied: it is alive, and no fault was met."""
        return self.alive and self.failure is None

    def may_apply(self) -> bool:
        """Whether records may be applied: for callers that ask again and again."""
        return self.applies

    def fail(self, error: BaseException) -> None:
        """End this ownership because of a fault; after a rebalance, or another fault, do nothing.

        At a fault of data, everything before it is whole: the flusher commits it, and then ends the
        ownership. So an operator who moves the partition past the fault loses nothing before it. At
        other faults, what was applied since the last flush is dropped.
        """
        if not self.applies:
            return
        self.failure = error
        if self.torn or fault_class(error) is not FaultClass.DATA:
            self.end()
        else:
            self._release_waiters()

    def end(self) -> None:
        """Let nothing more pass, and release all waiters."""
        self.gates.close()
        self._release_waiters()

    def _release_waiters(self) -> None:
        self.room.set()
        self.dirty.set()
        self.hurry.set()

    @property
    def format_level(self) -> int:
        """The format level of what this ownership writes."""
        return self.gates.format_level

    @property
    def progressed(self) -> bool:
        """Whether a flush that moved a position has succeeded."""
        return self.table.flushed != self.table.found

    @property
    def has_changes(self) -> bool:
        """Whether there is something to flush."""
        return self.applied > 0 or self.table.has_changes

    def begin(self, plan: Plan) -> None:
        """Note what a plan keeps, and since when everything that is written has an arrival."""
        positions = self.table.positions
        positions.remember(self.table.counted.horizon_ms, wall_ms())
        if self.format_level > FIRST_LEVEL and not positions.taken_over_ms:
            positions.taken_over_ms = wall_ms()
            self.table.coverage.cut(self._latest_ms())
        self.note(plan)

    def note(self, plan: Plan) -> None:
        """Note, under `work`, what a plan keeps, before anything is applied under it."""
        self.table.note(plan, self._latest_ms())

    def note_sent_under(self, definitions_offset: int) -> None:
        """Note, under `work`, the definitions under which what is applied now was sent."""
        self.table.note_sent_under(definitions_offset, self._latest_ms())

    async def note_read_under(self, definitions_offset: int) -> None:
        """Note the oldest definitions under which any source partition is read from now on."""
        async with self.work:
            self.table.note_read_under(definitions_offset, self._latest_ms())
            if self.table.coverage_changed:
                self.dirty.set()

    def _latest_ms(self) -> int:
        """Return a time that no current event is later than, by any clock."""
        return max(wall_ms(), self.newest_arrival_ms) + DEFINITIONS_SPREAD_MS

    def applied_some(self, count: int) -> None:
        """Note, under `work`, that `count` contributions or parts were applied."""
        self.applied += count
        self.dirty.set()
        full = (
            self.applied >= APPLIED_MAX
            or self.table.changes >= CHANGED_PROFILES_MAX
            or self.outgoing.full
        )
        crowded = self.table.crowded
        if (full or crowded) and self.alive:  # otherwise no flush follows to make room
            self.room.clear()
            if crowded:
                MEMORY_WAITS.inc()
        if self.outgoing.some or self.crowded:
            self.hurry.set()

    @property
    def crowded(self) -> bool:
        """Whether so much waits for a flush that there will soon be no room for more."""
        return (
            self.applied >= APPLIED_MAX // 2
            or self.table.changes >= CHANGED_PROFILES_MAX // 2
            or self.table.crowded
        )

    def advance_watermark(self) -> None:
        """Let the watermark follow what is applied."""
        applied, flushed = self.table.positions.offsets, self.table.flushed
        contributions, rules = ProfileInput.CONTRIBUTIONS, ProfileInput.RULES
        self.watermark.advance(applied[contributions], applied[rules], flushed[contributions])
        self.table.counted.forget_before(self.reached().all_ms)

    def reached(self) -> Reached:
        """Return the times a sweep uses now: never later than the clock, which may have gone back.

        They are unknown if versions without arrivals also write to the partition.
        """
        if self.format_level == FIRST_LEVEL:
            return NOTHING_REACHED
        latest_ms = steady_ms() - WATERMARK_MARGIN_MS
        return Reached(min(self.watermark.all_ms, latest_ms), self.watermark.joint_ms)

    def remembered_ms(self) -> int:
        """Return how far back all counted events are remembered."""
        counted, since_ms = self.table.counted, self.table.positions.remembered_since_ms
        return min(counted.held_ms, max(wall_ms() - since_ms, 0)) if counted.horizon_ms else 0

    def arrived_ms(self) -> int:
        """Return how far arrivals have come: what is added now is kept as if it arrived then.

        So it is kept for its full time even if its record has an older timestamp.
        """
        latest_ms = steady_ms() - WATERMARK_MARGIN_MS
        known_ms = self.watermark.all_ms
        return latest_ms if known_ms == NEVER_MS else min(known_ms, latest_ms)

    def take_outgoing(self) -> Outgoing:
        """Return, under `work`, what the flush that begins must send; start a new collection."""
        taken, self.outgoing = self.outgoing, Outgoing(self.format_level)
        self.applied = 0
        self.dirty.clear()
        self.hurry.clear()
        return taken
