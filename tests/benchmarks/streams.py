"""Interventions over server-sent events: `python -m tests.benchmarks.streams many|events`.

many: memory of a worker for each of some thousand clients, and the time from the write of an
intervention until all have it; once the same one for all of them, once one for each.

events: the time from the write of an event to the intervention that it fires, at a client, while
the worker handles shop events at a rate. Events of the measure are few, each of another visitor.

Kafka is KAFKA_BOOTSTRAP_SERVERS, or a local broker that this starts.
"""

import argparse
import multiprocessing
import os
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from statistics import median, quantiles

import httpx
from confluent_kafka import Producer

from definitions.records import objects_from_file
from processor.interventions import Pushed, encode_pushed
from processor.kafka.partitioner import Partitioner
from processor.local import LocalBroker
from processor.local.shop import Shop
from processor.settings import Settings
from processor.streaming.definitions.definitions_topic import DefinitionsWriter
from tests.benchmarks.stream_clients import StreamClients, allow_files
from tests.benchmarks.worker import EXAMPLES, cpu_seconds, rss
from tests.broker.cluster import Cluster, WorkerProcess
from tests.broker.visits import KEY, attribute, group, rule, visit

PROCESSES = 4
LOOKS_MIN = 2
SETTLED_S = 12.0
IDS_OF_A_STREAM = 100
# A visitor of the measure looks at this page, once.
PROBE = {
    "attribute_group/probe/1": group(
        "probe",
        [attribute("seen", "int32", "counter") | {"events": [{"name": "probe"}]}],
    ),
    "intervention/probed/1": rule(
        "probed", {"attribute": "probe:seen", "operator": ">=", "value": 1}
    ),
}  # fmt: skip


def main() -> None:
    allow_files()
    options = argparse.ArgumentParser(description=__doc__)
    what = options.add_subparsers(required=True)
    many = what.add_parser("many")
    many.add_argument("--clients", type=int, default=5_000)
    many.set_defaults(measure=measure_many)
    events = what.add_parser("events")
    events.add_argument("--rate", type=int, default=12_000, help="shop events a second; 0 for none")
    events.add_argument("--seconds", type=int, default=30)
    events.add_argument("--probes", type=int, default=1_000)
    events.set_defaults(measure=measure_events)
    chosen = options.parse_args()
    servers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    with tempfile.TemporaryDirectory() as directory:
        if servers:
            chosen.measure(servers, Path(directory), chosen)
        else:
            with LocalBroker(Path(directory) / "kafka") as broker:
                chosen.measure(broker.bootstrap_servers, Path(directory), chosen)


@contextmanager
def one_worker(servers: str, directory: Path) -> Iterator[WorkerProcess]:
    """A worker with the demo's definitions and the measure's own."""
    cluster = Cluster(
        servers, f"bench-{uuid.uuid4().hex[:8]}", directory, partitions=4, sse_clients_per_address=0
    )
    try:
        DefinitionsWriter(cluster.settings).publish(objects_from_file(EXAMPLES))
        cluster.publish(PROBE.items())
        yield cluster.worker("one").start().wait_ready()
    finally:
        cluster.close()


def show(name: str, seconds: Sequence[float]) -> None:
    """Print the distribution of some times."""
    p99 = quantiles(seconds, n=100, method="inclusive")[98]
    print(
        f"{name}: p50 {median(seconds) * 1e3:.0f}, p99 {p99 * 1e3:.0f}, "
        f"last {max(seconds) * 1e3:.0f} ms ({len(seconds)})",
        flush=True,
    )


# --- many clients ---------------------------------------------------------------------------------


def measure_many(servers: str, directory: Path, chosen: argparse.Namespace) -> None:
    with one_worker(servers, directory) as worker:
        time.sleep(SETTLED_S)
        before = rss(worker)
        ids = [f"user-{number}" for number in range(chosen.clients)]
        streams = [[(KEY, "everybody"), (KEY, id_)] for id_ in ids]
        cpu, begun = cpu_seconds(worker), time.monotonic()
        with _Looks(worker) as looks:
            opened = StreamClients(worker.port, streams, PROCESSES)
        with opened as clients:
            each_ms = (cpu_seconds(worker) - cpu) / chosen.clients * 1e3
            took_s = time.monotonic() - begun
            print(f"{chosen.clients} clients after {took_s:.1f} s, {each_ms:.1f} ms of CPU each")
            show("  other requests meanwhile", looks.seconds)
            cpu, begun = cpu_seconds(worker), time.monotonic()
            time.sleep(SETTLED_S)  # of heartbeats
            share = (cpu_seconds(worker) - cpu) / (time.monotonic() - begun)
            grown = rss(worker) - before
            print(
                f"{grown / chosen.clients / 1024:.1f} KiB for each client "
                f"({before >> 20} MiB before), {share:.0%} of a core for heartbeats"
            )
            writer = _Writer(worker.cluster.settings)
            for _ in range(3):
                with _Looks(worker) as looks:
                    at = writer.write(["everybody"])
                    came = [time_s - at for _, time_s in clients.arrivals(1)]
                show("the same one for all", came)
                show("  other requests meanwhile", looks.seconds)
            for _ in range(3):
                with _Looks(worker) as looks:
                    at = writer.write(ids)
                    came = [time_s - at for _, time_s in clients.arrivals(1)]
                show("one for each", came)
                show("  other requests meanwhile", looks.seconds)
        assert worker.metric("processor_sse_cut_off_total") == 0


class _Writer:
    """Writes interventions as another worker would."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._partitioner = Partitioner(settings.partitions)
        self._producer = Producer({"bootstrap.servers": settings.bootstrap_servers, "linger.ms": 0})

    def write(self, ids: Sequence[str]) -> float:
        """Write one for each id; return when that began."""
        attributes = {f"ecom_attributes:attribute_{number}": number for number in range(10)}
        made = [
            (id_, encode_pushed(Pushed("hello", 1, str(uuid.uuid4()), KEY, id_, attributes, 0)))
            for id_ in ids
        ]
        begun = time.monotonic()
        for id_, value in made:
            self._producer.produce(
                self._settings.interventions_topic, value, id_.encode(),
                self._partitioner.partition(KEY, id_),
            )  # fmt: skip
        self._producer.flush(60)
        return begun


class _Looks:
    """Asks the worker for its health all the time, to see how long others wait for it."""

    def __init__(self, worker: WorkerProcess) -> None:
        self.seconds: list[float] = []
        self._url = f"{worker.url}/health/live"
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "_Looks":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        with httpx.Client(trust_env=False, timeout=60) as client:
            while not self._done.wait(0.002) or len(self.seconds) < LOOKS_MIN:
                begun = time.monotonic()
                client.get(self._url)
                self.seconds.append(time.monotonic() - begun)


# --- from an event to its intervention ------------------------------------------------------------


def measure_events(servers: str, directory: Path, chosen: argparse.Namespace) -> None:
    users = [f"probe-{uuid.uuid4().hex}" for _ in range(chosen.probes)]
    streams = [
        [(KEY, user) for user in users[first : first + IDS_OF_A_STREAM]]
        for first in range(0, len(users), IDS_OF_A_STREAM)
    ]
    with one_worker(servers, directory) as worker:
        settings = worker.cluster.settings
        load = multiprocessing.get_context("spawn").Process(
            target=send_shop_events,
            args=(servers, settings.enriched_topic, chosen.rate, chosen.seconds),
        )
        load.start()
        with StreamClients(worker.port, streams, 1) as clients:
            before = worker.metric("processor_events_total")
            while chosen.rate and worker.metric("processor_events_total") < before + chosen.rate:
                time.sleep(0.1)
            begun, events = time.monotonic(), worker.metric("processor_events_total")
            sent = send_probes(settings, users, chosen.seconds / 2)
            took_s = time.monotonic() - begun
            handled = (worker.metric("processor_events_total") - events) / took_s
            lag = worker.cluster.lag(settings.enriched_topic)
            came = dict(clients.arrivals(IDS_OF_A_STREAM))
        load.join()
        print(f"{handled:.0f} events/s handled, {lag} behind at the end")
        show("event to client", [came[user] - sent[user] for user in users])


def send_shop_events(servers: str, topic: str, rate: int, seconds: int) -> None:
    """Write shop events at an even rate; they are made before."""
    start_ms = int(time.time() * 1000) - 600_000
    events = (event.value for event in Shop(1, 20_000, start_ms=start_ms))
    values = list(islice(events, rate * seconds))
    producer = Producer(
        {
            "bootstrap.servers": servers,
            "linger.ms": 5,
            "queue.buffering.max.messages": 1_000_000,
            "partitioner": "random",
        }
    )
    begun = time.monotonic()
    written = 0
    while written < len(values):
        due = min(len(values), int((time.monotonic() - begun) * rate))
        for value in values[written:due]:
            producer.produce(topic, value)
        written = due
        producer.poll(0)
        time.sleep(0.002)
    producer.flush(60)


def send_probes(settings: Settings, users: Sequence[str], seconds: float) -> dict[str, float]:
    """Write the event of each user, evenly; return when each was written."""
    producer = Producer({"bootstrap.servers": settings.bootstrap_servers, "linger.ms": 0})
    begun = time.monotonic()
    sent = {}
    for number, user in enumerate(users):
        time.sleep(max(0.0, begun + number * seconds / len(users) - time.monotonic()))
        value = visit(user, event_name="probe")
        sent[user] = time.monotonic()
        producer.produce(settings.enriched_topic, value)
        producer.poll(0)
    producer.flush(60)
    return sent


if __name__ == "__main__":
    main()
