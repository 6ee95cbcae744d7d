"""The second stage: frames are applied to profiles, rules are evaluated, what fired is collected.

This is step 1 of a flush (processor/streaming/flush.py).
"""

import asyncio
from collections import Counter
from contextlib import closing
from functools import partial
from typing import Any

from processor.engine.expire import expire
from processor.engine.profile_codec import decode_profile
from processor.engine.step import Source, step
from processor.errors import ProcessorError
from processor.interventions.message import Fired, encode_message
from processor.limits import (
    APPLIED_MAX,
    CHANGED_PROFILES_MAX,
    SLICE_CONTRIBUTIONS_MAX,
    SLICE_PROFILES_MAX,
)
from processor.metrics import (
    CONTRIBUTIONS,
    CONTRIBUTIONS_REPLAYED,
    DUPLICATES,
    INTERVENTIONS,
    PROFILES_EXPIRED,
)
from processor.settings import Settings
from processor.streaming.definitions_topic import DefinitionsReader
from processor.streaming.frames import Section, decode_frame
from processor.streaming.gates import Run
from processor.streaming.ownership import Message, Ownership
from processor.streaming.positions import SourcePosition
from processor.streaming.profile_table import ProfileTable, record_prefix

# A source whose events are this much older than the newest one's is idle to the sweep.
_IDLE_SOURCE_MS = 3_600_000


class ProfileStage:
    """Applies runs of frames to owned partitions."""

    def __init__(self, settings: Settings, definitions: DefinitionsReader) -> None:
        self._settings = settings
        self._definitions = definitions

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
            if own.alive and run.gate is own.gate:
                await self._apply_sections(own, sections)
                own.table.positions.next_offset = record.offset + 1
                own.dirty.set()
                if own.table.changes >= CHANGED_PROFILES_MAX or own.applied >= APPLIED_MAX:
                    own.room.clear()

    async def _apply_sections(self, own: Ownership, sections: list[Section]) -> None:
        for section in sections:
            own.applied += len(section.contributions)
            position = own.table.positions.admit(section)
            if position is None:
                CONTRIBUTIONS_REPLAYED.inc(len(section.contributions))
            else:
                await self._apply_section(own, section, position)

    async def _apply_section(
        self, own: Ownership, section: Section, position: SourcePosition
    ) -> None:
        plan = self._definitions.plan
        source = Source(self._settings.enriched_topic, section.partition)
        table = own.table
        watermark = position.offset
        tally: Counter[str] = Counter()
        for count, contribution in enumerate(section.contributions, 1):
            if count % SLICE_CONTRIBUTIONS_MAX == 0:
                await asyncio.sleep(0)
            if contribution.offset <= watermark:
                tally["replayed"] += 1
                continue
            prefix = record_prefix(contribution.key, contribution.id)
            profile = table.profile(prefix)
            if profile is None:
                profile = table.new_profile(prefix)
            fired = step(profile, contribution, plan, source)
            position.offset = contribution.offset
            position.time_ms = max(position.time_ms, contribution.time_ms)
            if fired is None:
                tally["duplicate"] += 1
                continue
            table.changed(prefix, profile)
            if fired:
                own.fired.extend(self._message(one) for one in fired)
        CONTRIBUTIONS_REPLAYED.inc(tally["replayed"])
        DUPLICATES.inc(tally["duplicate"])
        CONTRIBUTIONS.inc(len(section.contributions) - tally.total())

    def _message(self, fired: Fired) -> Message:
        INTERVENTIONS.labels(fired.name).inc()
        headers = [
            ("name", fired.name.encode()),
            ("version", str(fired.version).encode()),
            ("content-type", b"application/json"),
        ]
        topic = self._settings.interventions_topic
        return topic, fired.target_id.encode(), encode_message(fired), headers


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
        with closing(own.table.heads()) as heads:
            for count, (prefix, head) in enumerate(heads, 1):
                if count % SLICE_PROFILES_MAX == 0:
                    await asyncio.sleep(0)
                if not own.alive:
                    break
                stored = decode_profile(head, partial(_stored_record, own.table, prefix))
                if expire(stored, definitions.plan, now_ms).changed:
                    removed += await _expire_profile(own, definitions, prefix, now_ms)
    PROFILES_EXPIRED.inc(removed)
    return removed


def _stored_record(table: ProfileTable, prefix: bytes, suffix: bytes) -> bytes | None:
    return table.store.get(prefix + suffix)


async def _expire_profile(
    own: Ownership, definitions: DefinitionsReader, prefix: bytes, now_ms: int
) -> bool:
    await own.room.wait()
    async with own.work:
        profile = own.table.profile(prefix) if own.alive else None
        if profile is None:
            return False
        expiry = expire(profile, definitions.plan, now_ms)
        if expiry.changed:
            own.table.changed(prefix, profile)
            own.dirty.set()
        if expiry.empty:
            own.table.forget(prefix)
        return expiry.empty
