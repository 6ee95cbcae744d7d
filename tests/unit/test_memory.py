"""What there is of memory, by the machine and by control groups of both versions."""

import os
from pathlib import Path

import pytest

from processor.limits import MEMORY_BYTES_MIN, PREFETCH_BYTES_MAX
from processor.memory import (
    available_bytes,
    duplicates_bytes,
    memory_bytes,
    prefetch_bytes,
    replay_bytes,
)
from processor.settings import Settings

MACHINE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
LIMIT = 300 * 1024 * 1024
GIB = 2**30


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/b/memory.max": f"{LIMIT}\n",
                "sys/fs/cgroup/a/memory.max": "max\n",
            },
            id="version 2",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/b/memory.max": "max\n",
                "sys/fs/cgroup/a/memory.max": f"{LIMIT}\n",
            },
            id="version 2, of the group around it",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "0::/kubepods/pod1\n",
                "sys/fs/cgroup/memory.max": f"{LIMIT}\n",
            },
            id="version 2, in a container that shows the host's path",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "9:cpu,cpuacct:/x\n4:memory:/docker/1\n0::/\n",
                "sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes": f"{LIMIT}\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            },
            id="version 1",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "4:memory:/docker/1\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{LIMIT}\n",
            },
            id="version 1, in a container that shows the host's path",
        ),
    ],
)
def test_the_limit_of_a_container_is_what_there_is(tmp_path: Path, files: dict[str, str]) -> None:
    assert available_bytes(write(tmp_path, files)) == LIMIT


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({}, id="no control groups"),
        pytest.param({"proc/self/cgroup": "0::/a\n"}, id="no limit"),
        pytest.param(
            {
                "proc/self/cgroup": "4:memory:/\n3:cpu:/c\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
                "sys/fs/cgroup/cpu/c/memory.limit_in_bytes": "1\n",
            },
            id="version 1 without a limit, another controller",
        ),
    ],
)
def test_without_a_limit_it_is_the_memory_of_the_machine(
    tmp_path: Path, files: dict[str, str]
) -> None:
    assert available_bytes(write(tmp_path, files)) == MACHINE


def test_a_worker_takes_a_quarter_unless_it_is_told() -> None:
    assert memory_bytes(Settings(memory_bytes=3 * GIB)) == 3 * GIB
    assert memory_bytes(Settings(memory_bytes=1)) == MEMORY_BYTES_MIN
    assert memory_bytes(Settings()) == max(available_bytes() // 4, MEMORY_BYTES_MIN)


def test_resent_events_and_replay_take_a_part_of_it_at_most() -> None:
    large = Settings(memory_bytes=GIB, deduplication_bytes=GIB, sse_replay_bytes=GIB)
    assert duplicates_bytes(large) == GIB // 2
    assert replay_bytes(large) == GIB // 8
    small = Settings(memory_bytes=GIB, deduplication_bytes=5, sse_replay_bytes=7)
    assert duplicates_bytes(small) == 5
    assert replay_bytes(small) == 7


def test_what_is_fetched_ahead_is_a_small_part_of_a_small_memory() -> None:
    assert prefetch_bytes(Settings(_env_file=None, memory_bytes=GIB)) == PREFETCH_BYTES_MAX
    small = Settings(_env_file=None, memory_bytes=MEMORY_BYTES_MIN)
    assert prefetch_bytes(small) == MEMORY_BYTES_MIN // 8
