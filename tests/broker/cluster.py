"""Workers as processes on a real Kafka, for tests: started, killed, frozen, waited for, read."""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from definitions.records import from_record
from processor.settings import Settings
from processor.streaming.definitions_topic import DefinitionsWriter
from processor.streaming.topics import Topics

WORKER = Path(__file__).with_name("worker_process.py")
ROOT = Path(__file__).parents[2]
READY_S = 90.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class WorkerProcess:
    """One worker of a cluster; `name` keeps its port and data directory over restarts."""

    def __init__(self, cluster: "Cluster", name: str) -> None:
        self.cluster = cluster
        self.name = name
        self.port = free_port()
        self.data_dir = cluster.directory / name
        self.log_path = cluster.directory / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0

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
            "PYTHONPATH": str(ROOT),  # what is tested is what stands here, wherever it is installed
            "PROCESSOR_HTTP": f"127.0.0.1:{self.port}",
            "PROCESSOR_DATA_DIR": str(self.data_dir),
            **extra,
        }
        self.starts += 1
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(WORKER)], env=environment, stdout=log, stderr=log
            )
        return self

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

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

    def get(self, path: str, *, timeout_s: float = 10.0, token: str = "") -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        verify = self.cluster.verify
        return httpx.get(self.url + path, timeout=timeout_s, headers=headers, verify=verify)

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

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
        """Records of a topic behind which the group's committed offsets are, as Kafka tells it."""
        partitions = [
            TopicPartition(topic, number)
            for number in self.admin.list_topics(topic, timeout=30).topics[topic].partitions
        ]
        asked = ConsumerGroupTopicPartitions(self.settings.app_id, partitions)
        answer = self.admin.list_consumer_group_offsets([asked])[self.settings.app_id].result(30)
        consumer = Consumer(
            {"bootstrap.servers": self.bootstrap_servers, "group.id": "lag", "log_level": 0}
        )
        total = 0
        try:
            for committed in answer.topic_partitions:
                low, high = consumer.get_watermark_offsets(
                    TopicPartition(topic, committed.partition), timeout=30
                )
                total += high - max(committed.offset, low)
        finally:
            consumer.close()
        return total

    def outstanding(self) -> int:
        """Source events, frames and parts that are not applied yet, in the order of their way."""
        settings = self.settings
        return sum(
            self.lag(topic)
            for topic in (
                settings.enriched_topic, settings.contributions_topic, settings.rules_topic
            )
        )  # fmt: skip

    def wait_applied(self, timeout_s: float = 240.0) -> None:
        """Wait until everything in the source is in committed state."""
        deadline = time.monotonic() + timeout_s
        quiet = 0
        while quiet < 2:
            quiet = quiet + 1 if self.outstanding() == 0 else 0
            if time.monotonic() > deadline:
                logs = "\n".join(worker.log()[-3000:] for worker in self.workers.values())
                message = f"{self.outstanding()} records are not applied\n{logs}"
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
