"""What many partitions cost that each get an event now and then: `... .trickle [partitions ...]`.

One worker owns all partitions of an application; each of them gets one event a second, of which
every one counts. Prints the CPU time of the worker, all threads, as a share of one core, without
events and with them, and the flushes a second, once they have come to rest. Kafka is
KAFKA_BOOTSTRAP_SERVERS, or a local broker that this starts.
"""

import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from processor.local import LocalBroker
from processor.local.shop import Shop
from tests.benchmarks.worker import cpu_seconds
from tests.broker.cluster import Cluster, WorkerProcess

SETTLED_S = 15.0
MEASURED_S = 20.0
GROUP = {
    "name": "g",
    "version": 1,
    "attribute_key": {"name": "domain_userid"},
    "owner": "a@example.com",
    "is_published": True,
    "attributes": [
        {"name": "views", "type": "int32", "aggregation": "counter", "events": []},
        {"name": "day", "type": "int32", "aggregation": "counter", "events": [], "period": "P1D"},
    ],
}


def main() -> None:
    servers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    for partitions in [int(one) for one in sys.argv[1:]] or [1, 8, 32, 128]:
        with tempfile.TemporaryDirectory() as directory:
            if servers:
                measure(servers, Path(directory), partitions)
            else:
                with LocalBroker(Path(directory) / "kafka") as broker:
                    measure(broker.bootstrap_servers, Path(directory), partitions)


def measure(servers: str, directory: Path, partitions: int) -> None:
    name = f"trickle-{uuid.uuid4().hex[:8]}"
    cluster = Cluster(servers, name, directory, partitions=partitions)
    try:
        cluster.publish([("attribute_group/g/1", GROUP)])
        worker = cluster.worker("one").start().wait_ready()
        events = Shop(1, 50 * partitions, start_ms=int(time.time() * 1000) - 3_600_000)
        idle, _ = cost(worker, lambda: time.sleep(MEASURED_S))
        trickle(cluster, events, partitions, SETTLED_S)
        share, rate = cost(worker, lambda: trickle(cluster, events, partitions, MEASURED_S))
        print(
            f"{partitions:4} partitions: {idle:5.1%} of a core without events; with one a second "
            f"each {share:5.1%}, {rate:5.1f} flushes/s",
            flush=True,
        )
    finally:
        cluster.close()


def cost(worker: WorkerProcess, meanwhile: Callable[[], None]) -> tuple[float, float]:
    """CPU time as a share of a core, and flushes a second, while something happens."""
    flushed = worker.metric("processor_flushes_total", result="committed")
    cpu_s, begun = cpu_seconds(worker), time.monotonic()
    meanwhile()
    taken_s = time.monotonic() - begun
    share = (cpu_seconds(worker) - cpu_s) / taken_s
    return share, (worker.metric("processor_flushes_total", result="committed") - flushed) / taken_s


def trickle(cluster: Cluster, events: Shop, per_second: int, seconds: float) -> None:
    """Produce evenly, ten times a second."""
    begun, sent = time.monotonic(), 0
    while (passed := time.monotonic() - begun) < seconds:
        due = int(passed * per_second) - sent
        if due > 0:
            sent += cluster.produce((event.value, None) for event in islice(events, due))
        time.sleep(0.1)


if __name__ == "__main__":
    main()
