"""When the last acknowledged heartbeat was sent to the group.

aiokafka does not expose this, so the method of its coordinator that sends a heartbeat is wrapped.
"""

from collections.abc import Callable
from typing import Any

from processor.clock import monotonic_s


def watch_heartbeats(coordinator: Any, on_acknowledged: Callable[[float], None]) -> None:
    """Call `on_acknowledged` with the time at which each acknowledged heartbeat was sent.

    A coordinator that is already watched does not change.
    """
    if getattr(coordinator, "watched", False):
        return
    beat = coordinator._do_heartbeat  # noqa: SLF001 - available nowhere else

    async def watched_beat() -> bool:
        sent_s = monotonic_s()
        acknowledged: bool = await beat()
        if acknowledged:
            on_acknowledged(sent_s)
        return acknowledged

    coordinator._do_heartbeat = watched_beat  # noqa: SLF001 - see above
    coordinator.watched = True
