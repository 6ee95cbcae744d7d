"""The partitions of profiles that this worker knows: those that it owns, and those that it owned.

Invariant: there is one `ProfilePartition` for each number, for as long as the worker runs. It is
made when it is first needed and never replaced, so that a takeover of a partition waits until the
same worker has let go of it.
"""

from collections.abc import Callable

from processor.engine import Plan
from processor.errors import NotReadyError
from processor.kafka.partitioner import Partitioner
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.streaming.fetch.faults import Fault
from processor.streaming.profiles.ownership import Ownership
from processor.streaming.profiles.profile_partition import ProfilePartition
from processor.streaming.tasks import Tasks


class ProfilePartitions:
    """Partitions by number. `make` returns a new one."""

    def __init__(
        self,
        settings: Settings,
        partitioner: Partitioner,
        make: Callable[[int], ProfilePartition],
        tasks: Tasks,
    ) -> None:
        self.by_number: dict[int, ProfilePartition] = {}
        self._settings = settings
        self._partitioner = partitioner
        self._make = make
        self._tasks = tasks

    def get(self, number: int) -> ProfilePartition:
        """Return a partition, which is made if it is not known yet."""
        known = self.by_number.get(number)
        if known is None:
            known = self.by_number[number] = self._make(number)
        return known

    def holding(self, key: str, identifier: str) -> ProfilePartition:
        """Return the partition of a profile.

        Raises:
            NotReadyError: this worker does not know it, and so does not own it.
        """
        partition = self.by_number.get(self._partitioner.partition(key, identifier))
        if partition is None:
            message = f"no worker owns {key} {identifier!r} yet"
            raise NotReadyError(message, hint="try again in a moment")
        return partition

    def ownership(self, number: int) -> Ownership | None:
        """Return what this worker owns of a partition, if anything."""
        partition = self.by_number.get(number)
        return partition.ownership if partition is not None else None

    def owned(self) -> dict[int, Ownership]:
        """Return what this worker owns now, by partition."""
        return {
            number: partition.ownership
            for number, partition in self.by_number.items()
            if partition.ownership is not None and partition.ownership.alive
        }

    def faults(self) -> list[Fault]:
        """Return why partitions of profiles are closed."""
        return [one.fault for one in self.by_number.values() if one.fault is not None]

    def applied(self) -> dict[str, dict[int, int]]:
        """Return how far each partition of this worker is applied, as the changelog has it."""
        stored = {number: own.table.flushed for number, own in self.owned().items()}
        return {
            one.topic(self._settings): {number: offsets[one] for number, offsets in stored.items()}
            for one in ProfileInput
        }

    def restored(self) -> float:
        """Return how much of the changelogs of partitions being taken over is read, 0 to 1."""
        partitions = self.by_number.values()
        progress = [one.progress for one in partitions if one.progress is not None]
        wanted = sum(one.end - one.start for one in progress)
        done = sum(one.position - one.start for one in progress)
        return done / wanted if wanted else 1.0

    def note_definitions(self, plan: Plan) -> None:
        """Note what definitions that came into force keep, in every partition."""
        for partition in self.by_number.values():
            self._tasks.spawn(partition.note_definitions(plan))
