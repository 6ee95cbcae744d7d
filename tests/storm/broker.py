"""The storm's own Kafka: killed as a power cut of the process would, and started on its data."""

import re
import struct
from collections.abc import Iterator
from pathlib import Path

import psutil
from confluent_kafka.admin import AdminClient

from processor.errors import BrokerError
from processor.local import LocalBroker
from tests.broker.cluster import free_port

# A record batch in a segment: base offset, length of what follows, leader epoch, magic, CRC,
# attributes, last offset delta, three timestamps and ids, number of records.
BATCH = struct.Struct(">qiibIh")
BATCH_HEADER = 61
PREFIX = 12  # base offset and length
CONTROL = 0x20
# The key of a control record, behind its length and three varints: version and type.
ABORT = b"\x00\x00\x00\x00"
# On a busy machine a start may take longer than the local broker waits for it.
STARTS_MAX = 3
STABILIZED = re.compile(r"Stabilized group (\S+) generation (\d+)")


class StormBroker:
    """A local Kafka at one port."""

    def __init__(self, directory: Path) -> None:
        self._broker = LocalBroker(directory, free_port())
        self.directory = directory
        self.kills = 0

    @property
    def bootstrap(self) -> str:
        """Where it serves, dead or alive."""
        return self._broker.bootstrap_servers

    def start(self) -> "StormBroker":
        """Start it on the data that is there."""
        for left in reversed(range(STARTS_MAX)):
            try:
                self._broker.start()
                break
            except BrokerError:
                if not left:
                    raise
        return self

    def stop(self) -> None:
        """End it in an orderly way."""
        self._broker.stop()

    def kill(self) -> None:
        """Kill Kafka's Java process."""
        for process in self._processes():
            process.kill()
            process.wait(30)
            self.kills += 1
        self._broker.stop()

    def freeze(self) -> None:
        """Stop Kafka's Java process in the middle of what it does."""
        for process in self._processes():
            process.suspend()

    def thaw(self) -> None:
        """Let it go on."""
        for process in self._processes():
            process.resume()

    def _processes(self) -> Iterator[psutil.Process]:
        return filter(self._is_kafka, psutil.Process().children(recursive=True))

    def _is_kafka(self, process: psutil.Process) -> bool:
        try:
            command = process.cmdline()
        except psutil.Error:
            return False
        properties = str(self.directory / "server.properties")
        # Its guard has all of this in its arguments too.
        java = bool(command) and Path(command[0]).name == "java"
        return java and "kafka.Kafka" in command and properties in command

    def rebalances(self, group: str) -> int:
        """How many generations the group has had, as Kafka's log tells it."""
        generations = [0]
        for path in self.directory.glob("kafka.log*"):
            for name, generation in STABILIZED.findall(path.read_text(errors="replace")):
                if name == group:
                    generations.append(int(generation))
        return max(generations)

    def aborted(self, topic: str) -> int:
        """How many transactions were aborted that had written to the topic."""
        segments = (self.directory / "data").glob(f"{topic}-*/*.log")
        return sum(aborts_in(path) for path in segments)


def aborts_in(segment: Path) -> int:
    """The abort markers in a segment file."""
    aborts = 0
    with segment.open("rb") as file:
        while len(head := file.read(BATCH_HEADER)) == BATCH_HEADER:
            _, length, _, _, _, attributes = BATCH.unpack_from(head)
            body = file.read(PREFIX + length - BATCH_HEADER)
            # length, attributes, timestamp delta, offset delta and key length are one byte each
            # in a batch with one control record; its key is version and type, two bytes each.
            aborts += bool(attributes & CONTROL) and body[5:9] == ABORT
    return aborts


def admin_client(bootstrap: str) -> AdminClient:
    """A client that comes back soon when Kafka does."""
    return AdminClient(
        {"bootstrap.servers": bootstrap, "log_level": 0, "reconnect.backoff.max.ms": 500}
    )
