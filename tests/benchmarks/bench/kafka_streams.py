"""Kafka Streams: one Java program, built by Maven for each version of the library."""

import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

from rich.console import Console

from tests.benchmarks.bench.system import MissingError, Peer, Run
from tests.broker.cluster import free_port

SOURCES = Path(__file__).parents[1] / "peers" / "kafka_streams"
BUILD_S = 900
COMMON = {
    "auto.offset.reset": "earliest",
    "default.key.serde": "org.apache.kafka.common.serialization.Serdes$ByteArraySerde",
    "default.value.serde": "org.apache.kafka.common.serialization.Serdes$ByteArraySerde",
    "max.poll.records": "5000",
    "fetch.min.bytes": "100000",
    "fetch.max.wait.ms": "20",
    "producer.linger.ms": "20",
    "producer.batch.size": "262144",
    "replication.factor": "1",
    "consumer.isolation.level": "read_committed",
}
EXACTLY_ONCE = {"processing.guarantee": "exactly_once_v2", "commit.interval.ms": "100"}
AT_LEAST_ONCE = {"processing.guarantee": "at_least_once", "commit.interval.ms": "1000"}
TRANSACTIONAL_STORES = {"enable.transactional.statestores": "true"}


class KafkaStreams(Peer):
    """A version of Kafka Streams with some settings."""

    def __init__(self, name: str, label: str, version: str, threads: int, **settings: str) -> None:
        super().__init__(name, label)
        self._version = version
        self._threads = threads
        self._settings = settings
        self._class_path = ""

    def prepare(self) -> str:
        for program in ("java", "javac", "mvn"):
            if shutil.which(program) is None:
                message = f"no {program} on this machine"
                raise MissingError(message)
        directory = built(self._version)
        self._class_path = f"{directory / 'peer-1.jar'}{os.pathsep}{directory / 'libs'}/*"
        return f"Kafka Streams {self._version}, {java_version()}"

    def start(self, run: Run) -> None:
        self.port = free_port()
        settings = {
            **COMMON,
            "application.id": run.name,
            "bootstrap.servers": run.servers,
            "state.dir": str(run.directory / "state"),
            "num.stream.threads": str(self._threads),
            **self._settings,
        }
        self._spawn(
            [
                "java", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-cp", self._class_path, "bench.Main", run.job.letter, run.source,
                run.interventions, str(run.partitions), str(self.port),
                *(f"{name}={value}" for name, value in settings.items()),
            ],
            run, {}, run.directory,
        )  # fmt: skip


def built(version: str) -> Path:
    """The directory of the program for this version, built if it is not. Raises MissingError."""
    directory = Path("build", "bench", f"kafka-streams-{version}").absolute()
    files = sorted(path for path in SOURCES.rglob("*") if path.suffix in {".java", ".xml"})
    sources = sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    stamp = directory / "sources"
    if not stamp.exists() or stamp.read_text() != sources:
        shutil.rmtree(directory, ignore_errors=True)
        Console(stderr=True).print(f"building the peer on Kafka Streams {version}")
        done = subprocess.run(
            [
                "mvn", "-q", "-B", f"-Dkafka.version={version}", f"-Dbuild.into={directory}",
                "package", "dependency:copy-dependencies", f"-DoutputDirectory={directory}/libs",
            ],
            cwd=SOURCES, capture_output=True, text=True, timeout=BUILD_S, check=False,
        )  # fmt: skip
        if done.returncode:
            errors = [one for one in done.stdout.splitlines() if "ERROR" in one][:5]
            message = f"Maven does not build it for {version}: " + "\n".join(errors)
            raise MissingError(message)
        stamp.write_text(sources)
    return directory


def java_version() -> str:
    """The Java that runs it."""
    done = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    return done.stderr.splitlines()[0].replace('"', "").replace(" version", "")
