"""Workers as processes on a real Kafka, for tests: started, killed, frozen, waited for, read."""

import json
import os
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from definitions.records import from_record
from processor.kafka.topics import Topics
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.stages import Stage
from processor.streaming.definitions.definitions_topic import DefinitionsWriter
from tests.model.topic_reader import patiently

ROOT = Path(__file__).parents[2]
WORKER = Path("tests", "broker", "worker_process.py")
READY_S = 90.0
SHOWN = re.compile("processor_(lag_records|flush.*(total|count)|faults_total|partitions)[{ ]")


def free_port(count: int = 1) -> int:
    """The first of so many ports in a row on which nobody listens."""
    while True:
        with ExitStack() as probes, suppress(OSError):
            first = 0
            for number in range(count):
                probe = probes.enter_context(socket.socket())
                probe.bind(("127.0.0.1", first + number if first else 0))
                first = first or int(probe.getsockname()[1])
            return first


def group_of(settings: Settings, topic: str) -> str:
    """The group that reads a topic of an application."""
    stage = Stage.SOURCE if topic == settings.enriched_topic else Stage.PROFILES
    return stage.group(settings)


def listening_ports(process: psutil.Process) -> set[int]:
    """The ports on which a process accepts connections."""
    connections = process.net_connections("tcp")
    return {one.laddr.port for one in connections if one.status == psutil.CONN_LISTEN}


class WorkerProcess:
    """One worker of a cluster; `name` keeps its port and data directory over restarts.

    `root` is the tree whose code it runs at its next start.
    """

    def __init__(self, cluster: "Cluster", name: str) -> None:
        self.cluster = cluster
        self.name = name
        self.root = ROOT
        self.port = free_port()
        self.data_dir = cluster.directory / name
        self.log_path = cluster.directory / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        # Open files that the system gives it at most; None: as many as this process has.
        self.files: int | None = None

    @property
    def url(self) -> str:
        scheme = "https" if self.cluster.settings.tls_cert else "http"
        return f"{scheme}://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, *, wipe: bool = False, **extra: str) -> "WorkerProcess":
        """Start it, on an empty data directory if `wipe`; `extra` are environment variables."""
        assert not self.running
        if wipe:
            shutil.rmtree(self.data_dir, ignore_errors=True)
        environment = {
            **os.environ,
            **self.cluster.environment,
            "PYTHONPATH": str(self.root),  # what is tested stands there, whatever is installed
            "PROCESSOR_HTTP": f"127.0.0.1:{self.port}",
            "PROCESSOR_DATA_DIR": str(self.data_dir),
            **extra,
        }
        self.starts += 1
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(self.root / WORKER)], env=environment, stdout=log, stderr=log,
                preexec_fn=self._limit_files, start_new_session=True,
            )  # fmt: skip
        return self

    def _limit_files(self) -> None:
        if self.files is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.files, self.files))

    def signal(self, number: int) -> None:
        """Send a signal: to all its processes, but to the parent alone if they shall end well."""
        assert self.process is not None
        if number == signal.SIGTERM:
            self.process.send_signal(number)
        else:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """End it as a power cut would end it."""
        if self.running:
            self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait(30)

    def stop(self) -> int:
        """End it cleanly; return its exit status."""
        if self.running:
            self.signal(signal.SIGTERM)
        assert self.process is not None
        return self.process.wait(60)

    def wait_ended(self, timeout_s: float = 60.0) -> int:
        assert self.process is not None
        return self.process.wait(timeout_s)

    def ready(self) -> bool:
        try:
            return self.get("/health/ready", timeout_s=2.0).status_code == 200
        except httpx.HTTPError:
            return False

    def wait_ready(self, timeout_s: float = READY_S) -> "WorkerProcess":
        deadline = time.monotonic() + timeout_s
        while not self.ready():
            assert self.running, f"{self.name} ended: {self.log()[-3000:]}"
            assert time.monotonic() < deadline, f"{self.name} is not ready: {self.log()[-3000:]}"
            time.sleep(0.1)
        return self

    def degraded(self) -> dict[str, dict[str, str]]:
        """What /health/ready tells of partitions that a fault has closed, by partition."""
        try:
            told = self.get("/health/ready", timeout_s=2.0).json()
        except httpx.HTTPError:
            return {}
        return {one["partition"]: one for one in told.get("degraded", [])}

    def wait_degraded(self, *partitions: str, timeout_s: float = READY_S) -> dict[str, str]:
        """Wait until a fault has closed exactly these; return what is told of the first."""
        deadline = time.monotonic() + timeout_s
        while (found := self.degraded()).keys() != set(partitions):
            assert self.running, f"{self.name} ended: {self.log()[-3000:]}"
            assert time.monotonic() < deadline, f"closed: {found}: {self.log()[-3000:]}"
            time.sleep(0.1)
        return found[partitions[0]] if partitions else {}

    def get(self, path: str, *, timeout_s: float = 10.0, token: str = "") -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        verify = self.cluster.verify
        return httpx.get(self.url + path, timeout=timeout_s, headers=headers, verify=verify)

    def uses_definitions(self, offset: int) -> bool:
        """Whether the processes of both stages use the definitions up to an offset."""
        return self.definitions_offset() >= offset

    def definitions_offset(self) -> int:
        name = "processor_definitions_offset"
        return int(min(self.metric(name, stage=stage) for stage in Stage))

    def children(self) -> list[psutil.Process]:
        """Its processes, without the parent."""
        assert self.process is not None
        return psutil.Process(self.process.pid).children()

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def state(self) -> str:
        """What it shows of itself when something does not come: its lag, its flushes, its log."""
        shown = ""
        if self.running:
            with suppress(httpx.HTTPError):
                lines = self.get("/metrics").text.splitlines()
                shown = "\n".join(one for one in lines if SHOWN.match(one))
        return f"{self.name}\n{shown}\n{self.log()[-3000:]}"

    def metric(self, name: str, **labels: str) -> float:
        """A sample of /metrics; the sum over those whose labels fit; 0 where there is none."""
        total = 0.0
        for line in self.get("/metrics").text.splitlines():
            sample, _, value = line.rpartition(" ")
            if sample.partition("{")[0] == name and all(
                f'{label}="{wanted}"' in sample for label, wanted in labels.items()
            ):
                total += float(value)
        return total


class Cluster:
    """An application on Kafka: its topics, its definitions, its workers."""

    def __init__(
        self, bootstrap_servers: str, app_id: str, directory: Path, **settings: Any
    ) -> None:
        self.bootstrap_servers = bootstrap_servers
        self.directory = directory
        self.settings = Settings(
            bootstrap_servers=bootstrap_servers,
            app_id=app_id,
            enriched_topic=f"{app_id}-enriched",
            definitions_topic=f"{app_id}-definitions",
            interventions_topic=f"{app_id}-interventions",
            dead_letter_topic=f"{app_id}-dead-letters",
            **{"session_timeout_ms": 6000, **settings},
        )
        self.environment = {
            f"PROCESSOR_{name.upper()}": str(getattr(self.settings, name))
            for name in (
                "bootstrap_servers",
                "app_id",
                "enriched_topic",
                "definitions_topic",
                "interventions_topic",
                "dead_letter_topic",
                *{"session_timeout_ms": 0, **settings},
            )
        }
        self.verify = ssl.create_default_context()
        if self.settings.tls_cert:
            self.verify.load_verify_locations(self.settings.tls_cert)
            self.verify.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        self.workers: dict[str, WorkerProcess] = {}
        self.admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
        Topics(self.settings).ensure()

    def worker(self, name: str) -> WorkerProcess:
        """The worker of this name, made at the first call, not started."""
        if name not in self.workers:
            self.workers[name] = WorkerProcess(self, name)
        return self.workers[name]

    def publish(self, objects: Iterable[Mapping[str, Any]]) -> None:
        """Publish registry JSON objects keyed by record key."""
        DefinitionsWriter(self.settings).publish(
            [from_record(key, json.dumps(value).encode()) for key, value in objects]
        )

    def produce(self, events: Iterable[tuple[bytes, int | None]]) -> int:
        """Write (value, partition or None for any) to the source; return how many."""
        producer = Producer(
            {
                "bootstrap.servers": self.bootstrap_servers,
                "linger.ms": 20,
                "queue.buffering.max.messages": 1_000_000,
                "partitioner": "random",
            }
        )
        count = 0
        for value, partition in events:
            where = {} if partition is None else {"partition": partition}
            while True:
                try:
                    producer.produce(self.settings.enriched_topic, value, **where)
                except BufferError:
                    producer.poll(0.1)
                else:
                    break
            count += 1
            if count % 1000 == 0:
                producer.poll(0)
        assert producer.flush(60) == 0
        return count

    def lag(self, topic: str) -> int:
        """Records of a topic behind which the committed offsets are, as Kafka counts."""
        return sum(self._lags(topic).values())

    def _lags(self, topic: str) -> dict[str, int]:
        """The same of each partition that is behind."""
        partitions = [
            TopicPartition(topic, number)
            for number in self.admin.list_topics(topic, timeout=30).topics[topic].partitions
        ]
        # A version with one group commits the offsets of all topics in that of the source.
        groups = {stage.group(self.settings) for stage in Stage}
        at: dict[int, int] = {}
        for group in groups:
            asked = ConsumerGroupTopicPartitions(group, partitions)
            answer = patiently(
                lambda one=asked, name=group: self.admin.list_consumer_group_offsets([one])[
                    name
                ].result(30)
            )
            for one in answer.topic_partitions:
                at[one.partition] = max(one.offset, at.get(one.partition, 0))
        consumer = Consumer(
            {"bootstrap.servers": self.bootstrap_servers, "group.id": "lag", "log_level": 0}
        )
        found = {}
        try:
            for number, committed in at.items():
                where = TopicPartition(topic, number)
                low, high = patiently(
                    lambda one=where: consumer.get_watermark_offsets(one, timeout=30)
                )
                if behind := high - max(committed, low):
                    found[f"{topic}:{number}"] = behind
        finally:
            consumer.close()
        return found

    def outstanding(self) -> dict[str, int]:
        """Source events, frames and parts that are not applied yet, of the partitions with any.

        The topics are asked in the order in which a record goes through them.
        """
        settings = self.settings
        inputs = (one.topic(settings) for one in ProfileInput)
        topics = (settings.enriched_topic, *inputs)
        return {where: count for topic in topics for where, count in self._lags(topic).items()}

    def wait_applied(self, timeout_s: float = 240.0) -> None:
        """Wait until everything in the source is in committed state."""
        deadline = time.monotonic() + timeout_s
        quiet = 0
        while quiet < 2:
            behind = self.outstanding()
            quiet = 0 if behind else quiet + 1
            if time.monotonic() > deadline:
                states = "\n".join(worker.state() for worker in self.workers.values())
                message = f"not applied, by partition: {behind}\n{states}"
                raise AssertionError(message)
            time.sleep(0.3)

    def read_profiles(self, key: str, identifiers: list[str]) -> dict[str, Any]:
        """What `processor attributes --json` prints for ids of an attribute key."""
        urls = [worker.url for worker in self.workers.values() if worker.running]
        done = subprocess.run(
            [
                sys.executable, "-m", "processor.cli.main", "attributes", key, "-", "--json",
                "--http", urls[0].removeprefix("http://"),
            ],
            input="\n".join(identifiers),
            capture_output=True,
            text=True,
            env={**os.environ, **self.environment},
            timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def close(self) -> None:
        """Kill what runs, and delete the topics."""
        for worker in self.workers.values():
            if worker.running:
                worker.signal(signal.SIGCONT)
                worker.kill()
        names = [spec.name for spec in Topics(self.settings).specs]
        for future in self.admin.delete_topics(names).values():
            future.exception(30)
