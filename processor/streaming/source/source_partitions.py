"""The source partitions that this worker reads: started, closed by a fault, started again.

Starting a source partition, in this order:
 1. read the committed offset and, in its metadata, the epoch of the last owner; if the topic does
    not hold that offset, the setting `on_missing_records` says where to go on, if at all
 2. take a greater epoch: the wall clock or the last one plus one. Where the metadata are lost, the
    last one is the greatest that stage 2 has seen or will see (streaming/profiles/epochs.py)
 3. commit the offset with the new epoch, in the name of this generation
 4. seek there and open the gate: only now can frames of this epoch be written
"""

import asyncio
from collections.abc import Mapping

import structlog

from processor.clock import monotonic_s, wall_ms
from processor.errors import MissingRecordsError
from processor.limits import CLOSED_LOOK_S
from processor.metrics import FAULTS, SOURCE_RECORDS_MISSED
from processor.settings import Settings
from processor.streaming.definitions.current_definitions import Definitions
from processor.streaming.fetch.faults import Backoff, Fault, FaultClass, fault_of, log_closed
from processor.streaming.fetch.gated_consumer import CommittedOffset, GatedConsumer
from processor.streaming.fetch.gates import Gate
from processor.streaming.fetch.missing_records import missing_records
from processor.streaming.messages.commit_metadata import NOTHING, decode_commit_metadata
from processor.streaming.profiles.closed_partition import sleep_while, still_owned
from processor.streaming.profiles.epochs import Source, newest_epochs
from processor.streaming.source.source_partition import SourcePartition

log = structlog.get_logger(__name__)

# Between two attempts to commit an epoch.
_RETRY_S = 0.2


class SourcePartitions:
    """By number: the partitions that are read, and why the others are closed."""

    def __init__(self, settings: Settings, definitions: Definitions) -> None:
        self.running: dict[int, SourcePartition] = {}
        self.faults: dict[int, Fault] = {}
        self._settings = settings
        self._taken: dict[int, int] = {}
        self._epochs: tuple[int, asyncio.Task[Mapping[Source, int]]] | None = None
        self._topic = settings.enriched_topic
        self._on_missing = settings.on_missing_records
        self._definitions = definitions

    def stop_all(self) -> None:
        """Forget all partitions: a rebalance takes them away."""
        self.running.clear()
        self.faults.clear()

    async def own(
        self,
        consumer: GatedConsumer,
        gate: Gate,
        topic_id: str,
        error: BaseException | None = None,
    ) -> None:
        """Start a partition while its gate is alive; `error` is a fault that has closed it before.

        Raises:
            Exception: a fault after which the process cannot continue.
        """
        await self._definitions.ready.wait()
        backoff = Backoff()
        current: Gate | None = gate
        while current is not None:
            if error is None:
                try:
                    await self._start(consumer, current, topic_id)
                except Exception as failed:
                    error = failed
                else:
                    return
            current = await self._after_fault(consumer, current, error, backoff)
            error = None

    async def fail(self, consumer: GatedConsumer, gate: Gate, error: BaseException) -> None:
        """Close a partition that is being read, and start it again when that is allowed."""
        source = self.running.get(gate.partition)
        if source is not None and source.gate is gate and gate.alive:
            del self.running[gate.partition]
            await self.own(consumer, gate, source.topic_id, error)

    async def _start(self, consumer: GatedConsumer, gate: Gate, topic_id: str) -> None:
        while gate.alive:
            found = await consumer.committed(gate)  # 1
            known = decode_commit_metadata(found.metadata) if found else NOTHING
            if known.topic_id not in {None, topic_id}:
                log.warning("topic_made_anew", topic=self._topic, partition=gate.partition)
                found = None  # the offset is from a topic that no longer exists
            offset = await self._offset(consumer, gate, found)
            last = known.epoch
            if last is None:
                last = await self._last_epoch(gate, topic_id)
            epoch = max(wall_ms(), last + 1)  # 2
            source = SourcePartition(gate, topic_id, epoch, offset)
            if known.topic_id == topic_id:  # all records before the offset have been read
                source.watermark_ms = known.watermark_ms
            source.committed = source.progress(self._definitions.plan.definitions_offset)
            metadata = source.metadata(source.committed)
            if await consumer.commit_offset(gate, offset, metadata):  # 3
                self.running[gate.partition] = source
                self._taken[gate.partition] = epoch
                opened = await consumer.open_gate(gate, offset)  # 4
                if opened >= 0:
                    self.faults.pop(gate.partition, None)
                log.info("source_started", partition=gate.partition, offset=opened, epoch=epoch)
                return
            await asyncio.sleep(_RETRY_S)

    async def _last_epoch(self, gate: Gate, topic_id: str) -> int:
        """Return the greatest epoch that is known without a commit, -1 if there is none.

        It is looked up once per generation, for all partitions: during a generation, only this
        worker takes new ones.
        """
        if self._epochs is None or self._epochs[0] != gate.generation:
            self._epochs = (
                gate.generation,
                asyncio.create_task(asyncio.to_thread(newest_epochs, self._settings)),
            )
        try:
            found = await asyncio.shield(self._epochs[1])
        except Exception:
            self._epochs = None  # looked up again when the partition is started again
            raise
        return max(found.get((topic_id, gate.partition), -1), self._taken.get(gate.partition, -1))

    async def _offset(
        self, consumer: GatedConsumer, gate: Gate, found: CommittedOffset | None
    ) -> int:
        """Return the offset at which to begin.

        Raises:
            MissingRecordsError: the offset of the last owner is gone, and no setting replaces it.
        """
        first, end = await consumer.bounds(gate)
        if found is None or first <= found.offset <= end:
            return first if found is None else found.offset
        if self._on_missing == "stop":
            raise missing_records(gate.topic, gate.partition, found.offset, (first, end))
        offset = first if self._on_missing == "earliest" else end
        missed = max(0, offset - found.offset)
        SOURCE_RECORDS_MISSED.inc(missed)
        log.error(
            "source_records_missed", partition=gate.name, offset=found.offset, goes_on_at=offset,
            first=first, end=end, missed=missed, on_missing_records=self._on_missing,
        )  # fmt: skip
        return offset

    async def _after_fault(
        self, consumer: GatedConsumer, gate: Gate, error: BaseException, backoff: Backoff
    ) -> Gate | None:
        """Close a partition; return a new gate once it may be started again, if still owned."""
        failed_at = monotonic_s()
        fault = fault_of(gate.name, error)
        if fault.kind is FaultClass.PROCESS:
            raise error
        fresh = consumer.renew_gate(gate)
        if fresh is None:
            return None
        if isinstance(error, MissingRecordsError) and self._on_missing != "stop":
            return fresh
        self.faults[gate.partition] = fault
        FAULTS.labels(fault.kind).inc()
        log_closed(fault, error)
        await consumer.rest(fresh)
        if fault.kind is FaultClass.DATA:
            await self._until_acted_on(consumer, fresh)
        else:
            await sleep_while(lambda: fresh.alive, backoff.wait_s())
        owned = await still_owned(consumer, lambda: fresh.alive, failed_at)
        return fresh if owned else None

    async def _until_acted_on(self, consumer: GatedConsumer, gate: Gate) -> None:
        """Wait until the topic holds the committed offset, or the gate dies."""
        while gate.alive:
            await sleep_while(lambda: gate.alive, CLOSED_LOOK_S)
            try:
                found = await consumer.committed(gate)
                first, end = await consumer.bounds(gate)
            except Exception as error:
                log.warning("closed_partition_not_seen", partition=gate.name, error=repr(error))
                continue
            if found is None or first <= found.offset <= end:
                return
