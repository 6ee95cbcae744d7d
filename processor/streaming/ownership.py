"""What a worker holds of one partition between a takeover and the next rebalance or failure.

Everything here lies above the store and is dropped as a whole: a takeover makes a new one.
"""

import asyncio
from dataclasses import dataclass, field

from processor.streaming.gates import Gate
from processor.streaming.producers import TransactionalProducer
from processor.streaming.profile_table import ProfileTable

# topic, key, value, headers
Message = tuple[str, bytes, bytes, list[tuple[str, bytes]]]


@dataclass(slots=True, eq=False)
class Ownership:
    """One partition's gate, table, producer, and what waits for the next flush.

    `order` is held while a run is applied, so that the next one waits for its turn; `work` while a
    frame is applied and while a flush encodes; `flushing` during a flush, from its first step to
    its last. `dirty` is set when there is something to flush; `room` is clear while too many
    profiles wait for a flush.
    """

    gate: Gate
    table: ProfileTable
    producer: TransactionalProducer
    fired: list[Message] = field(default_factory=list)
    applied: int = 0
    order: asyncio.Lock = field(default_factory=asyncio.Lock)
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
        return self.gate.alive
