"""One partition of the profile table in this worker: taken over, flushed, read, let go."""

import asyncio
from concurrent.futures import Executor

import structlog

from processor.clock import monotonic_s
from processor.errors import BrokerError, FencedError, NotReadyError, TopicError
from processor.metrics import TAKEOVER_SECONDS
from processor.state.changelog import RestoreProgress
from processor.state.store import Store
from processor.streaming.definitions_topic import DefinitionsReader
from processor.streaming.flush import Flusher, StepHook, no_hook
from processor.streaming.gates import Gate, GatePair
from processor.streaming.ownership import Ownership
from processor.streaming.profile_table import ProfileTable
from processor.streaming.slices import Slices
from processor.streaming.takeover import TakeoverPlace, take
from processor.streaming.transport import Consumer

log = structlog.get_logger(__name__)

# Between two attempts at a takeover that failed.
_RETRY_S = 0.5
# Between two looks whether the group has acknowledged a heartbeat.
_HEARTBEAT_LOOK_S = 0.05


class ProfilePartition:
    """Owns one partition of contributions and rules while its gates are alive."""

    def __init__(
        self,
        place: TakeoverPlace,
        definitions: DefinitionsReader,
        executor: Executor,
        slices: Slices,
        hook: StepHook = no_hook,
    ) -> None:
        self.place = place
        self.progress: RestoreProgress | None = None
        self.ownership: Ownership | None = None
        self._definitions = definitions
        self._executor = executor
        self._slices = slices
        self._hook = hook
        self._store: Store | None = None
        self._moving = asyncio.Lock()

    async def own(self, consumer: Consumer, gates: GatePair) -> None:
        """Take the partition over and flush it until a gate dies; again after each failure.

        Raises:
            StateError, StateFormatError, TopicError: a person has to look.
        """
        current: GatePair | None = gates
        while current is not None:
            try:
                ownership = await self._take_over(consumer, current)
                if ownership is None:
                    return
                await Flusher(self.place, ownership, consumer, self._executor, self._hook).run()
            except (BrokerError, FencedError) as error:
                if isinstance(error, TopicError):
                    raise
                failed_at = monotonic_s()
                log.warning("partition_dropped", partition=self.place.partition, error=str(error))
                await asyncio.sleep(_RETRY_S)
                current = await self._renewed(consumer, current, failed_at)
            else:
                return

    async def _renewed(
        self, consumer: Consumer, gates: GatePair, failed_at: float
    ) -> GatePair | None:
        """Return new gates once the group has confirmed that we are still its member.

        A worker that lost its partition must not fence the one that has it now.
        """
        contributions = consumer.renew_gate(gates.contributions)
        rules = consumer.renew_gate(gates.rules)
        if contributions is None or rules is None:
            return None
        fresh = GatePair(contributions, rules)
        while fresh.alive and consumer.heartbeat_at <= failed_at:
            await asyncio.sleep(_HEARTBEAT_LOOK_S)
        return fresh if fresh.alive else None

    async def _take_over(self, consumer: Consumer, gates: GatePair) -> Ownership | None:
        """Do steps a to e of processor/streaming/takeover.py; None when a gate died meanwhile."""
        begun = monotonic_s()
        await self._definitions.ready.wait()
        async with self._moving:
            await self._drop()
            if not gates.alive:
                return None
            taken = await asyncio.get_running_loop().run_in_executor(
                self._executor, take, self.place, self._store, self._note_progress
            )
            self._store = taken.table.store
            self.ownership = Ownership(gates, taken.table, taken.producer, self._slices)
            self.ownership.note(self._definitions.plan)
            known = taken.table.positions.offsets
            for gate, offset in (
                (gates.rules, known.rules),
                (gates.contributions, known.contributions),
            ):
                if not await self._open(consumer, gate, offset):
                    return None
            self.progress = None
        seconds = monotonic_s() - begun
        TAKEOVER_SECONDS.observe(seconds)
        log.info(
            "partition_taken_over", partition=self.place.partition, offset=known.contributions,
            rules_offset=known.rules, restored=taken.restored_records, seconds=round(seconds, 3),
        )  # fmt: skip
        return self.ownership

    async def _open(self, consumer: Consumer, gate: Gate, known: int) -> bool:
        """Open a gate at a known position, 0 for none; return whether it still lived."""
        opened = await consumer.open_gate(gate, known or None)
        if opened > known:
            raise _missing(gate, opened)
        return opened >= 0

    def _note_progress(self, progress: RestoreProgress) -> None:
        self.progress = progress

    async def _drop(self) -> None:
        """Forget everything above the store, after a flush that is still under way."""
        ownership, self.ownership = self.ownership, None
        if ownership is not None:
            ownership.gates.close()
            ownership.room.set()
            ownership.dirty.set()
            async with ownership.flushing, ownership.sweeping:
                self._executor.submit(ownership.producer.close)

    async def release(self) -> None:
        """Close everything: the partition belongs to another worker now, or this one stops."""
        async with self._moving:
            await self._drop()
            if self._store is not None:
                self._store.close()
                self._store = None

    async def note_definitions(self) -> None:
        """Note what the definitions now in force keep, at once and not with the next event."""
        own = self.ownership
        if own is not None:
            async with own.work:
                own.note(self._definitions.plan)
                if own.table.coverage_changed:
                    own.dirty.set()

    @property
    def committed(self) -> ProfileTable:
        """The table, to be asked for what the last committed transaction left.

        Raises:
            NotReadyError: the partition is being taken over, or is not ours any more.
        """
        ownership = self.ownership
        if ownership is None or not ownership.alive or not ownership.gates.opened:
            message = f"partition {self.place.partition} is being taken over"
            raise NotReadyError(message, hint="try again in a moment")
        return ownership.table


def _missing(gate: Gate, first: int) -> TopicError:
    message = f"{gate.name} begins at offset {first}, and the changelog has no position"
    return TopicError(
        message,
        hint="the changelog was emptied or made anew: what was applied is lost; to start over from "
        "the source's committed offsets use a new PROCESSOR_APP_ID",
    )
