"""One contribution applied to one profile.

 1. Drop the contribution if the head has its event's id: a worker of format level 1 has counted it.
    Events that any other worker has counted do not get here (processor/engine/counted_events.py).
 2. Read the values of the rules that the contribution affects or asks for, at their `now`, before
    anything changes.
 3. Drop the accumulators whose time to live ended before the event, and restart the timers.
 4. Add the values to accumulators and windows.
 5. Note the profile's newest times, and the event's id if workers of format level 1 need it.
 6. Read the values again. A rule that was not met and is met now fires if its limit allows it.
    Criteria that ask for a change count as not met before the event. The profile sends both sets of
    values to joint rules.

The `now` of a rule is the greatest event time that any series of its criteria has received,
including this event: other series cannot change its result, and a replay gives the same result.
"""

from collections.abc import Sequence
from typing import NamedTuple

from xxhash import xxh3_64_digest

from processor.aggregates import Result, Value
from processor.engine.contribution import Asks, Contribution
from processor.engine.joint.part import Asked, Part, make_parts, read_before
from processor.engine.plan import Plan
from processor.engine.profile import NEVER_MS, Profile, forget_ids, has_counted, remember
from processor.engine.series import CompiledSeries, Timer, Touch
from processor.interventions import Fired, LocalRule, Reader
from processor.windows import drop_until, empty_window, insert

# A rule that is not met before the event, its `now`, the values then, and what can change them.
Waiting = tuple[LocalRule, int, list[Result], tuple[tuple[int, Reader], ...]]


class Stepped(NamedTuple):
    """The result of a contribution: local rules that fired, and parts for joint rules."""

    fired: Sequence[Fired]
    parts: Sequence[Part]


_NOTHING = Stepped((), ())
_ASKED_NOTHING: Sequence[Asked] = ()


def step(
    profile: Profile,
    contribution: Contribution,
    plan: Plan,
    arrived_ms: int = 0,
    *,
    remember_ids: bool = False,
) -> Stepped | None:
    """Apply a contribution to the profile, and return the result.

    `arrived_ms` is how far arrivals have come, if that is later than the contribution's own
    arrival: what it adds is kept from then on (processor/engine/expire.py). `remember_ids`: note
    the event in the head, for workers of format level 1.

    None: the head already has the event. Then nothing changes. Nothing changes either if the event
    only asks, or if no live attribute reads any of the contribution's series.
    """
    head = profile.head
    time_ms = contribution.trigger.time_ms
    values = contribution.values
    asks = contribution.asks
    touch = plan.touch(tuple([series_id for series_id, _ in values]))
    if not touch.live:
        return _NOTHING if asks is None else _unmoved(profile, contribution, asks, plan)
    latest_ms = max(head.latest_ms, time_ms)
    if head.id_hashes and _in_head(profile, contribution, plan, latest_ms):  # 1
        return None
    waiting = _waiting(profile, touch, time_ms) if touch.rules else ()  # 2
    asked = _ASKED_NOTHING if asks is None else read_before(profile, contribution, asks, plan)
    arrived_ms = max(arrived_ms, contribution.trigger.arrival_ms)
    for timer in touch.timers:  # 3
        _restart(profile, timer, time_ms)
    for series, (_, value) in zip(touch.series, values, strict=True):  # 4
        if series is not None:
            _add(profile, series, (time_ms, value), arrived_ms)
    head.latest_ms = latest_ms  # 5
    head.arrival_ms = max(head.arrival_ms, arrived_ms)
    if remember_ids and plan.deduplication.horizon_ms:
        _remember(profile, contribution, plan)
    profile.changed = True
    fired = _fired(profile, waiting, contribution, plan) if waiting else ()  # 6
    if not (fired or asked):
        return _NOTHING
    return Stepped(fired, make_parts(profile, contribution, asked, plan) if asked else ())


def _in_head(profile: Profile, contribution: Contribution, plan: Plan, latest_ms: int) -> bool:
    """Return whether the head has the event; drop its ids once all of them are too old."""
    head = profile.head
    floor_ms = latest_ms - plan.deduplication.head_horizon_ms
    if plan.deduplication.horizon_ms and has_counted(head, _digest(contribution), floor_ms):
        return True
    forget_ids(head, floor_ms)
    return False


def _remember(profile: Profile, contribution: Contribution, plan: Plan) -> None:
    head, kept = profile.head, plan.deduplication
    floor_ms = head.latest_ms - kept.head_horizon_ms
    digest = _digest(contribution)
    remember(head, digest, contribution.trigger.time_ms, ids=kept.head_ids, floor_ms=floor_ms)


def _digest(contribution: Contribution) -> bytes:
    return xxh3_64_digest(contribution.trigger.event_id.encode())


def _unmoved(profile: Profile, contribution: Contribution, asks: Asks, plan: Plan) -> Stepped:
    """Return what a profile sends if nothing is added to it."""
    asked = read_before(profile, contribution, asks, plan)
    return Stepped((), make_parts(profile, contribution, asked, plan))


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
        if rule.waits(values):
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


def _add(
    profile: Profile, series: CompiledSeries, entry: tuple[int, Value], arrived_ms: int
) -> None:
    head = profile.head
    time_ms, value = entry
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
        if arrived_ms > window.arrival_ms:
            window.arrival_ms = arrived_ms
        insert(window, profile.parts, entry, series.aggregates)
        if time_ms == seen_ms:
            drop_until(window, profile.parts, gone_ms)


def _fired(
    profile: Profile, waiting: Sequence[Waiting], contribution: Contribution, plan: Plan
) -> Sequence[Fired]:
    trigger, firings = contribution.trigger, profile.head.firings
    fired = []
    for rule, now_ms, before, changing in waiting:
        after = before.copy()
        for position, read in changing:
            after[position] = read(profile, now_ms)
        if rule.met(before, after) and rule.may_fire(firings, trigger.time_ms):
            target = rule.target_key, contribution.id
            attributes = {label: read(profile, now_ms) for label, read in rule.payload}
            because = rule.because(before, after)
            fired.append(rule.fire(trigger, target, attributes, because, plan.definitions_offset))
    return fired
