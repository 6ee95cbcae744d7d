"""Events per second and CPU of one worker: `python -m tests.benchmarks.worker [--profile]`.

Generated shop events wait in the source; one worker with the definitions of the demo (exactly once)
starts and works them off. Kafka is KAFKA_BOOTSTRAP_SERVERS, or a local broker that this starts. The
clock runs from the first event read to the last contribution committed.
"""

import argparse
import os
import subprocess
import tempfile
import time
import uuid
from collections import Counter
from itertools import islice
from pathlib import Path

import httpx
import psutil

from definitions.records import objects_from_file
from processor.local import LocalBroker
from processor.local.shop import Shop
from processor.request_limits import METRICS_AGE_S
from processor.streaming.definitions.definitions_topic import DefinitionsWriter
from tests.benchmarks.bench.ours import sample
from tests.broker.cluster import Cluster, WorkerProcess

EXAMPLES = Path(__file__).parents[2] / "definitions" / "examples" / "ecommerce.py"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=300_000)
    options.add_argument("--users", type=int, default=20_000)
    options.add_argument("--partitions", type=int, default=4)
    options.add_argument("--definitions", type=Path, default=EXAMPLES)
    options.add_argument("--profile", action="store_true", help="the largest by py-spy")
    chosen = options.parse_args()
    servers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    with tempfile.TemporaryDirectory() as directory:
        if servers:
            measure(servers, Path(directory), chosen)
        else:
            with LocalBroker(Path(directory) / "kafka") as broker:
                measure(broker.bootstrap_servers, Path(directory), chosen)


def measure(servers: str, directory: Path, chosen: argparse.Namespace) -> None:
    cluster = Cluster(
        servers, f"bench-{uuid.uuid4().hex[:8]}", directory, partitions=chosen.partitions
    )
    try:
        DefinitionsWriter(cluster.settings).publish(objects_from_file(chosen.definitions))
        start_ms = int(time.time() * 1000) - 3_600_000
        events = Shop(1, chosen.users, start_ms=start_ms)
        values = [event.value for event in islice(events, chosen.events)]
        size = sum(map(len, values))
        cluster.produce((value, None) for value in values)
        del values
        print(f"{chosen.events} events of {size / chosen.events:.0f} bytes wait", flush=True)
        run(cluster, chosen, directory)
    finally:
        cluster.close()


def run(cluster: Cluster, chosen: argparse.Namespace, directory: Path) -> None:
    worker = cluster.worker("one").start(METRICS_AGE_S=str(METRICS_AGE_S))
    while (seen := look(worker)) is None or seen[0] == 0:
        assert worker.running, worker.log()
        time.sleep(0.05)
    already, _, _ = seen
    begun, cpu_before = time.monotonic(), cpu_seconds(worker)
    largest = max(worker.children(), key=cpu_of)
    spy = profile(largest.pid, directory) if chosen.profile else None
    ended, cpu_after, last = begun, cpu_before, seen
    while time.monotonic() - ended < 3:
        time.sleep(METRICS_AGE_S)  # each look costs the worker milliseconds
        now = time.monotonic()
        seen = look(worker) or last
        if seen != last:
            last, ended, cpu_after = seen, now, cpu_seconds(worker)
    read, matched, applied = last
    assert read == chosen.events
    count = chosen.events - already
    print(
        f"{count / (ended - begun):.0f} events/s, {(cpu_after - cpu_before) / count * 1e6:.1f} "
        f"CPU us per event, all processes; {matched / chosen.events:.0%} of the events matched, "
        f"{applied:.0f} contributions, {ended - begun:.1f} s"
    )
    for process in sorted(worker.children(), key=cpu_of, reverse=True):
        print(f"process {process.pid}: {cpu_of(process):.2f} s")
        threads = sorted(process.threads(), key=lambda one: -one.user_time - one.system_time)
        for one in threads[:6]:
            name = Path(f"/proc/{process.pid}/task/{one.id}/comm").read_text().strip()
            print(f"  {name:16} {one.user_time:6.2f} s user {one.system_time:6.2f} s system")
    if spy is not None:
        spy.wait(30)
        show(directory / "profile.txt")


def look(worker: WorkerProcess) -> tuple[float, float, float] | None:
    """Events read, matched, and contributions applied; None while nobody answers."""
    try:
        text = httpx.get(f"{worker.url}/metrics", timeout=10.0).text
    except httpx.HTTPError:
        return None
    read, matched, applied = (
        sample(text, f"processor_{name}_total")
        for name in ("events", "events_matched", "contributions")
    )
    return read, matched, applied


def cpu_seconds(worker: WorkerProcess) -> float:
    """User and system time of all processes of a worker."""
    return sum(map(cpu_of, worker.children()))


def rss(worker: WorkerProcess) -> int:
    """Bytes of memory of all processes of a worker, shared ones counted in each."""
    return sum(process.memory_info().rss for process in worker.children())


def cpu_of(process: psutil.Process) -> float:
    """User and system time of all threads."""
    times = process.cpu_times()
    return float(times.user + times.system)


def profile(pid: int, directory: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        ["py-spy", "record", "--pid", str(pid), "--duration", "5", "--format", "raw",
         "--rate", "400", "--gil", "--output", str(directory / "profile.txt")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def show(path: Path) -> None:
    """Print where samples were taken: alone, and with what it called."""
    alone: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for line in path.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        alone[frames[-1]] += int(count)
        for frame in set(frames):
            total[frame] += int(count)
    samples = sum(alone.values())
    for name, counted in (("alone", alone), ("with what it calls", total)):
        print(f"\n{name}:")
        for frame, count in counted.most_common(10 if name == "alone" else 40):
            print(f"  {count / samples:6.1%}  {frame}")


if __name__ == "__main__":
    main()
