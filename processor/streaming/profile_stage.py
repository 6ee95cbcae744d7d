"""The second stage: frames are applied to profiles, rules are evaluated.

What fired, and the parts for joint rules, are collected.

This is step 1 of a flush (processor/streaming/flush.py).
"""

from collections import Counter
from contextlib import closing
from functools import partial
from typing import Any

from processor.engine.expire import expire
from processor.engine.plan import Plan
from processor.engine.profile import Profile
from processor.engine.profile_codec import decode_profile
from processor.engine.step import Source, step
from processor.errors import ProcessorError, StateError
from processor.metrics import (
    CONTRIBUTIONS,
    CONTRIBUTIONS_LATE,
    CONTRIBUTIONS_REPLAYED,
    DUPLICATES,
    PROFILES_EXPIRED,
)
from processor.settings import Settings
from processor.streaming.definitions_topic import DefinitionsReader
from processor.streaming.frames import Section, decode_frame
from processor.streaming.gates import Run
from processor.streaming.ownership import Ownership
from processor.streaming.partitioner import Partitioner
from processor.streaming.positions import SourcePosition
from processor.streaming.profile_table import ProfileTable, record_prefix

# A source whose events are this much older than the newest one's is idle to the sweep.
_IDLE_SOURCE_MS = 3_600_000


class ProfileStage:
    """Applies runs of frames to owned partitions."""

    def __init__(
        self, settings: Settings, definitions: DefinitionsReader, partitioner: Partitioner
    ) -> None:
        self._source_topic = settings.enriched_topic
        self._definitions = definitions
        self._partition = partitioner.partition

    async def apply(self, own: Ownership, run: Run) -> None:
        """Apply a run's frames, in order, until its gate dies.

        Raises:
            StateFormatError, SequenceError: the partition cannot be applied any further.
        """
        for record in run.records:
            try:
                await self._apply_frame(own, run, record)
            except ProcessorError as error:
                error.message = f"{run.gate.name} offset {record.offset}: {error.message}"
                raise

    async def _apply_frame(self, own: Ownership, run: Run, record: Any) -> None:
        sections = decode_frame(record.value or b"")
        # Outside of the lock: a flush and a release must not wait for definitions.
        for section in sections:
            while own.alive and not await self._definitions.reach(section.definitions_offset):
                pass
        await own.room.wait()
        async with own.work:
            await own.slices.turn()
            if own.alive and run.gate is own.gates.contributions:
                await self._apply_sections(own, sections)
                own.table.positions.next_offset = record.offset + 1
                own.applied_some(sum(len(section.contributions) for section in sections))

    async def _apply_sections(self, own: Ownership, sections: list[Section]) -> None:
        for section in sections:
            position = own.table.positions.admit(section)
            if position is None:
                CONTRIBUTIONS_REPLAYED.inc(len(section.contributions))
            else:
                await self._apply_section(own, section, position)

    async def _apply_section(
        self, own: Ownership, section: Section, position: SourcePosition
    ) -> None:
        plan = self._definitions.plan
        own.note(plan)
        own.note_sent_under(section.definitions_offset)
        source = Source(self._source_topic, section.partition)
        table = own.table
        watermark = position.offset
        late = 0
        tally: Counter[str] = Counter()
        for contribution in section.contributions:
            if own.slices.over:
                await own.slices.turn()
            if contribution.offset <= watermark:
                tally["replayed"] += 1
                continue
            prefix = record_prefix(contribution.key, contribution.id)
            profile = table.profile(prefix)
            if profile is None:
                profile = table.new_profile(prefix) if contribution.values else Profile()
            stepped = step(profile, contribution, plan, source)
            position.offset = contribution.offset
            position.time_ms = max(position.time_ms, contribution.time_ms)
            if stepped is None:
                tally["duplicate"] += 1
                continue
            if contribution.values:
                late += contribution.time_ms < profile.head.latest_ms
                table.changed(prefix, profile)
            else:
                tally["asks"] += 1
            for fired in stepped.fired:
                own.outgoing.fire(fired)
            for part in stepped.parts:
                own.outgoing.send(part, self._partition(part.target_key, part.target_id))
        CONTRIBUTIONS_REPLAYED.inc(tally["replayed"])
        CONTRIBUTIONS_LATE.inc(late)
        DUPLICATES.inc(tally["duplicate"])
        CONTRIBUTIONS.inc(len(section.contributions) - tally.total())


async def sweep(own: Ownership, definitions: DefinitionsReader) -> int:
    """Drop what has left every window or outlived its TTL by the partition's own event time.

    The event time is the least that all sources have reached, idle ones aside, and never the wall
    clock: a worker that was down must not expire profiles whose next events wait for it. The plan
    is taken anew for each profile: definitions may change while a sweep goes on.

    Returns:
        How many profiles are gone for good.
    """
    positions = own.table.positions
    now_ms = positions.event_time_ms(positions.newest_ms() - _IDLE_SOURCE_MS)
    if now_ms is None:
        return 0
    removed = 0
    async with own.sweeping:
        generation = own.table.flushed_generation
        with closing(own.table.heads()) as heads:
            for prefix, head in heads:
                if own.slices.over:
                    await own.slices.turn()
                if not own.alive:
                    break
                if _may_lose_some(own.table, prefix, head, definitions.plan, now_ms):
                    removed += await _expire_profile(own, definitions, prefix, now_ms)
            else:
                async with own.work:
                    own.table.forget_gone(generation)
    PROFILES_EXPIRED.inc(removed)
    return removed


def _may_lose_some(
    table: ProfileTable, prefix: bytes, head: bytes, plan: Plan, now_ms: int
) -> bool:
    """Say whether a head that was read from the store knows something that is to be dropped."""
    stored = decode_profile(head, partial(_stored_record, table, prefix))
    try:
        table.coverage.renew(stored)
        expire(stored, plan, now_ms)
    except StateError:
        return True  # a flush has replaced its parts since: it is looked at as it is now
    return stored.changed


def _stored_record(table: ProfileTable, prefix: bytes, suffix: bytes) -> bytes | None:
    return table.store.get(prefix + suffix)


async def _expire_profile(
    own: Ownership, definitions: DefinitionsReader, prefix: bytes, now_ms: int
) -> bool:
    await own.room.wait()
    async with own.work:
        own.note(definitions.plan)
        profile = own.table.profile(prefix) if own.alive else None
        if profile is None:
            return False
        expiry = expire(profile, definitions.plan, now_ms)
        if profile.changed:
            own.table.changed(prefix, profile)
            own.dirty.set()
        if expiry.empty:
            own.table.forget(prefix)
        return expiry.empty
