"""What one partition holds in memory."""

from dataclasses import dataclass

from processor.engine import CountedEvents
from processor.streaming.profiles.held_profiles import HeldProfiles
from processor.streaming.profiles.memory_budget import MemoryBudget
from processor.streaming.profiles.read_profiles import ReadProfiles

# What a partition may take if it shares memory with no others.
_ALONE_BYTES = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class PartitionMemory:
    """Events that it has counted, profiles that are in use, profiles that were read."""

    counted: CountedEvents
    profiles: HeldProfiles
    read: ReadProfiles


def begin_memory(budget: MemoryBudget, counted: CountedEvents) -> PartitionMemory:
    """Return the memory of a partition that holds no profiles yet."""
    memory = PartitionMemory(counted, HeldProfiles(budget), ReadProfiles(budget))
    budget.holders += [memory.profiles, memory.read]
    return memory


def memory_alone() -> PartitionMemory:
    """Return the memory of a partition that shares it with no others and counts no events."""
    return begin_memory(MemoryBudget(_ALONE_BYTES), CountedEvents(0, bytes_max=0))
