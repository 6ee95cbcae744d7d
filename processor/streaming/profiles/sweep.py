"""Sweeps: they drop from profiles what nothing can see that arrives from now on.

Invariant: a sweep changes a profile as a frame does, while it holds the partition's work, and the
next flush commits what it has dropped.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import closing

from processor.engine import NEVER_MS, Plan, Reached, decode_profile, due_ms, expire
from processor.errors import StateError
from processor.metrics import PROFILES_EXPIRED
from processor.settings import Settings
from processor.streaming.definitions.current_definitions import Definitions
from processor.streaming.profiles.due_runs import Run as DueRun
from processor.streaming.profiles.ownership import Ownership
from processor.streaming.profiles.profile_table import ProfileTable


async def sweep_forever(
    settings: Settings, definitions: Definitions, owned: Callable[[], Mapping[int, Ownership]]
) -> None:
    """Sweep each partition that `owned` returns, again and again; an error closes it."""
    while True:
        await asyncio.sleep(settings.sweep_interval_s)
        for own in owned().values():
            try:
                await sweep(own, definitions)
            except Exception as error:
                own.fail(error)


async def sweep(own: Ownership, definitions: Definitions) -> int:
    """Drop what nothing that arrives from now on can see (processor/decisions/time.md).

    It looks at the runs of profiles that are due. While the watermark is unknown, what is dropped
    is only what no live definition reads. The plan is taken anew for each profile: definitions may
    change while a sweep goes on.

    Returns:
        How many profiles are gone for good.
    """
    own.advance_watermark()
    reached = own.reached()
    removed = 0
    async with own.sweeping:
        generation = own.table.flushed_generation
        every = bool(own.table.coverage.gone)
        for run in own.due.due(definitions.plan, reached.all_ms, every=every):
            if not own.alive:
                break
            removed += await _sweep_run(own, definitions, run, reached)
        else:
            if every and own.alive:
                async with own.work:
                    own.table.forget_gone(generation)
    PROFILES_EXPIRED.inc(removed)
    return removed


async def _sweep_run(
    own: Ownership, definitions: Definitions, run: DueRun, reached: Reached
) -> int:
    removed = 0
    with closing(own.table.heads(run.start, run.end)) as heads:
        for prefix, head in heads:
            if own.slices.over:
                await own.slices.turn()
            if not own.alive:
                break
            losing, due = _look(own.table, prefix, head, definitions.plan, reached)
            own.due.found(prefix, due)
            if losing:
                removed += await _expire_profile(own, definitions, prefix, reached)
    return removed


def _look(
    table: ProfileTable, prefix: bytes, head: bytes, plan: Plan, reached: Reached
) -> tuple[bool, int]:
    """Return whether a stored head has something to drop, and when it has something next."""
    stored = decode_profile(head, table.stored_records(prefix))
    try:
        table.settle(stored)
        expire(stored, plan, reached)
    except StateError:
        return True, NEVER_MS  # a flush has replaced its parts since: it is looked at as it is now
    return stored.changed, due_ms(stored, plan)


async def _expire_profile(
    own: Ownership, definitions: Definitions, prefix: bytes, reached: Reached
) -> bool:
    await own.room.wait()
    async with own.work:
        own.note(definitions.plan)
        profile = own.table.profile(prefix) if own.alive else None
        if profile is None:
            return False
        try:
            expiry = expire(profile, definitions.plan, reached)
        except StateError:
            own.torn = True
            raise
        if profile.changed:
            own.table.changed(prefix, profile)
            own.applied_some(0)
        else:
            own.table.used(prefix, profile)
        if expiry.empty:
            own.table.forget(prefix)
        return expiry.empty
