"""What a sweep drops from a profile: state that nothing can read any more."""

from dataclasses import dataclass

from processor.engine.plan import Plan
from processor.engine.profile import NEVER_MS, Profile, forget_ids
from processor.windows import delete_parts, drop_until


@dataclass(frozen=True, slots=True)
class Expiry:
    """Whether the profile changed, and whether nothing of it is left."""

    changed: bool
    empty: bool


def expire(profile: Profile, plan: Plan, now_ms: int) -> Expiry:
    """Drop what left every window, outlived its time to live, or is read by no live attribute.

    `now_ms` is an event time that the partition has reached. A profile of which nothing is left
    starts anew with its next contribution, and `changed_records` deletes its records; it is kept
    while events that it has counted could still be delivered again.
    """
    dropped = _drop_slots(profile, plan, now_ms) + _drop_windows(profile, plan, now_ms)
    dropped += _drop_firings(profile, plan, now_ms)
    head = profile.head
    if not (head.slots or head.windows):
        counted = head.id_times
        forget_ids(head, now_ms - plan.deduplication.horizon_ms)
        dropped += len(counted) > len(head.id_times)
    empty = profile.empty
    if empty:
        head.seen.clear()
        head.timers.clear()
        head.latest_ms = NEVER_MS
    profile.changed |= dropped > 0
    return Expiry(dropped > 0, empty)


def _drop_slots(profile: Profile, plan: Plan, now_ms: int) -> int:
    head = profile.head
    ended = [
        timer
        for timer, latest_ms in head.timers.items()
        if timer not in plan.timers or latest_ms <= now_ms - plan.timers[timer].ttl_ms
    ]
    slots = [slot for slot in head.slots if slot not in plan.slots]
    for timer in ended:
        del head.timers[timer]
        if timer in plan.timers:
            slots += plan.timers[timer].slots
    return len(ended) + sum(map(profile.drop_slot, slots))


def _drop_firings(profile: Profile, plan: Plan, now_ms: int) -> int:
    firings = profile.head.firings
    gone = [
        name
        for name, (_, last_ms) in firings.items()
        if name not in plan.limits or plan.limits[name].over(last_ms, now_ms)
    ]
    for name in gone:
        del firings[name]
    return len(gone)


def _drop_windows(profile: Profile, plan: Plan, now_ms: int) -> int:
    head = profile.head
    dropped = 0
    for series_id, window in list(head.windows.items()):
        series = plan.series.get(series_id)
        if series is None or not series.kept_ms:
            delete_parts(window, profile.parts)
            gone = True
        else:
            gone_ms = now_ms - series.kept_ms
            dropped += drop_until(window, profile.parts, gone_ms)
            gone = not (window.times or window.children)
        if gone:
            del head.windows[series_id]
            dropped += 1
    unread = [series_id for series_id in head.seen if series_id not in plan.series]
    for series_id in unread:
        del head.seen[series_id]
    return dropped + len(unread)
