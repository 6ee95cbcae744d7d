"""What a sweep drops from a profile: state that nothing can read any more."""

from collections.abc import Iterable
from dataclasses import dataclass

from processor.engine.plan import Plan
from processor.engine.profile import NEVER_MS, Profile, forget_ids
from processor.limits import JOINT_INSTANCE_MS
from processor.windows import drop_until


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
    dropped += _drop_firings(profile, plan, now_ms) + _drop_instances(profile, plan, now_ms)
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


def forget(profile: Profile, names: Iterable[int]) -> bool:
    """Drop state by its names, and say if there was any.

    Names are ids of series, accumulators, timers and rules; the entries of a series have its id
    inverted.
    """
    head = profile.head
    dropped = 0
    for name in names:
        dropped += profile.drop_window(~name) + profile.drop_slot(name)
        for kept in (head.seen, head.timers, head.firings, head.joints):
            dropped += kept.pop(name, None) is not None
    return dropped > 0


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


def _drop_instances(profile: Profile, plan: Plan, now_ms: int) -> int:
    """Drop instances of joint rules in which nothing moves: the next event brings all again."""
    joints = profile.head.joints
    dropped = 0
    for rule_id, instances in list(joints.items()):
        kept = [one for one in instances if one.time_ms >= now_ms - JOINT_INSTANCE_MS]
        if rule_id not in plan.joints or not kept:
            del joints[rule_id]
            dropped += len(instances)
        elif len(kept) < len(instances):
            joints[rule_id] = kept
            dropped += len(instances) - len(kept)
    return dropped


def _drop_windows(profile: Profile, plan: Plan, now_ms: int) -> int:
    head = profile.head
    dropped = 0
    for series_id, window in list(head.windows.items()):
        series = plan.series.get(series_id)
        gone = series is None or not series.kept_ms
        if series is not None and not gone:
            dropped += drop_until(window, profile.parts, now_ms - series.kept_ms)
            gone = not (window.times or window.children)
        if gone:
            dropped += profile.drop_window(series_id)
    unread = [series_id for series_id in head.seen if series_id not in plan.series]
    for series_id in unread:
        del head.seen[series_id]
    return dropped + len(unread)
