"""The first stage: enriched events become contributions, framed by target partition.

A run is *done* when every frame and dead letter that came from it is acknowledged. The group's
offset of a source partition moves past runs that are done, in order, and never past a run that is
not done.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

import structlog

from processor.clock import wall_ms
from processor.engine import Contribution
from processor.errors import DeadLetterReason, MalformedEventError
from processor.events import PackedRecordError, parse_event, unpack, unpack_usual
from processor.formats import FIRST_LEVEL
from processor.kafka.partitioner import Partitioner
from processor.kafka.record import Record, timestamp_ms
from processor.limits import (
    FRAME_BYTES_MAX,
    FRAME_BYTES_TARGET,
    FRAMES_OUTSTANDING_MAX,
    NATIVE_SLICE_RECORDS_MAX,
    RUN_EVENTS_MAX,
    SLICE_RECORDS_MAX,
    WATERMARK_INTERVAL_S,
)
from processor.metrics import (
    EVENTS,
    EVENTS_AHEAD,
    EVENTS_BY_CODE,
    EVENTS_FUTURE,
    EVENTS_MATCHED,
    EVENTS_UNDATED,
    RECORDS_UNPACKED,
    VALUES_REJECTED,
)
from processor.settings import Settings
from processor.streaming.definitions.current_definitions import Definitions
from processor.streaming.fetch.gated_consumer import GatedConsumer
from processor.streaming.fetch.gates import Run
from processor.streaming.messages.arrival import (
    first_arrival_ms,
    least_arrival_ms,
    source_arrivals_ms,
)
from processor.streaming.messages.dead_letters import DeadLetters, Refused
from processor.streaming.messages.frames import (
    EncodedContributions,
    Part,
    Section,
    decode_parts,
    encode_section,
    join_section,
)
from processor.streaming.messages.producers import IdempotentProducer
from processor.streaming.slices import Slices
from processor.streaming.source.backlog import Backlog
from processor.streaming.source.frame_writer import FrameWriter
from processor.streaming.source.native_code import NativeCode, NativeTable
from processor.streaming.source.run_reading import (
    PackedEvent,
    Reading,
    by_event,
    by_offset,
    cut_at,
)
from processor.streaming.source.source_partition import RunDelivery
from processor.streaming.source.source_partitions import SourcePartitions

log = structlog.get_logger(__name__)

# Between two commits of group offsets.
_COMMIT_INTERVAL_S = 1.0
# Between two checks whether enough frames are acknowledged.
_BACKPRESSURE_LOOK_S = 0.002


class SourceStage:
    """Reads runs of enriched events of all source partitions of this worker."""

    def __init__(
        self,
        definitions: Definitions,
        partitioner: Partitioner,
        settings: Settings,
        producer: IdempotentProducer,
        slices: Slices,
        backlog: Backlog,
    ) -> None:
        self._topic = settings.enriched_topic
        self._definitions = definitions
        self._partitioner = partitioner
        self._producer = producer
        self._slices = slices
        self._backlog = backlog
        self._native = NativeCode()
        self._writer = FrameWriter(settings.contributions_topic, producer, backlog.wrote)
        self._dead_letters = DeadLetters(settings.dead_letter_topic, producer)
        self.partitions = SourcePartitions(settings, definitions)
        self._step_ms = min(WATERMARK_INTERVAL_S, settings.sweep_interval_s) * 1000

    # --- partitions come and go ------------------------------------------------------------------

    def stop_all(self) -> None:
        """Forget all partitions and their unsent frames: a rebalance takes the partitions away."""
        self.partitions.stop_all()
        self._writer.clear()

    async def commit_forever(self, consumer: GatedConsumer) -> None:
        """Move the group's offsets past what is done, again and again."""
        while True:
            await asyncio.sleep(_COMMIT_INTERVAL_S)
            await self.commit(consumer)

    async def commit(self, consumer: GatedConsumer) -> None:
        """Move the group's offsets past what is done."""
        for source in list(self.partitions.running.values()):
            progress = source.progress(self._definitions.plan.definitions_offset)
            if progress.moved(source.committed, self._step_ms) and await consumer.commit_offset(
                source.gate, progress.offset, source.metadata(progress)
            ):
                source.committed = progress

    def send_all(self) -> None:
        """Send the frames that are begun."""
        self._writer.send_all()

    # --- runs --------------------------------------------------------------------------------

    async def process(self, run: Run) -> None:
        """Turn a run into sections and pass them to the frame writer, until its gate dies."""
        source = self.partitions.running.get(run.gate.partition)
        await self._backlog.room()
        while self._producer.outstanding > FRAMES_OUTSTANDING_MAX:
            await asyncio.sleep(_BACKPRESSURE_LOOK_S)
        if source is None or source.gate is not run.gate or not run.gate.alive:
            return
        plan = self._definitions.plan
        least_ms = least_arrival_ms(run.records, wall_ms())
        delivery = RunDelivery(run.end, least_ms, plan.definitions_offset)
        source.runs.append(delivery)
        table = self._native.table(plan, run.gate.format_level)
        reading = Reading(source, run, plan, delivery, table)
        await self._collect(reading, run.records, self._collect_packed)
        if self._slices.over:
            await self._slices.turn()
        if not run.gate.alive:
            return
        self._write_all(reading)
        delivery.delivered()
        for (attribute, reason), count in plan.take_rejected().items():
            VALUES_REJECTED.labels(attribute, reason).inc(count)

    async def _collect_packed(self, reading: Reading, record: Record) -> None:
        """Collect the events of a packed record as if each were a record, until the gate dies."""
        gate = reading.run.gate
        try:
            unpacked = unpack_usual(record.value or b"")
            if unpacked is None:
                unpacked = await asyncio.to_thread(unpack, record.value or b"")
        except MalformedEventError as error:
            self._refuse(reading, record, error.reason, error.detail)
            return
        RECORDS_UNPACKED.labels(unpacked.compression).inc()
        events = [PackedEvent.of(record, *one) for one in enumerate(unpacked.events)]
        await self._collect(reading, events, self._refuse_packed)
        reading.unpacked += len(events)
        if reading.unpacked >= RUN_EVENTS_MAX and gate.alive:
            self._write_all(reading)
            while self._producer.outstanding > FRAMES_OUTSTANDING_MAX:
                await asyncio.sleep(_BACKPRESSURE_LOOK_S)

    async def _refuse_packed(self, reading: Reading, record: Record) -> None:
        refused = PackedRecordError()
        self._refuse(reading, record, refused.reason, refused.detail)

    async def _collect(
        self,
        reading: Reading,
        records: Sequence[Record],
        collect_packed: Callable[[Reading, Record], Awaitable[None]],
    ) -> None:
        """Collect what events contribute, in turns and in their order, until the gate dies."""
        for some, arrivals_ms in self._for_python(reading, records):
            start = 0
            while True:
                if self._slices.over:
                    await self._slices.turn()
                if not reading.run.gate.alive:
                    return
                if start < len(some):
                    start += self._read(reading, some[start:], arrivals_ms[start:])
                if start == len(some):
                    break
                await collect_packed(reading, some[start])
                start += 1

    def _for_python(
        self, reading: Reading, records: Sequence[Record]
    ) -> Iterator[tuple[Sequence[Record], Sequence[int]]]:
        """Yield slices of records for Python to read, with their arrivals; an empty one for a turn.

        Native code has read all records before a slice, except for those in earlier slices.
        """
        table = reading.table
        size = SLICE_RECORDS_MAX if table is None else NATIVE_SLICE_RECORDS_MAX
        for start in range(0, len(records), size):
            some = records[start : start + size]
            arrivals_ms = source_arrivals_ms(some, wall_ms())
            if table is None:
                yield some, arrivals_ms
                continue
            yield (), ()
            for first, end in self._read_natively(table, reading, some, arrivals_ms):
                for at in range(first, end, SLICE_RECORDS_MAX):
                    last = min(at + SLICE_RECORDS_MAX, end)
                    yield some[at:last], arrivals_ms[at:last]

    def _read_natively(
        self,
        table: NativeTable,
        reading: Reading,
        records: Sequence[Record],
        arrivals_ms: Sequence[int],
    ) -> Iterator[tuple[int, int]]:
        """Yield the ranges of records that native code leaves to Python; collect the others."""
        matched, future, ahead, stretches = table.collect(
            [one.value for one in records],
            [one.offset for one in records],
            arrivals_ms,
            self._partitioner.partitions,
        )
        left = sum(end - first for _, first, end in stretches)
        _count("native", len(records) - left, matched, future, ahead)
        for encoded, first, end in stretches:
            for target, count, data in encoded:
                reading.add(target, EncodedContributions(count, data))
            yield first, end

    def _read(self, reading: Reading, records: Sequence[Record], arrivals_ms: Sequence[int]) -> int:
        """Collect what events contribute, up to a packed record; return how many were read."""
        plan, source = reading.plan, reading.origin
        partition_of = self._partitioner.partition
        read = matched = future = ahead = undated = 0
        for record, arrived_ms in zip(records, arrivals_ms, strict=True):
            try:
                event = parse_event(record.value or b"", arrived_ms)
                contributions = plan.contributions(event, source, record.offset)
            except PackedRecordError:
                break
            except MalformedEventError as error:
                read += 1
                self._refuse(reading, record, error.reason, error.detail)
                continue
            except MemoryError:
                raise
            except Exception as error:
                # An event that triggers an error in our code must not stop its partition forever.
                log.exception("event_failed", partition=record.partition, offset=record.offset)
                read += 1
                self._refuse(reading, record, DeadLetterReason.UNEXPECTED, repr(error))
                continue
            read += 1
            future += event.future
            ahead += event.ahead
            undated += event.undated
            if contributions:
                matched += 1
                for contribution in contributions:
                    target = partition_of(contribution.key, contribution.id)
                    reading.add(target, contribution)
        _count("python", read, matched, future, ahead)
        EVENTS_UNDATED.inc(undated)
        return read

    def _write_all(self, reading: Reading) -> None:
        """Pass what is collected to the frame writer; it ends between two records."""
        for target, parts in reading.by_target.items():
            self._write(reading, target, parts)
        reading.by_target.clear()
        reading.unpacked = 0

    def _write(
        self,
        reading: Reading,
        target: int,
        parts: Sequence[Part],
        *,
        unfinished: bool = False,
    ) -> None:
        """Encode contributions to one target as one section, or as several.

        They are cut between records, or between events if one record has more events than fit in a
        frame. `unfinished`: more of the last record follows.
        """
        source, delivery = reading.source, reading.delivery
        level = source.gate.format_level
        encoded = self._section(reading, target, parts, unfinished=unfinished)
        if len(encoded) <= FRAME_BYTES_TARGET:
            source.next_sequence(target)
            self._writer.add(target, encoded, level, delivery)
            return
        contributions = decode_parts(parts, reading.origin)
        cut = cut_at(contributions, by_offset)
        if not cut and len(encoded) <= FRAME_BYTES_MAX:
            source.next_sequence(target)
            self._writer.add(target, encoded, level, delivery)
            return
        within = not cut and level > FIRST_LEVEL
        if within:
            cut = cut_at(contributions, by_event)
        if cut:
            self._write(reading, target, contributions[:cut], unfinished=within)
            self._write(reading, target, contributions[cut:], unfinished=unfinished)
        else:
            offset = contributions[0].trigger.offset
            record = next(record for record in reading.run.records if record.offset == offset)
            detail = f"it contributes {len(encoded)} bytes, at most {FRAME_BYTES_MAX} fit a frame"
            self._refuse(reading, record, DeadLetterReason.TOO_LARGE, detail)

    def _section(
        self, reading: Reading, target: int, parts: Sequence[Part], *, unfinished: bool
    ) -> bytes:
        source = reading.source
        section = Section(
            source.topic_id, source.gate.partition, reading.plan.definitions_offset, source.epoch,
            source.sequences.get(target, 0), [], unfinished,
        )  # fmt: skip
        if reading.table is not None:
            return join_section(section, parts)
        section.contributions = [one for one in parts if isinstance(one, Contribution)]
        return encode_section(section, source.gate.format_level)

    def _refuse(
        self, reading: Reading, record: Record, reason: DeadLetterReason, detail: str
    ) -> None:
        reading.delivery.pending += 1
        stamp_ms = first_arrival_ms(timestamp_ms(record), record.headers)
        refused = Refused(
            self._topic, reading.source.gate.partition, record.offset, stamp_ms,
            record.value or b"", reason, detail,
            record.number if isinstance(record, PackedEvent) else None,
        )  # fmt: skip
        self._dead_letters.write(refused, reading.delivery.delivered)


def _count(code: str, read: int, matched: int, future: int, ahead: int) -> None:
    EVENTS.inc(read)
    EVENTS_BY_CODE.labels(code).inc(read)
    EVENTS_MATCHED.inc(matched)
    EVENTS_FUTURE.inc(future)
    EVENTS_AHEAD.inc(ahead)
