"""One partition of the profile table in this worker: taken over, flushed, read, released."""

import asyncio
from concurrent.futures import Executor
from contextlib import suppress

import structlog

from processor.clock import monotonic_s
from processor.engine import Plan
from processor.errors import (
    ClosedError,
    DamagedStoreError,
    MissingRecordsError,
    NotReadyError,
    StateError,
)
from processor.kafka.partition_reader import Progress
from processor.limits import CAREFUL_MAX
from processor.metrics import FAULTS, TAKEOVER_SECONDS
from processor.profile_inputs import ProfileInput
from processor.state.rocksdb_store import RocksDBStore, remove_unused, set_aside
from processor.streaming.definitions.current_definitions import Definitions
from processor.streaming.fetch.faults import Backoff, Fault, FaultClass, fault_of, log_closed
from processor.streaming.fetch.gated_consumer import GatedConsumer
from processor.streaming.fetch.gates import Gate, ProfileGates
from processor.streaming.fetch.missing_records import move_command
from processor.streaming.profiles.careful import HalfAppliedError
from processor.streaming.profiles.closed_partition import ClosedPartition, sleep_while, still_owned
from processor.streaming.profiles.flush import Flusher, Flushing
from processor.streaming.profiles.ownership import Ownership
from processor.streaming.profiles.profile_table import ProfileTable
from processor.streaming.profiles.restore_mark import stored_restored
from processor.streaming.profiles.restore_turns import RestoreStoppedError
from processor.streaming.profiles.takeover import Taken, TakeoverPlace, take
from processor.streaming.profiles.worker_memory import WorkerMemory
from processor.streaming.slices import Slices

log = structlog.get_logger(__name__)


class ProfilePartition:
    """Owns one partition of all inputs of the profile stage while its gates are alive."""

    def __init__(
        self,
        place: TakeoverPlace,
        definitions: Definitions,
        executor: Executor,
        slices: Slices,
        memory: WorkerMemory,
        flushing: Flushing,
    ) -> None:
        self.place = place
        self.progress: Progress | None = None
        self.ownership: Ownership | None = None
        self.fault: Fault | None = None
        self._careful = 0
        self._closed = ClosedPartition(place, definitions, executor)
        self._definitions = definitions
        self._executor = executor
        self._slices = slices
        self._memory = memory
        self._flushing = flushing
        self._store: RocksDBStore | None = None
        # Why the store's files are to be set aside before the next takeover; empty if they are not.
        self._damage = ""
        # How far the store followed the changelog when a fault closed it.
        self._followed: int | None = None
        self._moving = asyncio.Lock()

    async def own(self, consumer: GatedConsumer, gates: ProfileGates) -> None:
        """Take over the partition and flush it until a gate dies; repeat after each fault.

        Raises:
            Exception: a fault after which the process cannot continue.
        """
        backoff = Backoff()
        current: ProfileGates | None = gates
        while current is not None:
            ownership: Ownership | None = None
            try:
                ownership = await self._take_over(consumer, current)
                if ownership is None:
                    return
                await Flusher(self.place, ownership, consumer, self._executor, self._flushing).run()
                if ownership.failure is None:
                    return
                raise ownership.failure
            except Exception as error:
                if ownership is not None and ownership.progressed:
                    backoff.reset()
                current = await self._after_fault(consumer, current, error, backoff)

    async def _after_fault(
        self, consumer: GatedConsumer, gates: ProfileGates, error: Exception, backoff: Backoff
    ) -> ProfileGates | None:
        """Close the partition; return new gates once it may be taken over again.

        None: this worker no longer owns it. A worker that lost its partition must not fence the new
        owner, so the group must first confirm the ownership.
        """
        failed_at = monotonic_s()
        fault = fault_of(gates.name, error)
        if fault.kind is FaultClass.PROCESS:
            raise error
        fresh = gates.renewed(consumer.renew_gate)
        async with self._moving:
            if self.ownership is None or self.ownership.gates is gates:
                await self._drop()
                self._followed = self._restored_to()
                self._close_store()
                if isinstance(error, DamagedStoreError):
                    self._damage = error.logged
            if fresh is None:
                return None
        FAULTS.labels(fault.kind).inc()
        if isinstance(error, HalfAppliedError) and not self._careful:
            log.error("contribution_failed", partition=fault.partition, exc_info=error)
            self._careful = CAREFUL_MAX
        else:
            await self._close(consumer, fresh, error, fault, backoff)
        owned = await still_owned(consumer, lambda: fresh.alive, failed_at)
        return fresh if owned else None

    async def _close(
        self,
        consumer: GatedConsumer,
        gates: ProfileGates,
        error: Exception,
        fault: Fault,
        backoff: Backoff,
    ) -> None:
        """Keep the partition closed for as long as its fault requires."""
        if not gates.alive:
            return
        self.fault = fault
        log_closed(fault, error)
        for gate in gates.all:
            await consumer.rest(gate)
        if fault.kind is FaultClass.DATA:
            await self._closed.until_acted_on(gates, error, self._followed)
        else:
            await sleep_while(lambda: gates.alive, backoff.wait_s())

    async def _take_over(self, consumer: GatedConsumer, gates: ProfileGates) -> Ownership | None:
        """Do steps a to e of a takeover (takeover.py); None when a gate died meanwhile."""
        begun = monotonic_s()
        await self._definitions.ready.wait()
        async with self._moving:
            await self._drop()
            if not gates.alive:
                return None
            try:
                taken = await self._take(gates)
            except RestoreStoppedError:
                log.info("restore_stopped", partition=self.place.partition)
                return None
            self._store = taken.store
            self.ownership = Ownership(
                gates, taken.table, taken.producer, self._slices, careful=self._careful
            )
            self.ownership.begin(self._definitions.plan)
            known = taken.table.positions.offsets
            for one in reversed(ProfileInput):  # the contributions last
                if not await self._open(consumer, gates[one], known[one]):
                    if self.ownership.failure is not None:  # of a run that the first gate let pass
                        raise self.ownership.failure
                    return None
            self.progress = self.fault = None
        seconds = monotonic_s() - begun
        TAKEOVER_SECONDS.observe(seconds)
        further = {f"{one.title}_offset": offset for one, offset in known.items()}
        log.info(
            "partition_taken_over", partition=self.place.partition,
            offset=further.pop("contributions_offset"), **further,
            restored=taken.restored_records, seconds=round(seconds, 3),
        )  # fmt: skip
        return self.ownership

    async def _take(self, gates: ProfileGates) -> Taken:
        """Take over with the local store, or with a new one if the local store cannot be read."""
        if self._store is not None and self._store.damaged:
            self._damage = "some of it could not be read"
        if not self._damage:
            try:
                return await self._take_once(gates)
            except DamagedStoreError as error:
                self._damage = error.logged  # the error itself would keep the files open
        await self._set_aside()
        return await self._take_once(gates)

    async def _set_aside(self) -> None:
        self._close_store()
        path = self.place.path
        to = await asyncio.get_running_loop().run_in_executor(self._executor, set_aside, path)
        partition, why, self._damage = self.place.partition, self._damage, ""
        log.warning("store_set_aside", partition=partition, to=str(to), why=why)

    async def _take_once(self, gates: ProfileGates) -> Taken:
        memory = self._memory.begin(self.place.seed)
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self.place.turns.executor, take, self.place, self._store, memory,
                self._note_progress, lambda: gates.alive,
            )  # fmt: skip
        except BaseException:
            self._memory.end(memory)
            raise

    async def _open(self, consumer: GatedConsumer, gate: Gate, known: int) -> bool:
        """Open a gate at a known position, 0 for none; return whether the gate was still alive."""
        opened = await consumer.open_gate(gate, known or None)
        if opened > known:
            raise _missing(gate, opened)
        return opened >= 0

    def _note_progress(self, progress: Progress) -> None:
        self.progress = progress

    async def _drop(self) -> None:
        """Forget everything above the store, after work in progress has ended.

        This work is a flush, a sweep, and the frame or parts that are being applied. None of it can
        go on without the store, and its results are no longer written. Until it ends, it counts the
        memory that it takes.
        """
        ownership, self.ownership = self.ownership, None
        if ownership is not None:
            self._careful = ownership.careful
            ownership.end()
            async with ownership.flushing, ownership.sweeping, ownership.work:
                self._memory.end(ownership.table.memory)
                self._executor.submit(ownership.producer.close)

    async def release(self) -> None:
        """Close everything: the partition now belongs to another worker, or this worker stops."""
        async with self._moving:
            await self._drop()
            self._close_store()
            self.progress = self.fault = None

    async def remove_unused(self, since_s: float) -> None:
        """Remove local files that have not been used since `since_s`, in seconds since 1970."""
        async with self._moving:
            if self._store is None:
                loop, path = asyncio.get_running_loop(), self.place.path
                gone = await loop.run_in_executor(self._executor, remove_unused, path, since_s)
                if gone:
                    log.info("unused_store_removed", paths=[str(one) for one in gone])

    def _restored_to(self) -> int | None:
        """Return the changelog offset up to which the store follows it; None if not known."""
        with suppress(StateError):
            restored = None if self._store is None else stored_restored(self._store)
            return None if restored is None else restored.next_offset
        return None

    def _close_store(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    async def note_definitions(self, plan: Plan) -> None:
        """Note what new definitions in force keep, at once instead of with the next event."""
        own = self.ownership
        if own is not None:
            async with own.work:
                if not own.alive:
                    return
                own.note(plan)
                if own.table.coverage_changed:
                    own.dirty.set()

    @property
    def committed(self) -> ProfileTable:
        """The table, from which the state of the last committed transaction can be read.

        Raises:
            NotReadyError: the partition is being taken over, is closed by a fault, or is no longer
                owned by this worker.
        """
        ownership = self.ownership
        if self.fault is not None:
            message = f"partition {self.place.partition} is closed: {self.fault.reason}"
            raise ClosedError(message, hint=self.fault.remedy)
        if ownership is not None and self._store is not None and self._store.damaged:
            ownership.fail(DamagedStoreError("a read found that the store is damaged"))
        if ownership is None or not ownership.alive or not ownership.gates.opened:
            message = f"partition {self.place.partition} is being taken over"
            raise NotReadyError(message, hint="try again in a moment")
        return ownership.table


def _missing(gate: Gate, first: int) -> MissingRecordsError:
    message = f"{gate.name} begins at offset {first}, and the changelog has no position"
    return MissingRecordsError(
        message,
        hint="the changelog was emptied or created again: applied records are lost; to go on "
        f"without it: {move_command(gate.topic, gate.partition, first)}; to start over from the "
        "source's committed offsets use a new PROCESSOR_APP_ID",
    )
