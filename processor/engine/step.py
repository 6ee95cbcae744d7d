"""One contribution applied to one profile.

 1. Drop the contribution if the profile has counted its event already.
 2. Read the values of the rules that it concerns, and of those that it is asked for, at their
    `now`, before anything changes.
 3. Drop the accumulators whose time to live ended before the event, and start the timers anew.
 4. Add the values to accumulators and windows.
 5. Note the event.
 6. Read the values again; a rule that was not met and is met now fires, if its limit lets it. What
    asks for a change counts as not met before the event. To joint rules the profile says both.

The `now` of a rule is the greatest event time that any series of its criteria has seen, this event
included: other series cannot change its outcome, and a replay gives the same.
"""

from collections.abc import Sequence
from typing import NamedTuple

from xxhash import xxh3_64_digest

from processor.aggregates import Result, Value
from processor.engine.contribution import Asks, Contribution, Source
from processor.engine.firings import may_fire
from processor.engine.joint import Part
from processor.engine.joint_asks import Asked, make_parts, read_before
from processor.engine.plan import Plan
from processor.engine.profile import NEVER_MS, Profile, has_counted, remember
from processor.engine.series import CompiledSeries, Timer, Touch
from processor.interventions import CompiledRule, Fired, Reader, Trigger, intervention_id
from processor.windows import drop_until, empty_window, insert

__all__ = ["Source", "Stepped", "step"]

# A rule that is not met before the event, its now, the values then, and what can change them.
Waiting = tuple[CompiledRule, int, list[Result], tuple[tuple[int, Reader], ...]]


class Stepped(NamedTuple):
    """What came of a contribution: the local rules that fired, and the parts for joint ones."""

    fired: Sequence[Fired]
    parts: Sequence[Part]


_NOTHING = Stepped((), ())
_ASKED_NOTHING: Sequence[Asked] = ()


def step(
    profile: Profile, contribution: Contribution, plan: Plan, source: Source
) -> Stepped | None:
    """Move the profile on by a contribution, and return what came of it.

    None: the profile has counted the event already. Nothing changed then, and neither did it where
    the event only asks, or no live attribute reads any of the contribution's series.
    """
    head = profile.head
    time_ms = contribution.time_ms
    values = contribution.values
    asks = contribution.asks
    touch = plan.touch(tuple([series_id for series_id, _ in values]))
    if not touch.live:
        return _NOTHING if asks is None else _unmoved(profile, contribution, asks, plan, source)
    latest_ms = head.latest_ms
    if time_ms > latest_ms:
        latest_ms = time_ms
    ids, horizon_ms = plan.deduplication
    digest = b""
    if ids and horizon_ms:  # 1
        digest = xxh3_64_digest(contribution.event_id.encode())
        if digest in head.id_hashes and has_counted(head, digest, latest_ms - horizon_ms):
            return None
    waiting = _waiting(profile, touch, time_ms) if touch.rules else ()  # 2
    asked = _ASKED_NOTHING if asks is None else read_before(profile, contribution, asks, plan)
    for timer in touch.timers:  # 3
        _restart(profile, timer, time_ms)
    for series, (_, value) in zip(touch.series, values, strict=True):  # 4
        if series is not None:
            _add(profile, series, time_ms, value)
    head.latest_ms = latest_ms  # 5
    if digest:
        remember(head, digest, time_ms, ids=ids, floor_ms=latest_ms - horizon_ms)
    profile.changed = True
    fired = _fired(profile, waiting, contribution, plan, source) if waiting else ()  # 6
    if not (fired or asked):
        return _NOTHING
    return Stepped(fired, make_parts(profile, contribution, asked, plan, source) if asked else ())


def _unmoved(
    profile: Profile, contribution: Contribution, asks: Asks, plan: Plan, source: Source
) -> Stepped:
    """Return what a profile says that nothing is added to."""
    asked = read_before(profile, contribution, asks, plan)
    return Stepped((), make_parts(profile, contribution, asked, plan, source))


def _waiting(profile: Profile, touch: Touch, time_ms: int) -> list[Waiting]:
    seen = profile.head.seen
    waiting = []
    for rule, changing in touch.rules:
        now_ms = time_ms
        if not rule.timeless:
            for series_id in rule.series_ids:
                seen_ms = seen.get(series_id, NEVER_MS)
                if seen_ms > now_ms:
                    now_ms = seen_ms
        values = [read(profile, now_ms) for read in rule.readers]
        if rule.changes or not rule.tree.met(values):
            waiting.append((rule, now_ms, values, changing))
    return waiting


def _restart(profile: Profile, timer: Timer, time_ms: int) -> None:
    head = profile.head
    latest_ms = head.timers.get(timer.timer, NEVER_MS)
    if latest_ms <= time_ms - timer.ttl_ms:
        for slot in timer.slots:
            profile.drop_slot(slot)
    if time_ms > latest_ms:
        head.timers[timer.timer] = time_ms


def _add(profile: Profile, series: CompiledSeries, time_ms: int, value: Value) -> None:
    head = profile.head
    series_id = series.series_id
    seen_ms = head.seen.get(series_id, NEVER_MS)
    if time_ms > seen_ms:
        head.seen[series_id] = seen_ms = time_ms
    slots = head.slots
    for slot, add in series.slots:
        slots[slot] = add(slots.get(slot), time_ms, value)
    for slot, aggregate in series.large_slots:
        profile.add_large(slot, aggregate, time_ms, value)
    if series.kept_ms:
        gone_ms = seen_ms - series.kept_ms
        window = head.windows.get(series_id)
        if time_ms <= gone_ms:
            return
        if window is None:
            window = head.windows[series_id] = empty_window(series_id, head.next_number)
        insert(window, profile.parts, (time_ms, value), series.aggregates)
        if time_ms == seen_ms:
            drop_until(window, profile.parts, gone_ms)


def _fired(
    profile: Profile,
    waiting: Sequence[Waiting],
    contribution: Contribution,
    plan: Plan,
    source: Source,
) -> Sequence[Fired]:
    fired = []
    for rule, now_ms, before, changing in waiting:
        after = before.copy()
        for position, read in changing:
            after[position] = read(profile, now_ms)
        if rule.met(before, after) and may_fire(profile.head, rule.limit, contribution.time_ms):
            fired.append(
                Fired(
                    name=rule.name,
                    version=rule.version,
                    intervention_id=intervention_id(rule.name, rule.version, contribution.event_id),
                    target_key=rule.target_key,
                    target_id=contribution.id,
                    attributes={label: read(profile, now_ms) for label, read in rule.payload},
                    fired_at_ms=contribution.time_ms,
                    trigger=_trigger(contribution, source),
                    because=rule.because(before, after),
                    definitions_offset=plan.definitions_offset,
                )
            )
    return fired


def _trigger(contribution: Contribution, source: Source) -> Trigger:
    return Trigger(
        contribution.event_id,
        contribution.event_name,
        contribution.derived_tstamp,
        source.topic,
        source.partition,
        contribution.offset,
    )
