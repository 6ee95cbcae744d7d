"""The memory of one worker: what it may take for state, and how much of it is taken.

Profiles and their parts get what is left beside counted events and kept interventions
(processor/streaming/profiles/memory_budget.py, processor/decisions/memory.md).
"""

import asyncio
from collections.abc import Callable, Mapping

from processor.metrics import MEMORY, MEMORY_BUDGET
from processor.streaming.profiles.counted_memory import CountedMemory
from processor.streaming.profiles.memory_budget import MemoryBudget
from processor.streaming.profiles.ownership import Ownership
from processor.streaming.profiles.partition_memory import PartitionMemory, begin_memory

# Between two checks whether there is memory to release.
_INTERVAL_S = 1.0


class WorkerMemory:
    """The memory that the partitions of one worker may take. Used in the event loop's thread.

    `replay` returns the bytes of kept interventions; the code that keeps them sets it. What may be
    fetched ahead, `prefetch_bytes`, is counted as if it always were.
    """

    def __init__(
        self,
        bytes_max: int,
        *,
        horizon_ms: int = 0,
        duplicates_bytes: int = 0,
        prefetch_bytes: int = 0,
    ) -> None:
        self.budget = MemoryBudget(bytes_max)
        self.replay: Callable[[], int] = int
        self._prefetch_bytes = prefetch_bytes
        self._counted = CountedMemory(horizon_ms, duplicates_bytes)
        self._partitions: list[PartitionMemory] = []
        MEMORY_BUDGET.set(bytes_max)

    def begin(self, seed: int) -> PartitionMemory:
        """Return the memory of a partition that is taken over; pass it to `end` later."""
        memory = begin_memory(self.budget, self._counted.begin(seed))
        self._partitions.append(memory)
        return memory

    def end(self, memory: PartitionMemory) -> None:
        """Release the memory of a partition, which is no longer used."""
        self._partitions.remove(memory)
        self._counted.end(memory.counted)
        for holder in (memory.profiles, memory.read):
            self.budget.leave(holder)

    async def tend_forever(self, owned: Callable[[], Mapping[int, Ownership]]) -> None:
        """Release memory that is not needed, and show how much is taken.

        `owned` returns what this worker owns now, by partition.
        """
        while True:
            await self._counted.tend(owned())
            self.look()
            await asyncio.sleep(_INTERVAL_S)

    def look(self) -> None:
        """Measure what is taken beside profiles, make room for it, and show all of it."""
        duplicates, replay = self._counted.bytes, self.replay()
        self.budget.others = duplicates + replay + self._prefetch_bytes
        self.budget.make_room()
        held = [one.profiles for one in self._partitions]
        read = sum(one.read.parts_bytes for one in self._partitions)
        for of, count in (
            ("profiles", sum(one.head_bytes for one in held)),
            ("parts", sum(one.parts_bytes for one in held) + read),
            ("changes", self.budget.changes),
            ("duplicates", duplicates),
            ("replay", replay),
            ("prefetch", self._prefetch_bytes),
        ):
            MEMORY.labels(of).set(count)
