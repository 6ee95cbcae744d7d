"""The settings of the local Kafka: one node, quick to start, small enough for a laptop."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Only this machine can connect.
HOST = "127.0.0.1"
_LOG_LAYOUT = Path(__file__).with_name("log4j2.xml")
# Kafka needs about 100 MB when idle; this is enough for a hundred partitions, and a laptop has it.
_HEAP_MB = 512

# What a node that is alone must have, however large it is.
SINGLE_NODE = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "auto.create.topics.enable": "false",
}
# Differences from Kafka's defaults for a quick start on a laptop.
_QUICK_START = {
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.num.partitions": "1",
    "group.min.session.timeout.ms": "1000",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    # Otherwise the cleaner takes 128 MB of the heap.
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    # Small segments, so that retention and compaction have something to work on.
    "log.segment.bytes": str(128 * 1024 * 1024),
    "log.index.size.max.bytes": str(1024 * 1024),
    "log.retention.hours": "168",
}


@dataclass(frozen=True, slots=True)
class BrokerSize:
    """How large a broker is: Kafka's properties, and the flags of its Java machine."""

    properties: Mapping[str, str]
    java_flags: tuple[str, ...]


# With the C1 compiler alone and the serial collector, Java starts a second sooner and needs 30 MB
# less.
LAPTOP = BrokerSize(
    SINGLE_NODE | _QUICK_START,
    ("-Xms64m", f"-Xmx{_HEAP_MB}m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
)


def server_properties(size: BrokerSize, data: str, port: int, controller_port: int) -> str:
    """Return the text of Kafka's server.properties for a node with its records in `data`.

    `data` is a plain name in the directory in which Kafka runs.
    """
    properties = {
        **size.properties,
        "log.dirs": data,
        "controller.quorum.voters": f"1@{HOST}:{controller_port}",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
    }
    return "".join(f"{name}={value}\n" for name, value in properties.items())


def java_flags(size: BrokerSize, log_file: str) -> list[str]:
    """Return the flags of the Java machine; Kafka's log goes to `log_file`, a plain name."""
    return [
        *size.java_flags,
        "-XX:+ExitOnOutOfMemoryError",
        "-Dlog4j2.disableJmx=true",
        f"-Dlog4j2.configurationFile={_LOG_LAYOUT}",
        f"-Dkafka.log.file={log_file}",
    ]
