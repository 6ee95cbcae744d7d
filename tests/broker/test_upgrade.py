"""The first version (level 1, one group) and this one, one after the other.

What stands in the topics and in the profiles equals the model, whichever version did which part.
"""

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from processor.formats import NEWEST_LEVEL
from processor.streaming.messages.commit_metadata import decode_commit_metadata
from tests.broker.cluster import Cluster, WorkerProcess, free_port
from tests.broker.visits import (
    KEY,
    application,
    attribute,
    commit_metadata,
    eventually,
    group,
    rule,
    visit,
)
from tests.golden.first_version import unpack
from tests.model.topic_reader import Records, read_topic
from tests.model.verifier import Report, verify

pytestmark = pytest.mark.broker

Json = dict[str, Any]
SESSION, ACCOUNT = "domain_sessionid", "user_id"
TOTAL = {"type": "atomic", "name": "tr_total"}
PRICE = {"type": "atomic", "name": "se_value"}
PAGE = {"type": "atomic", "name": "page_urlpath"}
FATAL = 70
PARTITIONS = 6
# Enough for a window to have nodes above its chunks.
FIRST_EVENTS = 2_400
BURST = 25
BURST_INTERVAL_S = 0.4


def of(key: str, name: str, *attributes: Json) -> Json:
    return {**group(name, list(attributes)), "attribute_key": {"name": key}}


# Every kind of record: one account has nearly all events: its windows have chunks and nodes, with
# large states, and its list of pages does not fit the head. No message has the sums of prices: the
# first version rounds them in its own way. Nor does what a rule reads of a session change with its
# second event: the first version tells another value before the event then.
DEFINITIONS: dict[str, Json] = {
    "attribute_group/visits/1": of(
        KEY, "visits",
        attribute("views", "int32", "counter"),
        attribute("spent", "double", "sum", property=TOTAL),
        attribute("recent", "int32", "counter", period="P1D"),
    ),
    "attribute_group/session/1": of(
        SESSION, "session",
        attribute("pages", "int32", "counter"),
        attribute("page", "string", "last", property=PAGE),
        attribute("app", "string", "last", property={"type": "atomic", "name": "app_id"}),
    ),
    "attribute_group/account/1": of(
        ACCOUNT, "account",
        attribute("pages", "string_list", "unique_list", property=PAGE),
        attribute("often", "string", "most_frequent", property=PAGE, period="P1D"),
        attribute("dearest", "double", "max", property=TOTAL, period="P1D"),
    ),
    "attribute_group/money/1": of(
        ACCOUNT, "money",
        attribute("paid", "double", "sum", property=PRICE),
        attribute("paid_1d", "double", "sum", property=PRICE, period="P1D"),
        attribute("usual", "double", "mean", property=PRICE),
    ),
    "intervention/third/1": rule(
        "third", {"attribute": "visits:views", "operator": ">=", "value": 3}
    ),
    "intervention/both/1": {
        **rule("both", {"all": [
            {"attribute": "visits:views", "operator": ">=", "value": 4},
            {"attribute": "session:app", "operator": "=", "value": "shop"},
        ]}),
        "target_attribute_keys": [{"name": KEY}, {"name": SESSION}],
    },
}  # fmt: skip


def event(number: int) -> bytes:
    """One page view: its total is whole, its price is not.

    One in seven is late, one in twenty comes again. What comes again is not the account's: the
    first version remembers the last 64 event ids of a profile, and more than 64 events of the
    account can come in between, from the other worker.
    """
    account = "" if number % 20 >= 18 else "account"
    if number % 20 == 19:
        number -= 1
    late = 30_000 if number % 7 == 0 else 0
    return visit(
        f"user-{number % 180}",
        max(0, 50 * number - late),
        event_id=f"event-{number}",
        domain_sessionid=f"session-{number % 180}",
        user_id=account,
        tr_total=str(number % 97),
        se_value=f"{number % 89}.{number * 7 % 100:02}",
        page_urlpath=f"/page/{number % 130}/{'x' * 40}",
    )


class Traffic:
    """Events without a pause, until it is stopped."""

    def __init__(self, cluster: Cluster) -> None:
        self.count = 0
        self._cluster = cluster
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def send(self, count: int) -> None:
        numbers = range(self.count, self.count + count)
        self._cluster.produce((event(number), number // 2 % PARTITIONS) for number in numbers)
        self.count += count

    def _run(self) -> None:
        while not self._stopped.wait(BURST_INTERVAL_S):
            self.send(BURST)


class Observed:
    """A cluster, and what its topics hold in the end: nothing of them is deleted."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.frames: Records = {}

    def report(self) -> Report:
        """Everything that was applied, against the model."""
        servers, settings = self.cluster.bootstrap_servers, self.cluster.settings
        self.cluster.wait_applied(60)
        ids = {
            KEY: [f"user-{number}" for number in range(180)],
            SESSION: [f"session-{number}" for number in range(180)],
            ACCOUNT: ["account"],
        }
        answers = {key: self._read(key, wanted) for key, wanted in ids.items()}
        times = [answer["now_ms"] for answer in answers.values()]
        self.frames = read_topic(
            servers, settings.contributions_topic, isolation="read_uncommitted"
        )
        return verify(
            servers,
            source_topic=settings.enriched_topic,
            interventions_topic=settings.interventions_topic,
            contributions=self.frames,
            parts=settings.rules_topic,
            definitions=list(DEFINITIONS.values()),
            attributes_by_profile={
                (key, identifier): values
                for key, answer in answers.items()
                for identifier, values in answer["profiles"].items()
            },
            read_now_ms=(min(times), max(times)),
            order="contributions",
        )

    def _read(self, key: str, ids: list[str]) -> Json:
        worker = next(one for one in self.cluster.workers.values() if one.running)
        answer = httpx.post(f"{worker.url}/api/v1/profiles", json={"key": key, "ids": ids})
        found: Json = answer.raise_for_status().json()
        return found

    def frame_formats(self) -> set[int]:
        return {(record.value or b"")[1] for records in self.frames.values() for record in records}


@pytest.fixture(scope="module")
def first_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack(tmp_path_factory.mktemp("first-version"))


@contextmanager
def observing(servers: str, directory: Path, session_timeout_s: int) -> Iterator[Observed]:
    settings = {"partitions": PARTITIONS, "session_timeout_ms": 1000 * session_timeout_s}
    with application(servers, directory, DEFINITIONS, **settings) as cluster:
        cluster.environment["TRIM_EVERY_S"] = "3600"
        yield Observed(cluster)


def level(worker: WorkerProcess) -> int:
    return int(worker.metric("processor_format_level", stage="profiles"))


def partitions(worker: WorkerProcess) -> int:
    """Open partitions of profiles."""
    return int(worker.metric("processor_partitions", role="profiles", state="open"))


def owns(worker: WorkerProcess, count: int) -> None:
    eventually(lambda: partitions(worker) == count, 40, what=lambda: worker.log()[-3000:])


@pytest.fixture
def observed(bootstrap_servers: str, tmp_path: Path) -> Iterator[Observed]:
    """An application whose workers are missed as soon as Kafka allows."""
    with observing(bootstrap_servers, tmp_path, 6) as made:
        yield made


def test_the_new_version_waits_for_the_old_one_and_goes_on_where_it_was(
    observed: Observed, first_version: Path
) -> None:
    """All stop, all start: beside an old worker nothing opens, and nothing of it is disturbed."""
    cluster = observed.cluster
    old, second_old, new, second_new = map(cluster.worker, ("old", "old-2", "new", "new-2"))
    old.root = second_old.root = first_version
    traffic = Traffic(cluster)
    traffic.send(FIRST_EVENTS)
    for worker in (old, second_old):
        worker.start()
    for worker in (old, second_old):
        worker.wait_ready()
    with traffic:
        new.start()
        eventually(lambda: "older version" in reason(new), 40)
        assert old.stop() == 0
        eventually(lambda: partitions(second_old) == PARTITIONS, 40)
        assert "older version" in reason(new)
        assert partitions(new) == 0
        assert second_old.stop() == 0
        new.wait_ready()
        owns(new, PARTITIONS)
        assert level(new) == NEWEST_LEVEL
        second_new.start().wait_ready()
        owns(second_new, PARTITIONS // 2)
    report = observed.report()
    assert report.difference_count == 0, "\n".join(report.differences)
    assert observed.frame_formats() == {1, 2}
    assert report.interventions > report.joint_interventions > 0
    assert report.duplicates > 0
    assert (new.starts, second_new.starts) == (1, 1)


def test_an_old_worker_that_comes_back_changes_nothing_and_the_new_ones_go_on(
    observed: Observed, first_version: Path
) -> None:
    """A forgotten image, or one that wakes up: it cannot read the state, and ends."""
    cluster = observed.cluster
    old, frozen, new = map(cluster.worker, ("old", "frozen", "new"))
    old.root = frozen.root = first_version
    traffic = Traffic(cluster)
    traffic.send(FIRST_EVENTS)
    for worker in (old, frozen):
        worker.start()
    for worker in (old, frozen):
        worker.wait_ready()
    cluster.wait_applied(60)
    with traffic:
        frozen.signal(signal.SIGSTOP)
        assert old.stop() == 0
        new.start().wait_ready()
        owns(new, PARTITIONS)
        frozen.signal(signal.SIGCONT)
        old.start(wipe=True)
        for worker in (old, frozen):
            assert worker.wait_ended() == FATAL, worker.log()[-3000:]
        assert re.search(r"worker_stops.* of format 0x", old.log().splitlines()[-1]), old.log()
        new.wait_ready()
        owns(new, PARTITIONS)
    report = observed.report()
    assert report.difference_count == 0, "\n".join(report.differences)
    assert "older_workers_run" in new.log()
    assert new.running
    assert new.starts == 1


def reason(worker: WorkerProcess) -> str:
    """Why a worker does not serve."""
    try:
        told: str = worker.get("/health").json()["reason"]
    except httpx.TransportError:
        return ""
    return told


@pytest.fixture
def patient(bootstrap_servers: str, tmp_path: Path) -> Iterator[Observed]:
    """An application whose groups wait long for a worker that is restarted."""
    with observing(bootstrap_servers, tmp_path, 120) as made:
        yield made


def test_a_static_member_keeps_its_partitions_over_a_restart_and_moves_to_another_url(
    patient: Observed,
) -> None:
    cluster = patient.cluster
    workers = [cluster.worker(name) for name in ("one", "two")]
    for worker in workers:
        worker.start(PROCESSOR_INSTANCE_ID=worker.name)
    for worker in workers:
        worker.wait_ready()
        owns(worker, 3)
    traffic = Traffic(cluster)
    traffic.send(FIRST_EVENTS)
    cluster.wait_applied(60)
    one, two = workers
    for worker in workers:
        traffic.send(4 * BURST)
        assert worker.stop() == 0
        others = sum(other.log().count("partition_taken_over") for other in workers)
        worker.start(PROCESSOR_INSTANCE_ID=worker.name).wait_ready()
        owns(worker, 3)
        now = sum(other.log().count("partition_taken_over") for other in workers)
        assert now == others + 3, "the group does not rebalance"
    known = [decode_commit_metadata(text) for text in commit_metadata(cluster).values()]
    assert len(known) == PARTITIONS
    assert all(found.epoch and found.topic_id for found in known), known
    assert one.stop() == 0
    one.port = free_port()
    traffic.send(4 * BURST)
    joined = one.log().count("joins_again")
    one.start(PROCESSOR_INSTANCE_ID=one.name).wait_ready()
    assert one.log().count("joins_again") == joined + 1
    owns(one, 3)
    owns(two, 3)
    report = patient.report()
    assert report.difference_count == 0, "\n".join(report.differences)
    assert patient.frame_formats() == {2}
