"""How much memory a worker uses for state: the setting, or a share of the available memory.

The available memory is that of the machine, or less if a container has a limit (control groups of
version 1 or 2, its own and the enclosing ones).
"""

import os
from pathlib import Path

from processor.limits import (
    MEMORY_BYTES_MIN,
    MEMORY_DUPLICATES_SHARE,
    MEMORY_PREFETCH_SHARE,
    MEMORY_REPLAY_SHARE,
    MEMORY_SHARE,
    PREFETCH_BYTES_MAX,
)
from processor.settings import Settings

# Version 1 has one hierarchy for each controller. Version 2 has one hierarchy for all controllers,
# which names none of them. Beside version 1, it is mounted below, as `unified`.
_CONTROLLER = "memory"
_VERSION_1 = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
_VERSION_2 = "sys/fs/cgroup", "memory.max"


def memory_bytes(settings: Settings) -> int:
    """Return the most memory that a worker uses for all its state."""
    return max(settings.memory_bytes or int(available_bytes() * MEMORY_SHARE), MEMORY_BYTES_MIN)


def duplicates_bytes(settings: Settings) -> int:
    """Return how much of that memory is for counted events."""
    share = int(memory_bytes(settings) * MEMORY_DUPLICATES_SHARE)
    return min(settings.deduplication_bytes, share)


def replay_bytes(settings: Settings) -> int:
    """Return how much of that memory is for kept interventions."""
    return min(settings.sse_replay_bytes, int(memory_bytes(settings) * MEMORY_REPLAY_SHARE))


def prefetch_bytes(settings: Settings) -> int:
    """Return how much of that memory is for records that are fetched ahead."""
    return min(PREFETCH_BYTES_MAX, int(memory_bytes(settings) * MEMORY_PREFETCH_SHARE))


def available_bytes(root: Path = Path("/")) -> int:
    """Return the memory of this machine or container; `root` is the root of its file system."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([machine, *_group_limits(root)])


def _group_limits(root: Path) -> list[int]:
    """Return the limits of this process's control group and of the enclosing groups."""
    try:
        groups = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # not Linux
        return []
    limits = []
    for group in groups:
        _, controllers, path = group.split(":", 2)
        if controllers and _CONTROLLER not in controllers.split(","):
            continue
        mount, name = _VERSION_1 if controllers else _VERSION_2
        base = root / mount
        place = base / path.lstrip("/")
        # In a container, the path may be the path on the host, and only the mount exists.
        around = [place, *place.parents]
        limits += [_limit(one / name) for one in around[: around.index(base) + 1]]
    return [limit for limit in limits if limit]


def _limit(file: Path) -> int:
    """Return the number in a file; 0 if there is none."""
    try:
        text = file.read_text().strip()
    except OSError:
        return 0
    return int(text) if text.isdigit() else 0
