"""The second stage: frames are applied to profiles, rules are evaluated, what fired is collected.

This is step 1 of a flush (processor/streaming/flush.py).
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from functools import partial

from processor.engine.expire import expire
from processor.engine.plan import Plan
from processor.engine.profile_codec import decode_profile
from processor.engine.step import Source, step
from processor.errors import ProcessorError
from processor.interventions.message import Fired, encode_message
from processor.limits import (
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
            await own.room.wait()
            async with own.work:
                if not (own.alive and run.gate is own.gate):
                    return
                try:
                    await self._apply_frame(own, record.value or b"")
                except ProcessorError as error:
                    error.message = f"{run.gate.name} offset {record.offset}: {error.message}"
                    raise
                own.table.positions.next_offset = record.offset + 1
                own.dirty.set()
                if own.table.changes >= CHANGED_PROFILES_MAX:
                    own.room.clear()

    async def _apply_frame(self, own: Ownership, value: bytes) -> None:
        for section in decode_frame(value):
            await self._definitions.reach(section.definitions_offset)
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


async def sweep(own: Ownership, plan: Plan) -> int:
    """Drop what has left every window or outlived its TTL by the partition's own event time.

    The event time is the least that all sources have reached, idle ones aside, and never the wall
    clock: a worker that was down must not expire profiles whose next events wait for it.

    Returns:
        How many profiles are gone for good.
    """
    newest = own.table.positions.event_time_ms(0)
    now_ms = own.table.positions.event_time_ms((newest or 0) - _IDLE_SOURCE_MS)
    if newest is None or now_ms is None:
        return 0
    removed = 0
    for count, prefix in enumerate(_expirable(own.table, plan, now_ms), 1):
        if count % SLICE_PROFILES_MAX == 0:
            await asyncio.sleep(0)
        if prefix is None:
            continue
        await own.room.wait()
        async with own.work:
            if not own.alive:
                return removed
            removed += _expire_profile(own, plan, prefix, now_ms)
    PROFILES_EXPIRED.inc(removed)
    return removed


def _expirable(table: ProfileTable, plan: Plan, now_ms: int) -> Iterator[bytes | None]:
    """Yield the prefix of each stored profile that has something to expire, None for the others."""
    for prefix, head in table.heads():
        stored = decode_profile(head, partial(_stored_record, table, prefix))
        yield prefix if expire(stored, plan, now_ms).changed else None


def _stored_record(table: ProfileTable, prefix: bytes, suffix: bytes) -> bytes | None:
    return table.store.get(prefix + suffix)


def _expire_profile(own: Ownership, plan: Plan, prefix: bytes, now_ms: int) -> bool:
    profile = own.table.profile(prefix)
    if profile is None:
        return False
    expiry = expire(profile, plan, now_ms)
    if expiry.changed:
        own.table.changed(prefix, profile)
        own.dirty.set()
    if expiry.empty:
        own.table.forget(prefix)
    return expiry.empty
