"""Corrects impossible times in a profile of a version without arrivals.

Such a version trusted clocks that were ahead, so the profile may hold times in the future. Then
new events do not count in its windows until the clock reaches these times. Nothing that the profile
held when its partition was taken over can have happened after the takeover. So all later times are
cut to the time of the takeover, which also replaces the arrivals that the profile does not have.
"""

from processor.engine.plan import Plan
from processor.engine.profile import Profile
from processor.windows import cut_window

_WIDTH = 8


def settle(profile: Profile, plan: Plan, taken_over_ms: int) -> None:
    """Cut the times of a profile without arrivals to the first takeover of its partition.

    This change need not be written: the next read of the profile does the same again.
    """
    head = profile.head
    for name, (count, last_ms) in head.firings.items():
        head.firings[name] = (count, min(last_ms, taken_over_ms))
    for instances in head.joints.values():
        for instance in instances:
            instance.time_ms = min(instance.time_ms, taken_over_ms)
            instance.arrival_ms = taken_over_ms
    for window in head.windows.values():
        window.arrival_ms = taken_over_ms
    if head.latest_ms > taken_over_ms:
        _cut(profile, plan, taken_over_ms)
    head.arrival_ms = taken_over_ms


def _cut(profile: Profile, plan: Plan, limit_ms: int) -> None:
    head = profile.head
    head.latest_ms = limit_ms
    head.id_times = b"".join(
        min(int.from_bytes(head.id_times[at : at + _WIDTH]), limit_ms).to_bytes(_WIDTH)
        for at in range(0, len(head.id_times), _WIDTH)
    )
    for times in (head.seen, head.timers):
        for name, time_ms in times.items():
            times[name] = min(time_ms, limit_ms)
    for slot, cut in plan.cuts.items():
        state = profile.slot_state(slot)
        if state is not None:
            profile.put_slot_state(slot, cut(state, limit_ms))
    for series_id, window in head.windows.items():
        series = plan.series.get(series_id)
        cut_window(window, profile.parts, series.aggregates if series else (), limit_ms)
