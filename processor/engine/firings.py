"""Whether the limit of a rule lets it fire for a target once more."""

from processor.engine.profile import NEVER_MS, ProfileHead
from processor.interventions import FiringLimit


def may_fire(head: ProfileHead, limit: FiringLimit | None, time_ms: int) -> bool:
    """Say whether the limit lets a rule fire at an event time; if so, count that it does.

    `head` is that of the target's profile.
    """
    if limit is None:
        return True
    count, last_ms = head.firings.get(limit.name, (0, NEVER_MS))
    if count and not limit.allows(count, last_ms, time_ms):
        return False
    head.firings[limit.name] = (count + 1, time_ms)
    return True
