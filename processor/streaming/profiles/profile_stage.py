"""The second stage: frames are applied to profiles, and rules are evaluated.

Interventions that fired, and parts of joint rules, are collected.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog
from msgspec import structs

from processor.clock import wall_ms
from processor.engine import (
    Contribution,
    Plan,
    Profile,
    step,
)
from processor.errors import DeadLetterReason, ProcessorError
from processor.formats import FIRST_LEVEL
from processor.kafka.partitioner import Partitioner
from processor.kafka.record import Record, timestamp_ms
from processor.metrics import (
    CONTRIBUTIONS,
    CONTRIBUTIONS_LATE,
    CONTRIBUTIONS_OUTDATED,
    CONTRIBUTIONS_REPLAYED,
    DUPLICATES,
)
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.streaming.definitions.current_definitions import Definitions
from processor.streaming.fetch.gates import Run
from processor.streaming.fetch.missing_records import stands_at
from processor.streaming.messages.arrival import arrival_ms
from processor.streaming.messages.dead_letters import Refused, encode_dead_letter
from processor.streaming.messages.frames import (
    Section,
    decode_frame,
    encode_frame,
    encode_section,
    last_arrival_ms,
)
from processor.streaming.profiles.careful import HalfAppliedError, apply_carefully
from processor.streaming.profiles.epochs import newer_epoch
from processor.streaming.profiles.input_stage import InputStage
from processor.streaming.profiles.ownership import Ownership
from processor.streaming.profiles.positions import SourcePosition
from processor.streaming.profiles.profile_table import record_prefix

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Frame:
    """The record of a frame; `first` is the number of the section's first contribution in it.

    `superseded` has, for each section after a gap, by its identity, the later epoch that follows.
    """

    run: Run
    record: Record
    sections: list[Section]
    first: int = 0
    superseded: dict[int, int | None] = field(default_factory=dict)

    def refused(
        self, section: Section, contribution: Contribution, error: Exception, level: int
    ) -> Refused:
        """Return the dead letter of one contribution: a frame that holds only that one."""
        number = self.first + section.contributions.index(contribution)
        alone = structs.replace(section, contributions=[contribution])
        value = encode_frame([encode_section(alone, level)], level)
        gate, record = self.run.gate, self.record
        source, offset, event_id = _place(section, contribution)
        detail = f"{error!r}; event {event_id} of source partition {source}, offset {offset}"
        return Refused(
            gate.topic, gate.partition, record.offset, timestamp_ms(record), value,
            DeadLetterReason.UNEXPECTED, detail, number,
        )  # fmt: skip


@dataclass(slots=True)
class _Applying:
    """The context in which a section's contributions are applied; `tally` counts odd ones."""

    own: Ownership
    plan: Plan
    arrived_ms: int
    tally: Counter[str]
    remember_ids: bool = field(init=False)

    def __post_init__(self) -> None:
        self.remember_ids = self.own.format_level == FIRST_LEVEL


def _place(section: Section, contribution: Contribution) -> tuple[int, int, str]:
    trigger = contribution.trigger
    return section.partition, trigger.offset, trigger.event_id


class ProfileStage(InputStage[_Frame]):
    """Applies runs of frames to owned partitions, one frame at a time."""

    input = ProfileInput.CONTRIBUTIONS
    slice_records = 1

    def __init__(
        self, settings: Settings, definitions: Definitions, partitioner: Partitioner
    ) -> None:
        self._settings = settings
        self._source_topic = settings.enriched_topic
        self._definitions = definitions
        self._partition = partitioner.partition

    def _decode(self, run: Run, record: Record) -> _Frame:
        return _Frame(run, record, decode_frame(record.value or b"", self._source_topic))

    async def _ready(
        self, own: Ownership, run: Run, records: Sequence[Record], decoded: list[_Frame]
    ) -> tuple[list[_Frame], ProcessorError | None]:
        for frame in decoded:
            try:
                for section in frame.sections:
                    await self._definitions.require(section.definitions_offset, own.may_apply)
                for section in own.table.positions.gaps(frame.sections):
                    later = await self._superseding(run, frame.record, section)
                    frame.superseded[id(section)] = later
            except ProcessorError as error:
                stands_at(error, run.gate, frame.record.offset)
                raise
        return decoded, None

    async def _apply(
        self, own: Ownership, run: Run, records: Sequence[Record], ready: list[_Frame]
    ) -> int:
        (frame,) = ready
        record, sections = frame.record, frame.sections
        written_ms = arrival_ms(record.timestamp, record.timestamp_type, wall_ms())
        for section in sections:
            last_ms = last_arrival_ms(section, written_ms)
            own.newest_arrival_ms = max(own.newest_arrival_ms, last_ms)
        try:
            await self._apply_sections(own, frame)
        except ProcessorError as error:
            stands_at(error, run.gate, record.offset)
            raise
        return sum(len(section.contributions) for section in sections)

    async def _superseding(self, run: Run, record: Record, section: Section) -> int | None:
        """Return a later epoch that follows a gap, if there is one.

        Its owner began at the last commit, which was made before the gap, so it sends all again.
        """
        return await asyncio.get_running_loop().run_in_executor(
            None, newer_epoch, self._settings, run.gate.partition, section, record.offset + 1
        )

    async def _apply_sections(self, own: Ownership, frame: _Frame) -> None:
        positions = own.table.positions
        for section in frame.sections:
            later = frame.superseded.get(id(section))
            if later is not None:
                log.warning(
                    "gap_passed_over", partition=frame.run.gate.name, offset=frame.record.offset,
                    source_partition=section.partition, epoch=section.epoch, sent_again_in=later,
                )  # fmt: skip
                positions.supersede(section, later)
            position = positions.admit(section)
            if position is None:
                self._drop(own, section)
            else:
                await self._apply_section(own, frame, section, position)
            frame.first += len(section.contributions)

    def _drop(self, own: Ownership, section: Section) -> None:
        """Count a section that is already applied, or that a former owner of its source wrote."""
        CONTRIBUTIONS_REPLAYED.inc(len(section.contributions))
        newest = own.table.positions.newest_epoch(section)
        if section.epoch < newest:
            CONTRIBUTIONS_OUTDATED.inc(len(section.contributions))
            own.older_epochs.note(section, newest)

    async def _apply_section(
        self, own: Ownership, frame: _Frame, section: Section, position: SourcePosition
    ) -> None:
        plan = self._definitions.plan
        own.note(plan)
        own.note_sent_under(section.definitions_offset)
        replayed_to = position.replayed_to
        fresh = [one for one in section.contributions if one.trigger.offset > replayed_to]
        applying = _Applying(own, plan, own.arrived_ms(), Counter())
        # Everything counted here is applied, and is written by the same flush.
        duplicates = own.table.counted.count(fresh, plan.series)
        for contribution, duplicate in zip(fresh, duplicates, strict=True):
            if own.slices.over:
                await own.slices.turn()
            position.offset = contribution.trigger.offset
            if duplicate:
                applying.tally["duplicate"] += 1
                continue
            prefix = record_prefix(contribution.key, contribution.id)
            if own.careful:
                apply = partial(self._apply_contribution, applying, prefix, contribution)
                if error := apply_carefully(own, prefix, apply):
                    applying.tally["refused"] += 1
                    refused = frame.refused(section, contribution, error, own.format_level)
                    own.outgoing.refuse(refused.key, encode_dead_letter(refused))
                continue
            try:
                self._apply_contribution(applying, prefix, contribution)
            except (ProcessorError, MemoryError):
                own.torn = True
                raise
            except Exception as error:
                own.torn = True
                raise HalfAppliedError(*_place(section, contribution)) from error
        if section.unfinished and fresh:
            position.offset -= 1
        tally = applying.tally
        CONTRIBUTIONS_REPLAYED.inc(len(section.contributions) - len(fresh))
        CONTRIBUTIONS_LATE.inc(tally.pop("late", 0))
        DUPLICATES.inc(tally["duplicate"])
        CONTRIBUTIONS.inc(len(fresh) - tally.total())

    def _apply_contribution(
        self, applying: _Applying, prefix: bytes, contribution: Contribution
    ) -> None:
        """Apply one contribution; steps that can fail come before messages are added."""
        own, tally = applying.own, applying.tally
        table = own.table
        profile = table.profile(prefix)
        if profile is None:
            profile = table.new_profile(prefix) if contribution.values else Profile()
        stepped = step(
            profile, contribution, applying.plan, applying.arrived_ms,
            remember_ids=applying.remember_ids,
        )  # fmt: skip
        if stepped is None:
            tally["duplicate"] += 1
            return
        if stepped.fired or stepped.parts:
            partition = self._partition
            parts = [(partition(one.target_key, one.target_id), one) for one in stepped.parts]
            own.outgoing.add(stepped.fired, parts)
        if contribution.values:
            if contribution.trigger.time_ms < profile.head.latest_ms:
                tally["late"] += 1
            table.changed(prefix, profile)
        else:
            tally["asks"] += 1
            table.used(prefix, profile)
