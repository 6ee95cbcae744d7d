"""How long reads of a service take: `python -m tests.benchmarks.service_reads [--workers 1]`.

Workers over Kafka keep 20 attributes of some thousand visitors of a shop, lifetime and windowed. A
process of its own reads them by id over connections that stay open: one for ids that the asked
worker owns (local), one for ids of another worker (forwarded). It waits a random while after each
answer.

It reads first while nothing happens, and then while a backlog of events is worked off: as long as
there is one, the workers run as fast as they can. The events of a second are told without and with
the reads; the backlog is not empty when the reads end.

With each it tells how long the main thread of the workers was ready to run and waited for a core,
and how busy everything else on the machine was, the broker included.

Kafka is KAFKA_BOOTSTRAP_SERVERS, or a local broker that this starts.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import random
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from itertools import cycle, islice
from pathlib import Path
from statistics import quantiles

import httpx
import psutil

from definitions import (
    AtomicProperty,
    Attribute,
    Criteria,
    Criterion,
    EntityProperty,
    Event,
    EventProperty,
    Service,
    StreamAttributeGroup,
    domain_userid,
)
from processor.api.http.forwarding import FORWARDED_HEADER, PROFILES_PATH
from processor.kafka.partitioner import Partitioner
from processor.local import LocalBroker
from processor.local.shop import GeneratedEvent, Shop
from processor.streaming.definitions.definitions_topic import DefinitionsWriter
from tests.benchmarks.worker import cpu_seconds
from tests.broker.cluster import Cluster, WorkerProcess

KEY = domain_userid.name
PATH = "/api/v1/get-online-attributes"
OWNER = "shop@example.com"
SERVICE = "shop"
ATTRIBUTES = 20
VENDOR = "com.snowplowanalytics.snowplow.ecommerce"
PARTITIONS = 8
# Event time that the events of a run are spread over.
SPREAD_S = 3_000
# Events that are applied before anything is measured.
FIRST_EVENTS = 40_000
# How long the maximum is measured, without reads.
MAXIMUM_S = 8.0
# What the client waits after an answer, on average.
PAUSE_S = 0.015
IDS_MAX = 2_000
OK = 200

# By connection: the port that is asked, and for which ids.
Asked = Mapping[str, tuple[int, Sequence[str]]]


# --- what is kept -----------------------------------------------------------------------------


def attributes(suffix: str, period: timedelta | None) -> list[Attribute]:
    """Counters, a sum, a mean, extremes, first and last values: ten in all."""
    kind = EventProperty(
        vendor=VENDOR, name="snowplow_ecommerce_action", major_version=1, path="type"
    )
    added = Criteria(all=[Criterion.eq(property=kind, value="add_to_cart")])
    price = EntityProperty(vendor=VENDOR, name="product", major_version=1, path="price")
    action = [Event(vendor=VENDOR, name="snowplow_ecommerce_action")]
    counters = [
        Attribute(
            name=f"{event}s{suffix}", type="int32", aggregation="counter", period=period,
            events=[Event(name=event)],
        )
        for event in ("page_view", "page_ping", "link_click")
    ]  # fmt: skip
    carts = Attribute(
        name=f"carts{suffix}", type="int32", aggregation="counter", period=period,
        events=action, criteria=added,
    )  # fmt: skip
    prices = [
        Attribute(
            name=f"price_{aggregation}{suffix}", type="double", aggregation=aggregation,
            period=period, events=action, property=price,
        )
        for aggregation in ("sum", "mean", "min", "max")
    ]  # fmt: skip
    pages = [
        Attribute(
            name=f"page_{aggregation}{suffix}", type="string", aggregation=aggregation,
            period=period, events=[Event(name="page_view")],
            property=AtomicProperty(name="page_url"),
        )
        for aggregation in ("first", "last")
    ]  # fmt: skip
    return [*counters, carts, *prices, *pages]


def definitions() -> list[StreamAttributeGroup | Service]:
    """A service of a lifetime group and one of two periods."""
    hour, day = (attributes(f"_{hours}h", timedelta(hours=hours)) for hours in (1, 24))
    groups = [
        StreamAttributeGroup(name=name, attribute_key=domain_userid, attributes=chosen, owner=OWNER)
        for name, chosen in (("ever", attributes("", None)), ("recent", hour[::2] + day[1::2]))
    ]
    return [*groups, Service(name=SERVICE, attribute_groups=groups, owner=OWNER)]


# --- the client -------------------------------------------------------------------------------


def read(port: int, ids: Sequence[str], seconds: float) -> list[float]:
    """Read one id after the other over one connection; return how long each read took."""
    bodies = cycle(
        [
            json.dumps({"attribute_keys": {KEY: [id_]}, "service": SERVICE})
            for id_ in random.sample(ids, len(ids))
        ]
    )
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    took = []
    end = time.monotonic() + seconds
    while (begun := time.monotonic()) < end:
        connection.request("POST", PATH, next(bodies), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        data = answer.read()
        took.append(time.monotonic() - begun)
        assert answer.status == OK, data
        assert len(json.loads(data)) == ATTRIBUTES + 1, data
        time.sleep(random.expovariate(1 / PAUSE_S))
    connection.close()
    return took


def read_all(asked: Asked, seconds: float) -> dict[str, list[float]]:
    """Read over all connections at once."""
    with ThreadPoolExecutor(len(asked)) as threads:
        reads = {
            name: threads.submit(read, port, ids, seconds) for name, (port, ids) in asked.items()
        }
        return {name: one.result() for name, one in reads.items()}


def owned(workers: Sequence[WorkerProcess], ids: Sequence[str]) -> list[list[str]]:
    """The ids that each worker owns: a request that another worker sent is answered by no other."""
    partition = Partitioner(PARTITIONS).partition
    by_partition: dict[int, list[str]] = {}
    for id_ in ids:
        by_partition.setdefault(partition(KEY, id_), []).append(id_)
    found: list[list[str]] = []
    for worker in workers:
        mine = []
        for some in by_partition.values():
            answer = httpx.post(
                worker.url + PROFILES_PATH, json={"key": KEY, "ids": some[:1], "service": SERVICE},
                headers={FORWARDED_HEADER: "1"},
            )  # fmt: skip
            mine += some if answer.status_code == OK else []
        found.append(mine)
    assert sum(map(len, found)) == len(ids), "partitions move"
    return found


def who_is_asked(workers: Sequence[WorkerProcess], ids: Sequence[str]) -> Asked:
    """Reads of the first worker's own ids, and of the ids of the second."""
    shares = owned(workers, ids)
    names = ("local", "forwarded")
    return {name: (workers[0].port, share) for name, share in zip(names, shares, strict=False)}


# --- the measure ------------------------------------------------------------------------------


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--workers", type=int, choices=(1, 2), default=2)
    options.add_argument("--events", type=int, default=400_000, help="the backlog")
    options.add_argument("--users", type=int, default=20_000)
    options.add_argument("--seconds", type=float, default=15.0, help="of reads, each time")
    chosen = options.parse_args()
    servers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    with tempfile.TemporaryDirectory() as directory:
        if servers:
            measure(servers, Path(directory), chosen)
        else:
            with LocalBroker(Path(directory) / "kafka") as broker:
                measure(broker.bootstrap_servers, Path(directory), chosen)


def measure(servers: str, directory: Path, chosen: argparse.Namespace) -> None:
    count = FIRST_EVENTS + chosen.events
    start_ms = int((time.time() - SPREAD_S) * 1000)
    shop = Shop(1, chosen.users, start_ms=start_ms, rate=count / SPREAD_S)
    events = list(islice(shop, count))
    cluster = Cluster(servers, f"bench-{uuid.uuid4().hex[:8]}", directory, partitions=PARTITIONS)
    try:
        DefinitionsWriter(cluster.settings).publish(
            [one.model_copy(update={"is_published": True}) for one in definitions()]
        )
        workers = [cluster.worker(f"worker-{number}").start() for number in range(chosen.workers)]
        for worker in workers:
            worker.wait_ready()
        produce(cluster, events[:FIRST_EVENTS])
        cluster.wait_applied()
        ids = {event.domain_userid for event in events[:FIRST_EVENTS] if event.domain_userid}
        asked = who_is_asked(workers, sorted(ids)[:IDS_MAX])
        print(f"{len(ids)} profiles, {chosen.workers} workers", flush=True)
        with told(workers, "idle"):
            reads = in_a_process(asked, chosen.seconds)
        show(reads, chosen.seconds)
        produce(cluster, events[FIRST_EVENTS:])
        with told(workers, "full load, no reads"):
            time.sleep(MAXIMUM_S)
        with told(workers, "full load"):
            reads = in_a_process(asked, chosen.seconds)
        left = cluster.lag(cluster.settings.enriched_topic)
        show(reads, chosen.seconds)
        print(f"  {left} events behind at the end")
        assert left > 0, "the backlog was worked off too early: give more --events"
    finally:
        cluster.close()


def produce(cluster: Cluster, events: Sequence[GeneratedEvent]) -> None:
    cluster.produce((event.value, None) for event in events)


def in_a_process(asked: Asked, seconds: float) -> dict[str, list[float]]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(read_all, (asked, seconds))


def show(reads: Mapping[str, Sequence[float]], seconds: float) -> None:
    for name, took in reads.items():
        cuts = quantiles(took, n=100, method="inclusive")
        print(
            f"  {name}: p50 {cuts[49] * 1e3:.1f}, p95 {cuts[94] * 1e3:.1f}, p99 "
            f"{cuts[98] * 1e3:.1f}, longest {max(took) * 1e3:.1f} ms; {len(took) / seconds:.0f} "
            "reads/s",
            flush=True,
        )


@contextmanager
def told(workers: Sequence[WorkerProcess], what: str) -> Iterator[None]:
    """Print how fast and how busy the workers were meanwhile, and how busy all others."""
    processes = [process for one in workers for process in one.children()]
    looks: tuple[Callable[[], float], ...] = (
        time.monotonic,
        lambda: sum(worker.metric("processor_events_total") for worker in workers),
        lambda: sum(map(cpu_seconds, workers)),
        lambda: sum(waited_s(process.pid) for process in processes),
        busy_s,
    )
    before = [look() for look in looks]
    yield
    seconds, events, cpu, waited, busy = (
        look() - was for look, was in zip(looks, before, strict=True)
    )
    print(
        f"{what}: {events / seconds:.0f} events/s; the workers used {cpu / seconds:.2f} cores, "
        f"all others {(busy - cpu) / seconds:.2f} of {os.cpu_count()}; the main threads "
        f"waited for one {waited / seconds / len(processes):.0%} of the time",
        flush=True,
    )


def busy_s() -> float:
    """Seconds in which cores were not idle, summed over the cores."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)


def waited_s(pid: int) -> float:
    """How long the main thread of a process has waited for a core."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[1]) / 1e9


if __name__ == "__main__":
    main()
