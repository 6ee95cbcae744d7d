"""Removes applied frames and parts, one hour after the changelog records that they are applied.

Until then, they can be applied again if Kafka loses the end of the changelog.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Executor

import structlog

from processor.clock import monotonic_s
from processor.errors import ProcessorError
from processor.kafka.topics import Topics

log = structlog.get_logger(__name__)

# Between two removals.
INTERVAL_S = 60.0
# How long applied records stay.
BEHIND_S = 3_600.0

# The stored position of each partition, by topic.
Applied = Mapping[str, Mapping[int, int]]


class Earlier:
    """Remembers what was applied, and returns it after a delay."""

    def __init__(self) -> None:
        self._noted: deque[tuple[float, Applied]] = deque()

    def note(self, now_s: float, applied: Applied) -> Applied:
        """Note what is applied now; return what was applied `BEHIND_S` ago, at first nothing."""
        self._noted.append((now_s, applied))
        found: Applied = {}
        while self._noted and self._noted[0][0] <= now_s - BEHIND_S:
            _, found = self._noted.popleft()
        return found


async def trim_forever(topics: Topics, executor: Executor, applied: Callable[[], Applied]) -> None:
    """Remove applied records, again and again.

    Args:
        topics: removes the records.
        executor: runs the calls, which block.
        applied: returns, for each topic, the stored position of each partition.
    """
    earlier = Earlier()
    trimmed: dict[str, dict[int, int]] = {}
    while True:
        await asyncio.sleep(INTERVAL_S)
        for topic, offsets in earlier.note(monotonic_s(), applied()).items():
            known = trimmed.setdefault(topic, {})
            wanted = {n: offset for n, offset in offsets.items() if offset > known.get(n, 0)}
            if not wanted:
                continue
            try:
                await asyncio.get_running_loop().run_in_executor(
                    executor, topics.delete_records, topic, wanted
                )
            except ProcessorError as error:
                log.warning("not_trimmed", topic=topic, error=str(error))
            else:
                known.update(wanted)
