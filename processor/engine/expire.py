"""What a sweep drops from a profile: state that can no longer be read.

Values age by event time, but state is dropped by arrival (processor/decisions/time.md): what
arrives from now on may have any event time, and may have been delayed for long. State is dropped
after nothing has been contributed to it for as long as it can be read, plus SWEEP_LATE_MS. Windows
have their own last arrival. Everything else uses the profile's, so it may be kept for longer.
"""

from collections.abc import Iterable
from typing import NamedTuple

from processor.engine.plan import Plan
from processor.engine.profile import NEVER_MS, Profile
from processor.limits import JOINT_INSTANCE_MS, SWEEP_LATE_MS


class Expiry(NamedTuple):
    """Whether the profile changed, and whether nothing of it is left."""

    changed: bool
    empty: bool


class Reached(NamedTuple):
    """How far a partition of profiles has advanced, in milliseconds of arrival.

    Everything that arrived before `all_ms` is applied. So are the parts that any profiles send to
    joint rules about what arrived before `joint_ms`.
    """

    all_ms: int
    joint_ms: int


# Nothing is known: only what no live attribute reads is dropped.
NOTHING_REACHED = Reached(NEVER_MS, NEVER_MS)
# Later than any watermark.
NEVER_DUE_MS = 2**62


def expire(profile: Profile, plan: Plan, reached: Reached) -> Expiry:
    """Drop what has expired at `reached`, or is read by no live attribute.

    A profile without arrivals keeps everything that is read. A profile of which nothing is left
    starts anew with its next contribution, and `changed_records` deletes its records.
    """
    head = profile.head
    all_ms, joint_ms = reached if head.arrival_ms >= 0 else NOTHING_REACHED
    # State without contributions for longer than this has expired.
    idle_ms = all_ms - SWEEP_LATE_MS - head.arrival_ms
    joint_idle_ms = min(all_ms, joint_ms) - SWEEP_LATE_MS - head.arrival_ms
    dropped = _drop_slots(profile, plan, idle_ms)
    dropped += _drop_windows(profile, plan, all_ms - SWEEP_LATE_MS)
    dropped += _drop_firings(profile, plan, joint_idle_ms if plan.joints else idle_ms)
    dropped += _drop_instances(profile, plan, joint_idle_ms)
    unread = not (head.slots or head.windows)
    if head.id_times and unread and idle_ms >= plan.deduplication.head_horizon_ms:
        head.id_hashes = head.id_times = b""
        dropped += 1
    empty = profile.empty
    if empty:
        head.seen.clear()
        head.timers.clear()
        head.latest_ms = NEVER_MS
    profile.changed |= dropped > 0
    return Expiry(dropped > 0, empty)


def due_ms(profile: Profile, plan: Plan) -> int:
    """Return the `all_ms` at which something in a profile can next expire.

    Later contributions only postpone that, except as `earliest_due_ms` describes. A profile without
    arrivals is always due.
    """
    head = profile.head
    if head.arrival_ms < 0:
        return NEVER_MS
    lasting = [plan.timers[timer].ttl_ms for timer in head.timers if timer in plan.timers]
    lasting += [
        limit.cooldown_ms
        for name in head.firings
        if (limit := plan.limits.get(name)) and limit.max_fires is None
    ]
    lasting += [JOINT_INSTANCE_MS] if head.joints else []
    if head.id_times and not (head.slots or head.windows):
        lasting.append(plan.deduplication.head_horizon_ms)
    dues = [head.arrival_ms + one for one in lasting]
    dues += [
        window.arrival_ms + plan.series[series_id].kept_ms
        for series_id, window in head.windows.items()
        if series_id in plan.series and window.arrival_ms >= 0
    ]
    return min(dues) + SWEEP_LATE_MS if dues else NEVER_DUE_MS


def earliest_due_ms(plan: Plan, all_ms: int) -> int:
    """Return the earliest time at which something that arrives at or after `all_ms` can expire."""
    lasting = [timer.ttl_ms for timer in plan.timers.values()]
    lasting += [series.kept_ms for series in plan.series.values() if series.kept_ms]
    lasting += [limit.cooldown_ms for limit in plan.limits.values() if limit.max_fires is None]
    lasting += [JOINT_INSTANCE_MS] if plan.joints else []
    lasting.append(plan.deduplication.head_horizon_ms)
    return max(all_ms, 0) + min(lasting) + SWEEP_LATE_MS


def forget(profile: Profile, names: Iterable[int]) -> bool:
    """Drop state by its names; return whether there was any.

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


def _drop_slots(profile: Profile, plan: Plan, idle_ms: int) -> int:
    head = profile.head
    ended = [
        timer
        for timer in head.timers
        if timer not in plan.timers or idle_ms >= plan.timers[timer].ttl_ms
    ]
    slots = [slot for slot in head.slots if slot not in plan.slots]
    for timer in ended:
        del head.timers[timer]
        if timer in plan.timers:
            slots += plan.timers[timer].slots
    return len(ended) + sum(map(profile.drop_slot, slots))


def _drop_firings(profile: Profile, plan: Plan, idle_ms: int) -> int:
    firings = profile.head.firings
    gone = [name for name in firings if name not in plan.limits or plan.limits[name].over(idle_ms)]
    for name in gone:
        del firings[name]
    return len(gone)


def _drop_instances(profile: Profile, plan: Plan, idle_ms: int) -> int:
    """Drop instances of joint rules; in a profile that is not idle, the next part drops them."""
    joints = profile.head.joints
    over = [rule for rule in joints if rule not in plan.joints or idle_ms >= JOINT_INSTANCE_MS]
    return sum(len(joints.pop(rule)) for rule in over)


def _drop_windows(profile: Profile, plan: Plan, until_ms: int) -> int:
    head = profile.head
    dropped = 0
    for series_id, window in list(head.windows.items()):
        series = plan.series.get(series_id)
        kept_ms = series.kept_ms if series else 0
        if not kept_ms or 0 <= window.arrival_ms <= until_ms - kept_ms:
            dropped += profile.drop_window(series_id)
    unread = [series_id for series_id in head.seen if series_id not in plan.series]
    for series_id in unread:
        del head.seen[series_id]
    return dropped + len(unread)
