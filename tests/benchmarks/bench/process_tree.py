"""CPU, memory and disk of processes and all their children, also of those that have ended."""

from collections.abc import Iterable

import psutil


class ProcessTree:
    """Some processes and whatever they start; each look notes what all of them have used.

    What a process uses between the last look and its end is not counted.
    """

    def __init__(self, pids: Iterable[int]) -> None:
        self._roots = [psutil.Process(pid) for pid in pids]
        # By process id and time of creation, as ids are used again.
        self._cpu_s: dict[tuple[int, float], float] = {}
        self._written: dict[tuple[int, float], int] = {}
        self._memory = 0

    @property
    def cpu_s(self) -> float:
        """User and system time so far, in seconds."""
        return sum(self._cpu_s.values())

    @property
    def written(self) -> int:
        """Bytes that were handed to disks so far."""
        return sum(self._written.values())

    @property
    def memory(self) -> int:
        """Bytes of memory at the last look; what processes share counts once."""
        return self._memory

    def look(self) -> None:
        """Note what the processes have used."""
        self._memory = 0
        for root in self._roots:
            try:
                family = [root, *root.children(recursive=True)]
            except psutil.NoSuchProcess:
                continue
            for process in family:
                self._note(process)

    def _note(self, process: psutil.Process) -> None:
        try:
            with process.oneshot():
                identity = (process.pid, process.create_time())
                times = process.cpu_times()
                written = process.io_counters().write_bytes
                memory = process.memory_full_info().pss
        except psutil.Error:  # ended meanwhile
            return
        self._cpu_s[identity] = times.user + times.system
        self._written[identity] = written
        self._memory += memory
