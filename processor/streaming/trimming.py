"""Removes frames and parts that are applied, behind the positions that the changelog holds."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor

import structlog

from processor.errors import ProcessorError
from processor.streaming.topics import Topics

log = structlog.get_logger(__name__)

# Between two removals.
INTERVAL_S = 60.0


async def trim_forever(
    topics: Topics, executor: Executor, applied: Callable[[], Mapping[str, Mapping[int, int]]]
) -> None:
    """Remove what is applied, again and again.

    Args:
        topics: where.
        executor: runs the calls, which block.
        applied: tells, of each topic, the stored position of each partition.
    """
    trimmed: dict[str, dict[int, int]] = {}
    while True:
        await asyncio.sleep(INTERVAL_S)
        for topic, offsets in applied().items():
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
