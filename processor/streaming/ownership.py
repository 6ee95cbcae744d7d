"""What a worker holds of one partition between a takeover and the next rebalance or failure.

Everything here lies above the store and is dropped as a whole: a takeover makes a new one.
"""

import asyncio
from dataclasses import dataclass, field

from processor.clock import wall_ms
from processor.engine.plan import Plan
from processor.limits import APPLIED_MAX, CHANGED_PROFILES_MAX, DEFINITIONS_SPREAD_MS
from processor.streaming.gates import GatePair
from processor.streaming.outgoing import Outgoing
from processor.streaming.producers import TransactionalProducer
from processor.streaming.profile_table import ProfileTable
from processor.streaming.slices import Slices


@dataclass(slots=True, eq=False)
class Ownership:
    """One partition's gates, table, producer, and what waits for the next flush.

    `order` is held while a run of frames is applied, so that the next one waits for its turn, and
    `rules_order` while a run of parts is; `work` while a frame or some parts are applied and while
    a flush encodes; `flushing` during a flush, from its first step to its last. `dirty` is set when
    there is something to flush; `room` is clear while too much waits for a flush. `slices` gives
    turns for slices of work, among all partitions of the worker.
    """

    gates: GatePair
    table: ProfileTable
    producer: TransactionalProducer
    slices: Slices = field(default_factory=Slices)
    outgoing: Outgoing = field(default_factory=Outgoing)
    applied: int = 0
    order: asyncio.Lock = field(default_factory=asyncio.Lock)
    rules_order: asyncio.Lock = field(default_factory=asyncio.Lock)
    work: asyncio.Lock = field(default_factory=asyncio.Lock)
    sweeping: asyncio.Lock = field(default_factory=asyncio.Lock)
    flushing: asyncio.Lock = field(default_factory=asyncio.Lock)
    dirty: asyncio.Event = field(default_factory=asyncio.Event)
    room: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.room.set()

    @property
    def alive(self) -> bool:
        """Whether the partition is still ours, as far as we know."""
        return self.gates.alive

    @property
    def has_changes(self) -> bool:
        """Whether there is something to flush."""
        return self.applied > 0 or self.table.has_changes

    def note(self, plan: Plan) -> None:
        """Note, under `work`, what a plan keeps: before anything is applied under it."""
        self.table.note(plan, wall_ms() + DEFINITIONS_SPREAD_MS)

    def note_sent_under(self, definitions_offset: int) -> None:
        """Note, under `work`, under which definitions something was sent that is applied now."""
        self.table.note_sent_under(definitions_offset, wall_ms() + DEFINITIONS_SPREAD_MS)

    def applied_some(self, count: int) -> None:
        """Note, under `work`, that so many contributions or parts were applied."""
        self.applied += count
        self.dirty.set()
        if (
            self.applied >= APPLIED_MAX
            or self.table.changes >= CHANGED_PROFILES_MAX
            or self.outgoing.full
        ):
            self.room.clear()

    def take_outgoing(self) -> Outgoing:
        """Give out, under `work`, what the flush that begins has to send."""
        taken, self.outgoing = self.outgoing, Outgoing()
        self.applied = 0
        self.dirty.clear()
        return taken
