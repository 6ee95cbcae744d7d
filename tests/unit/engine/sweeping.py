"""Sweeps in tests of the engine: they come an hour, for late events, after a time."""

from processor.engine import Expiry, Plan, Profile, expire
from processor.engine.expire import Reached
from processor.limits import SWEEP_LATE_MS


def expire_at(profile: Profile, plan: Plan, time_ms: int) -> Expiry:
    """What a sweep does that comes as late as it must to drop what is over at a time."""
    over_ms = time_ms + SWEEP_LATE_MS
    return expire(profile, plan, Reached(over_ms, over_ms))
