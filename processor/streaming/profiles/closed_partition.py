"""A partition of profiles that a data fault closed: how it notices that an operator has acted.

`processor partitions move` writes a position into the changelog of the partition, under its
transactional id. Nothing else writes there while this worker owns the partition and it is closed.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress

from processor.clock import monotonic_s
from processor.errors import BrokerError, MissingDefinitionsError
from processor.kafka.partition_reader import PartitionReader
from processor.limits import CLOSED_LOOK_S
from processor.streaming.definitions.current_definitions import Definitions
from processor.streaming.fetch.gated_consumer import GatedConsumer
from processor.streaming.fetch.gates import ProfileGates
from processor.streaming.profiles.takeover import TakeoverPlace

# Between two checks whether this worker still owns a partition.
_LOOK_S = 0.05


async def sleep_while(wanted: Callable[[], bool], seconds: float) -> None:
    """Sleep for some seconds, or until the wait is no longer wanted."""
    deadline = monotonic_s() + seconds
    while wanted() and (left := deadline - monotonic_s()) > 0:
        await asyncio.sleep(min(_LOOK_S, left))


async def still_owned(consumer: GatedConsumer, alive: Callable[[], bool], since_s: float) -> bool:
    """Wait until the group acknowledges a heartbeat that was sent after a time.

    Returns:
        Whether `alive` is true then: a worker that lost its partition must not start it again.
    """
    while alive() and consumer.heartbeat_at <= since_s:
        await asyncio.sleep(_LOOK_S)
    return alive()


class ClosedPartition:
    """Watches the changelog of one partition. The executor runs what blocks."""

    def __init__(self, place: TakeoverPlace, definitions: Definitions, executor: Executor) -> None:
        self._place = place
        self._definitions = definitions
        self._executor = executor

    async def until_acted_on(
        self, gates: ProfileGates, error: BaseException, followed: int | None
    ) -> None:
        """Wait until the partition's gates die, or there is a reason to try again.

        A reason is a new record in the changelog, or definitions that have arrived. Changelog
        records before `followed` are no reason: the takeover read them, or they were written since.
        If `followed` is not known, the records that exist at the first check are no reason.
        """

        def waits() -> bool:
            return gates.alive and not self._have_come(error)

        while waits():
            with suppress(BrokerError):
                acted, followed = await asyncio.get_running_loop().run_in_executor(
                    self._executor, self._look, followed
                )
                if acted:
                    return
            await sleep_while(waits, CLOSED_LOOK_S)

    def _have_come(self, error: BaseException) -> bool:
        if not isinstance(error, MissingDefinitionsError):
            return False
        return error.offset <= self._definitions.plan.definitions_offset

    def _look(self, followed: int | None) -> tuple[bool, int]:
        """Return whether the changelog has a record from an offset on, and where it has none."""
        settings = self._place.settings
        reader = PartitionReader(
            settings.kafka_client, settings.changelog_topic, self._place.partition
        )
        try:
            if followed is None:
                return False, reader.bounds()[1]
            return next(reader.read(followed), None) is not None, followed
        finally:
            reader.close()
