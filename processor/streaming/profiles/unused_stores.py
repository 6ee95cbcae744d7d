"""Removes local stores of partitions that have moved to other workers."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from processor.clock import wall_ms
from processor.limits import UNUSED_STORE_S
from processor.settings import Settings
from processor.streaming.profiles.profile_partition import ProfilePartition
from processor.streaming.profiles.takeover import stores_directory

log = structlog.get_logger(__name__)

_LOOK_S = 600.0


async def remove_unused_stores_forever(
    settings: Settings, partition: Callable[[int], ProfilePartition]
) -> None:
    """Remove stores that have not been used for UNUSED_STORE_S, again and again.

    `partition` returns a partition of profiles by its number.
    """
    while True:
        await asyncio.sleep(_LOOK_S)
        try:
            for number in stored_partitions(stores_directory(settings)):
                await partition(number).remove_unused(wall_ms() / 1000 - UNUSED_STORE_S)
        except OSError as error:  # another process may remove files, or own them
            log.warning("unused_stores_not_removed", error=str(error))


def stored_partitions(directory: Path) -> list[int]:
    """Return the numbers of the partitions that have files."""
    found = directory.iterdir() if directory.is_dir() else ()
    numbers = (path.name.partition(".")[0] for path in found)
    return sorted({int(number) for number in numbers if number.isdecimal()})
