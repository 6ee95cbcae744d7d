"""On what it ran."""

import os
import platform
from pathlib import Path

import psutil

CPUINFO = Path("/proc/cpuinfo")


def machine() -> str:
    """Cores and their model, memory, system and Python in one line."""
    memory = psutil.virtual_memory().total / 2**30
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{cores} cores of {cpu_model()}, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def cpu_model() -> str:
    """The name that the processor gives itself."""
    if CPUINFO.exists():
        for line in CPUINFO.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
