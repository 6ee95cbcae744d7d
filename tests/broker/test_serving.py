"""What clients and operators are told while partitions move, and that every metric moves too."""

import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from processor.request_limits import FORWARD_TIMEOUT_S, READ_WAIT_S
from tests.broker.cluster import Cluster, WorkerProcess
from tests.broker.round_robin import RoundRobin
from tests.broker.streams import Stream
from tests.broker.visits import (
    KEY,
    START_MS,
    Json,
    Visits,
    application,
    eventually,
    only_these,
    partition_of,
    stamp,
    start_all,
    visit,
)

pytestmark = pytest.mark.broker

USERS = [f"user-{number}" for number in range(40)]
VIEWS = 3
# Longer than a read waits, wherever between two heartbeats a worker is killed.
SESSION_MS = 10_000
# Enough that it is not read within the second between two looks at the ends of partitions.
BURST = 100_000
DEAR = (
    '{"schema":"iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0",'
    '"data":[{"schema":"iglu:com.example/product/jsonschema/1-0-0","data":{"price":"dear"}}]}'
)


@pytest.fixture(scope="module")
def cluster(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("serving")
    with application(bootstrap_servers, directory, session_timeout_ms=SESSION_MS) as made:
        start_all(made.worker(name) for name in ("one", "two"))
        Visits(made).send(USERS, VIEWS)
        made.wait_applied()
        yield made


@pytest.fixture
def both_run(cluster: Cluster) -> None:
    """Also behind a test that ended one."""
    only_these(cluster, "one", "two")


@pytest.fixture(scope="module")
def balancer(cluster: Cluster) -> Iterator[RoundRobin]:
    with RoundRobin([worker.port for worker in cluster.workers.values()]) as made:
        yield made


def total(cluster: Cluster, name: str, **labels: str) -> float:
    return sum(worker.metric(name, **labels) for worker in cluster.workers.values())


def lags_told(cluster: Cluster) -> Counter[str]:
    """How many workers tell the lag of each partition of the source."""
    topic = cluster.settings.enriched_topic
    sample = re.compile(
        rf'processor_lag_records\{{partition="(\d+)",stage="\w+",topic="{topic}"\}}'
    )
    texts = [worker.get("/metrics").text for worker in cluster.workers.values()]
    return Counter(number for text in texts for number in sample.findall(text))


# --- metrics --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("both_run")
def test_the_metrics_of_the_way_of_an_event_move(cluster: Cluster) -> None:
    """Events in, matched, late, duplicate, rejected by reason, dead; flushes; state."""
    names = {
        "events": "processor_events_total",
        "matched": "processor_events_matched_total",
        "contributions": "processor_contributions_total",
        "late": "processor_contributions_late_total",
        "duplicates": "processor_duplicates_total",
    }

    def now() -> dict[str, float]:
        found = {short: total(cluster, name) for short, name in names.items()}
        rejected = total(cluster, "processor_values_rejected_total", reason="wrong_type")
        dead = total(cluster, "processor_dead_letters_total", reason="column_count")
        flushes = total(cluster, "processor_flush_seconds_count")
        return {**found, "rejected": rejected, "dead": dead, "flushes": flushes}

    before = now()
    old = stamp(START_MS - 60_000)
    nobody = visit("", event_id="of-nobody")
    cluster.produce(
        [
            (visit("metrics", 1), 0),
            (visit("metrics", 1), 0),
            (visit("metrics", 2, contexts=DEAR), 0),
            (visit("metrics", 3, collector_tstamp=old, derived_tstamp=old), 0),
            (nobody, 0),
            (b"no event", 0),
        ]
    )
    cluster.wait_applied(60)
    after = eventually(lambda: found if (found := now())["dead"] > before["dead"] else None)
    moved = {name: after[name] - before[name] for name in before}
    assert moved.pop("flushes") >= 1
    assert moved == {
        "events": 6,
        "matched": 4,
        "contributions": 3,
        "late": 1,
        "duplicates": 1,
        "rejected": 1,
        "dead": 1,
    }
    assert all(worker.metric("processor_state_bytes") > 0 for worker in cluster.workers.values())


@pytest.mark.usefixtures("both_run")
def test_the_lag_of_each_partition_grows_and_ends(cluster: Cluster) -> None:
    source = {"topic": cluster.settings.enriched_topic}
    seen: set[str] = set()
    again = visit("burst")

    def lags() -> dict[str, float]:
        return {
            number: total(cluster, "processor_lag_records", partition=number, **source)
            for number in ("0", "1")
        }

    def both_seen() -> bool:
        cluster.produce((again, number % 2) for number in range(BURST))
        seen.update(number for number, lag in lags().items() if lag > 0)
        return seen == {"0", "1"}

    eventually(both_seen)
    cluster.wait_applied()
    eventually(lambda: set(lags().values()) == {0.0})


@pytest.mark.usefixtures("both_run")
def test_requests_and_subscribers_are_counted(cluster: Cluster) -> None:
    worker = cluster.worker("one")
    route = "/api/v1/get-online-attributes"
    count = "processor_request_seconds_count"
    before = worker.metric(count, route=route, status="200")
    assert read(worker.url) == expected_answer()
    assert worker.metric(count, route=route, status="200") == before + 1
    clients = worker.metric("processor_sse_clients")
    with Stream(worker.url, {KEY: "metrics"}):
        assert worker.metric("processor_sse_clients") == clients + 1
    eventually(lambda: worker.metric("processor_sse_clients") == clients)


# --- partitions move ------------------------------------------------------------------------------


BODY: Json = {"attribute_keys": {KEY: USERS}, "attributes": ["visits_v1:views"]}


def expected_answer() -> Json:
    return {KEY: USERS, "views": [VIEWS] * len(USERS)}


def read(url: str) -> Json:
    answer: Json = httpx.post(f"{url}/api/v1/get-online-attributes", json=BODY, timeout=30).json()
    return answer


@dataclass(eq=False)
class Reader(threading.Thread):
    """Reads through the balancer all the time; keeps what was answered, and how long it took."""

    url: str
    answers: list[tuple[httpx.Response, float]] = field(default_factory=list)
    ended: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def run(self) -> None:
        while not self.ended:
            begun = time.monotonic()
            try:
                answer = httpx.post(
                    f"{self.url}/api/v1/get-online-attributes", json=BODY, timeout=30
                )
            except httpx.TransportError:
                time.sleep(0.05)  # to a worker that is not there
            else:
                self.answers.append((answer, time.monotonic() - begun))

    def statuses(self, since: int = 0) -> set[int]:
        return {answer.status_code for answer, _ in self.answers[since:]}

    def serves(self, since: int) -> bool:
        """Whether the last answers, of either worker, were values."""
        last = self.answers[since:][-6:]
        return len(last) == 6 and all(answer.status_code == 200 for answer, _ in last)

    def said(self) -> str:
        """The last answers, for a failure to name."""
        last = self.answers[-6:]
        texts = [f"{len(self.answers)} answers"]
        texts += [f"{a.status_code} after {seconds:.2f} s: {a.text[:200]}" for a, seconds in last]
        return "\n".join(texts)


@pytest.mark.usefixtures("both_run")
def test_reads_while_partitions_move_are_right_or_refused_with_a_time(
    cluster: Cluster, balancer: RoundRobin
) -> None:
    """A worker is stopped and started, and one is killed: values, or 503 and Retry-After."""
    two = cluster.worker("two")
    assert {partition_of(cluster, user) for user in USERS} == {0, 1}
    reader = Reader(f"http://127.0.0.1:{balancer.port}")

    def seen() -> str:
        states = (worker.state() for worker in cluster.workers.values())
        return "\n".join((reader.said(), *states))

    reader.start()
    try:
        eventually(lambda: reader.serves(0), what=seen)
        two.stop()
        since = len(reader.answers)
        eventually(lambda: reader.serves(since), 60, what=seen)
        two.start().wait_ready()
        since = len(reader.answers)
        eventually(lambda: reader.serves(since), 60, what=seen)
        two.signal(signal.SIGKILL)
        since = len(reader.answers)
        eventually(lambda: 503 in reader.statuses(since), 40, what=seen)
        since = len(reader.answers)
        eventually(lambda: reader.serves(since), 60, what=seen)
    finally:
        two.kill()
        reader.ended = True
        reader.join()
    for answer, seconds in reader.answers:
        assert seconds < READ_WAIT_S + FORWARD_TIMEOUT_S + 2
        if answer.status_code == 200:
            assert answer.json() == expected_answer()
        else:
            assert (answer.status_code, set(answer.json())) == (503, {"error"})
            assert int(answer.headers["retry-after"]) > 0


def test_a_worker_tells_its_health_and_progress_while_it_takes_over(cluster: Cluster) -> None:
    worker: WorkerProcess = cluster.worker("two")
    worker.kill()
    worker.start(wipe=True)
    told: list[Json] = []

    def ready() -> bool:
        try:
            told.append(worker.get("/health").json())
        except httpx.TransportError:
            return False
        return told[-1]["status"] == "ok"

    eventually(ready, 60)
    assert told[0]["status"] == "starting"
    for one in told[:-1]:
        assert one["reason"]
        assert 0.0 <= one["restored"] <= 1.0
    offset = told[-1]["stages"]["profiles"]["definitions_offset"]
    well = {"status": "ok", "reason": "", "degraded": [], "definitions_offset": offset}
    assert offset > 0
    assert told[-1] | {"source_stage": ""} == {
        "status": "ok", "reason": "", "restored": 1.0, "source_stage": "",
        "stages": {"source": well, "profiles": well},
    }  # fmt: skip
    assert worker.metric("processor_restored_ratio") == 1.0
    assert worker.metric("processor_restored_records_total") > 0
    assert worker.metric("processor_takeover_seconds_count") >= 1
    assert read(worker.url) == expected_answer()
    eventually(lambda: lags_told(cluster) == {"0": 1, "1": 1})
