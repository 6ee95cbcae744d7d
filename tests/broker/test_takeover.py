"""Workers that freeze, are followed by another, and wake up; workers without their Kafka."""

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
from confluent_kafka.admin import AdminClient

from processor.local import LocalBroker
from tests.broker.cluster import WorkerProcess
from tests.broker.visits import (
    Done,
    Visits,
    application,
    eventually,
    expected,
    group_offsets,
    only_these,
    processor,
    read,
)

pytestmark = pytest.mark.broker

STOPPED = psutil.STATUS_STOPPED
OUTAGE_S = 15
AGE = "processor_watermark_age_seconds"
# A watermark is a minute less than it could be, and looked at every ten seconds.
AGE_S = range(60, 75)
METHODS = ("GET", "POST")
SERVICE = {
    "name": "away",
    "owner": "a@example.com",
    "attribute_groups": [{"name": "visits", "version": 1}],
}


@pytest.fixture(scope="module")
def visits(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visits]:
    with application(bootstrap_servers, tmp_path_factory.mktemp("takeover")) as cluster:
        yield Visits(cluster)


# --- frozen past the session ----------------------------------------------------------------------


def test_a_worker_frozen_in_a_transaction_is_fenced_and_changes_nothing_when_it_wakes(
    visits: Visits,
) -> None:
    cluster, topic = visits.cluster, visits.cluster.settings.enriched_topic
    stop_all(visits)
    frozen, other = cluster.worker("frozen"), cluster.worker("other")
    frozen.start(FREEZE_AFTER="2:1").wait_ready()
    visits.send([f"frozen-{number}" for number in range(40)], 3)
    eventually(lambda: is_stopped(frozen))
    other.start().wait_ready()
    visits.send([f"frozen-{number}" for number in range(40)], 2)
    eventually(lambda: contributions_of(other) > 0, 40, what=lambda: "nobody took over")
    eventually(lambda: read(other, sorted(visits.views)) == wanted(visits), 40)
    ahead = {number: one.offset for number, one in group_offsets(cluster, topic).items()}
    frozen.signal(signal.SIGCONT)
    # In the worker's words, or in librdkafka's where a rebalance has closed the gate before.
    eventually(lambda: "fenced" in frozen.log())
    visits.send([f"woken-{number}" for number in range(40)], 3)
    frozen.wait_ready()
    visits.check_exact()
    after = {number: one.offset for number, one in group_offsets(cluster, topic).items()}
    assert all(after[number] >= ahead[number] for number in ahead)


def test_both_workers_work_again_after_one_woke_up(visits: Visits) -> None:
    cluster = visits.cluster
    workers = only_these(cluster, "frozen", "other")
    before = [contributions_of(worker) for worker in workers]
    visits.send([f"both-{number}" for number in range(40)], 3)
    visits.check_exact()
    after = [contributions_of(worker) for worker in workers]
    assert all(later > earlier for earlier, later in zip(before, after, strict=True))


def test_a_frozen_worker_that_still_holds_its_partitions_answers_no_read_when_it_wakes(
    visits: Visits,
) -> None:
    """What it knows is old: it says so until its group has confirmed it, or reads elsewhere."""
    frozen, other = only_these(visits.cluster, "frozen", "other")
    users = [f"stale-{number}" for number in range(20)]
    visits.send(users, 1)
    visits.check_exact()
    took = other.log().count("partition_taken_over")
    frozen.signal(signal.SIGSTOP)
    eventually(lambda: other.log().count("partition_taken_over") > took, 40)
    visits.send(users, 1)
    eventually(lambda: read(other, users) == {user: expected(2) for user in users}, 40)
    frozen.signal(signal.SIGCONT)
    deadline = time.monotonic() + 3
    answers = []
    while time.monotonic() < deadline:
        answers += [answer for answer in [read(frozen, users)] if answer is not None]
    assert all(answer == {user: expected(2) for user in users} for answer in answers)
    frozen.wait_ready()
    visits.check_exact()


def test_a_worker_for_which_no_partition_is_left_is_ready_and_reads_from_the_others(
    visits: Visits,
) -> None:
    only_these(visits.cluster, "frozen", "other")
    visits.send(["far"], 3)
    visits.check_exact()
    spare = visits.cluster.worker("spare").start()
    eventually(spare.log, 60)  # Python has loaded it
    spare.wait_ready(15)
    eventually(lambda: read(spare, sorted(visits.views)) == wanted(visits))


def stop_all(visits: Visits) -> None:
    for worker in visits.cluster.workers.values():
        if worker.running:
            worker.stop()


def wanted(visits: Visits) -> dict[str, dict[str, object]]:
    return {user: expected(count) for user, count in visits.views.items()}


def is_stopped(worker: WorkerProcess) -> bool:
    assert worker.process is not None
    return psutil.Process(worker.process.pid).status() == STOPPED


def contributions_of(worker: WorkerProcess) -> float:
    return worker.metric("processor_contributions_total")


# --- Kafka away -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalBroker, Visits]]:
    """A Kafka of our own, that can be stopped, and a worker on it that has worked already."""
    broker = LocalBroker(tmp_path_factory.mktemp("broker"))
    broker.start()
    broker._wanted_port = broker._port
    try:
        with application(broker.bootstrap_servers, tmp_path_factory.mktemp("away")) as cluster:
            visits = Visits(cluster)
            cluster.worker("one").start().wait_ready()
            visits.send([f"before-{number}" for number in range(20)], 3)
            visits.check_exact()
            yield broker, visits
    finally:
        broker.stop()


def connect_anew(visits: Visits) -> None:
    """Give the test a client that has not seen Kafka away: librdkafka's may wait for a minute."""
    visits.cluster.admin = AdminClient({"bootstrap.servers": visits.cluster.bootstrap_servers})


def java_of(directory: Path) -> psutil.Process:
    found = [
        process
        for process in psutil.Process().children(recursive=True)
        if "java" in process.name() and Path(process.cwd()).is_relative_to(directory)
    ]
    assert len(found) == 1
    return found[0]


def looks(worker: WorkerProcess) -> bool:
    """Whether it sees where topics end: those of definitions, and those of its partitions."""
    answer = httpx.get(f"{worker.url}/api/v1/registry/services/", timeout=30)
    return answer.status_code == 200 and int(worker.metric(AGE, of="events")) in AGE_S


@dataclass(frozen=True)
class Outage:
    """What a working worker, a starting one and a command said while Kafka was stopped."""

    visits: Visits
    worker: str
    starting: str
    command: Done
    answers: list[httpx.Response]


@pytest.fixture(scope="module")
def outage(away: tuple[LocalBroker, Visits]) -> Outage:
    """Kafka is stopped while events wait in it."""
    broker, visits = away
    worker, late = visits.cluster.worker("one"), visits.cluster.worker("late")
    before = contributions_of(worker)
    visits.send([f"away-{number}" for number in range(300)], 20)
    eventually(lambda: contributions_of(worker) > before)
    eventually(lambda: looks(worker), 30)  # its clients know who leads then
    broker.stop()
    said_before = len(worker.log())
    began = time.monotonic()
    late.start()
    try:
        command = processor("topics", "check", environment=visits.cluster.environment)
        path = f"{worker.url}/api/v1/registry/services/"
        answers = [httpx.request(method, path, json=SERVICE, timeout=30) for method in METHODS]
        time.sleep(max(0.0, OUTAGE_S - (time.monotonic() - began)))
        eventually(lambda: "waiting_for_kafka" in late.log(), what=late.log)
        outage = Outage(visits, worker.log()[said_before:], late.log(), command, answers)
    finally:
        broker.start()
    connect_anew(visits)
    visits.send([f"away-{number}" for number in range(300)], 3)
    return outage


def test_kafka_away_loses_nothing_and_counts_nothing_twice(outage: Outage) -> None:
    outage.visits.check_exact()
    for worker in outage.visits.cluster.workers.values():
        assert worker.wait_ready().starts == 1


def test_behind_an_outage_the_registry_answers_and_watermarks_go_on(outage: Outage) -> None:
    worker = outage.visits.cluster.worker("one")
    eventually(lambda: looks(worker), 30)


def test_a_worker_without_its_kafka_says_so_once(outage: Outage) -> None:
    lines = outage.worker.splitlines()
    assert lines, "silence"
    assert len(lines) <= 20, f"{len(lines)} lines in {OUTAGE_S} s"


def test_a_start_without_kafka_says_so_at_once(outage: Outage) -> None:
    line = next((one for one in outage.starting.splitlines() if "waiting_for_kafka" in one), "")
    assert outage.visits.cluster.bootstrap_servers in line, outage.starting


def test_the_registry_without_kafka_says_so_and_when_to_come_back(outage: Outage) -> None:
    for answer in outage.answers:
        assert answer.status_code == 503
        (mistake,) = answer.json()["detail"]
        assert mistake["type"] == "broker"
        assert outage.visits.cluster.bootstrap_servers in mistake["msg"]
        assert answer.headers["retry-after"]
        assert answer.elapsed.total_seconds() < 10


def test_a_command_without_kafka_ends_with_one_line(outage: Outage) -> None:
    assert outage.command.returncode == 1
    (line,) = outage.command.stderr.splitlines()
    assert line.startswith("error: no Kafka answers at")
    assert outage.visits.cluster.bootstrap_servers in line


def test_kafka_frozen_for_longer_than_a_transaction_may_take_loses_nothing(
    away: tuple[LocalBroker, Visits],
) -> None:
    broker, visits = away
    worker = visits.cluster.worker("one")
    kafka = java_of(broker.data_dir)
    before = contributions_of(worker)
    visits.send([f"frozen-{number}" for number in range(300)], 20)
    eventually(lambda: contributions_of(worker) > before)
    kafka.suspend()
    time.sleep(12)
    kafka.resume()
    connect_anew(visits)
    visits.send([f"frozen-{number}" for number in range(300)], 3)
    visits.check_exact()
    assert all(worker.running for worker in visits.cluster.workers.values())
