"""The first stage: enriched events become contributions, framed by target partition.

A run is *done* when every frame and dead letter that came from it is acknowledged. The group's
offset of a source partition moves behind runs that are done, in order, and never past one that is
not.

Starting a source partition, in this order:
 1. read the committed offset and, in its metadata, the epoch of the last owner
 2. take a greater epoch: the wall clock or the last one plus one
 3. commit the same offset with the new epoch, in the name of this generation
 4. seek there and open the gate: only now can frames of this epoch be written
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import structlog

from processor.clock import wall_ms
from processor.engine.contribution import Contribution
from processor.engine.plan import Plan
from processor.errors import DeadLetterReason, MalformedEventError
from processor.events.event import parse_event
from processor.limits import (
    FRAME_BYTES_MAX,
    FRAME_BYTES_TARGET,
    FRAMES_OUTSTANDING_MAX,
    SLICE_RECORDS_MAX,
)
from processor.metrics import EVENTS, EVENTS_FUTURE, EVENTS_MATCHED, VALUES_REJECTED
from processor.settings import Settings
from processor.streaming.dead_letters import DeadLetters, Refused
from processor.streaming.definitions_topic import DefinitionsReader
from processor.streaming.frame_writer import FrameWriter
from processor.streaming.frames import Section, encode_section
from processor.streaming.gates import Gate, Run
from processor.streaming.partitioner import Partitioner
from processor.streaming.producers import IdempotentProducer
from processor.streaming.slices import Slices
from processor.streaming.transport import Consumer

log = structlog.get_logger(__name__)

# Between two commits of group offsets.
_COMMIT_INTERVAL_S = 1.0
# Between two looks whether enough frames are acknowledged.
_BACKPRESSURE_LOOK_S = 0.002
# Between two attempts to commit an epoch.
_RETRY_S = 0.2


@dataclass(slots=True, eq=False)
class RunDelivery:
    """A run and how much of it is not acknowledged yet; the run itself counts until it is read."""

    end: int
    pending: int = 1

    def delivered(self) -> None:
        """Count one acknowledgement."""
        self.pending -= 1


@dataclass(slots=True, eq=False)
class SourcePartition:
    """One source partition that this worker reads, in one generation."""

    gate: Gate
    topic_id: str
    epoch: int
    committed: int
    done: int
    sequences: dict[int, int] = field(default_factory=dict)
    runs: deque[RunDelivery] = field(default_factory=deque)

    def next_sequence(self, target: int) -> int:
        """Return the number of the next section to a target, and count it."""
        number = self.sequences.get(target, 0)
        self.sequences[target] = number + 1
        return number

    def done_offset(self) -> int:
        """Return the offset behind the runs that are done."""
        while self.runs and self.runs[0].pending == 0:
            self.done = self.runs.popleft().end
        return self.done


class SourceStage:
    """Reads runs of enriched events of all source partitions of this worker."""

    def __init__(
        self,
        definitions: DefinitionsReader,
        partitioner: Partitioner,
        settings: Settings,
        producer: IdempotentProducer,
        slices: Slices,
    ) -> None:
        self._topic = settings.enriched_topic
        self._definitions = definitions
        self._partitioner = partitioner
        self._producer = producer
        self._slices = slices
        self._writer = FrameWriter(settings.contributions_topic, producer)
        self._dead_letters = DeadLetters(settings.dead_letter_topic, producer)
        self._partitions: dict[int, SourcePartition] = {}

    # --- partitions come and go ------------------------------------------------------------------

    async def start(self, consumer: Consumer, gate: Gate, topic_id: str) -> None:
        """Start a source partition: the order stands in the module's docstring."""
        await self._definitions.ready.wait()
        while gate.alive:
            found = await consumer.committed(gate)
            last_epoch = int(found.metadata) if found and found.metadata.isdigit() else -1
            epoch = max(wall_ms(), last_epoch + 1)
            offset = found.offset if found else await consumer.first_offset(gate)
            if await consumer.commit_offset(gate, offset, str(epoch)):
                self._partitions[gate.partition] = SourcePartition(
                    gate, topic_id, epoch, offset, offset
                )
                opened = await consumer.open_gate(gate, offset)
                log.info("source_started", partition=gate.partition, offset=opened, epoch=epoch)
                return
            await asyncio.sleep(_RETRY_S)

    def stop_all(self) -> None:
        """Forget all partitions and what is not sent of them: a rebalance takes them away."""
        self._partitions.clear()
        self._writer.clear()

    async def commit_forever(self, consumer: Consumer) -> None:
        """Move the group's offsets behind what is done, again and again."""
        while True:
            await asyncio.sleep(_COMMIT_INTERVAL_S)
            await self.commit(consumer)

    async def commit(self, consumer: Consumer) -> None:
        """Move the group's offsets behind what is done."""
        for source in list(self._partitions.values()):
            done = source.done_offset()
            if done > source.committed and await consumer.commit_offset(
                source.gate, done, str(source.epoch)
            ):
                source.committed = done

    # --- runs --------------------------------------------------------------------------------

    async def process(self, run: Run) -> None:
        """Turn a run into sections and hand them to the frame writer, until its gate dies."""
        source = self._partitions.get(run.gate.partition)
        while self._producer.outstanding > FRAMES_OUTSTANDING_MAX:
            await asyncio.sleep(_BACKPRESSURE_LOOK_S)
        if source is None or source.gate is not run.gate or not run.gate.alive:
            return
        delivery = RunDelivery(run.end)
        source.runs.append(delivery)
        plan = self._definitions.plan
        by_target: dict[int, list[Contribution]] = {}
        for start in range(0, len(run.records), SLICE_RECORDS_MAX):
            if self._slices.over:
                await self._slices.turn()
            records = run.records[start : start + SLICE_RECORDS_MAX]
            self._collect(source, records, plan, by_target, delivery)
        if self._slices.over:
            await self._slices.turn()
        if not run.gate.alive:
            return
        for target, contributions in by_target.items():
            self._write(source, run, target, contributions, plan, delivery)
        delivery.delivered()
        for (attribute, reason), count in plan.take_rejected().items():
            VALUES_REJECTED.labels(attribute, reason).inc(count)

    def _collect(
        self,
        source: SourcePartition,
        records: list[Any],
        plan: Plan,
        by_target: dict[int, list[Contribution]],
        delivery: RunDelivery,
    ) -> None:
        partition_of = self._partitioner.partition
        matched = future = 0
        for record in records:
            try:
                event = parse_event(record.value or b"")
                contributions = plan.contributions(event, record.offset)
            except MalformedEventError as error:
                self._refuse(source, record, error.reason, error.detail, delivery)
                continue
            except MemoryError:
                raise
            except Exception as error:
                # An event that meets a fault of ours must not stop its partition for ever.
                log.exception("event_failed", partition=record.partition, offset=record.offset)
                reason = DeadLetterReason.UNEXPECTED
                self._refuse(source, record, reason, repr(error), delivery)
                continue
            future += event.future
            if contributions:
                matched += 1
                for contribution in contributions:
                    target = partition_of(contribution.key, contribution.id)
                    if target in by_target:
                        by_target[target].append(contribution)
                    else:
                        by_target[target] = [contribution]
        EVENTS.inc(len(records))
        EVENTS_MATCHED.inc(matched)
        EVENTS_FUTURE.inc(future)

    def _write(
        self,
        source: SourcePartition,
        run: Run,
        target: int,
        contributions: list[Contribution],
        plan: Plan,
        delivery: RunDelivery,
    ) -> None:
        """Encode contributions to one target as one section, or as several cut between events."""
        section = Section(
            source.topic_id, source.gate.partition, plan.definitions_offset, source.epoch,
            source.sequences.get(target, 0), contributions,
        )  # fmt: skip
        encoded = encode_section(section)
        if len(encoded) <= FRAME_BYTES_TARGET:
            source.next_sequence(target)
            self._writer.add(target, encoded, delivery)
            return
        cut = _cut(contributions)
        if cut:
            self._write(source, run, target, contributions[:cut], plan, delivery)
            self._write(source, run, target, contributions[cut:], plan, delivery)
        elif len(encoded) <= FRAME_BYTES_MAX:
            source.next_sequence(target)
            self._writer.add(target, encoded, delivery)
        else:
            offset = contributions[0].offset
            record = next(record for record in run.records if record.offset == offset)
            detail = f"it contributes {len(encoded)} bytes, at most {FRAME_BYTES_MAX} fit a frame"
            self._refuse(source, record, DeadLetterReason.TOO_LARGE, detail, delivery)

    def _refuse(
        self,
        source: SourcePartition,
        record: Any,
        reason: DeadLetterReason,
        detail: str,
        delivery: RunDelivery,
    ) -> None:
        delivery.pending += 1
        refused = Refused(
            self._topic, source.gate.partition, record.offset, record.timestamp,
            record.value or b"", reason, detail,
        )  # fmt: skip
        self._dead_letters.write(refused, delivery.delivered)


def _cut(contributions: list[Contribution]) -> int:
    """Return where one event's contributions end, near the middle; 0 if there is only one event."""
    middle = len(contributions) // 2
    for index in chain(range(middle, len(contributions)), range(middle, 0, -1)):
        if index > 0 and contributions[index].offset != contributions[index - 1].offset:
            return index
    return 0
