"""The broker of the benchmark: set up as a server's, and looked at from outside.

C2 compiler, G1 and 1 GiB of heap, Kafka's own defaults for threads, segments and internal topics:
what `processor up` runs on a laptop is another thing and would be measured instead of the systems.
"""

from pathlib import Path

import psutil

from processor.local import LocalBroker
from processor.local.kafka_settings import SINGLE_NODE, BrokerSize

# One thing differs from a server: no system waits 3 s for further members of its group.
SERVER = BrokerSize(
    SINGLE_NODE,
    ("-server", "-Xms1g", "-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"),
)


def server_broker(directory: Path) -> LocalBroker:
    """A broker with all its files in `directory`, not started."""
    return LocalBroker(directory, size=SERVER)


def broker_process() -> psutil.Process | None:
    """Kafka's Java process among the children of this one."""
    for process in psutil.Process().children(recursive=True):
        try:
            command = process.cmdline()
        except psutil.Error:
            continue
        if "kafka.Kafka" in command and Path(command[0]).name == "java":
            return process
    return None


class TopicBytes:
    """How many bytes were written to the topics whose names contain a text.

    They are counted by the segments of the broker's directory: each look takes the largest size
    that a segment has had, so that what retention or the cleaner removes stays counted.
    """

    def __init__(self, broker_directory: Path, name: str) -> None:
        self._records = broker_directory / "data"
        self._name = name
        self._sizes: dict[Path, int] = {}

    def count(self) -> int:
        """The bytes so far."""
        for directory in self._records.glob(f"*{self._name}*-*"):
            for segment in directory.glob("*.log"):
                try:
                    size = segment.stat().st_size
                except FileNotFoundError:  # deleted meanwhile
                    continue
                self._sizes[segment] = max(size, self._sizes.get(segment, 0))
        return sum(self._sizes.values())
