"""Rules across attribute keys: parts on their way between workers that come, go, freeze and die."""

import re
import signal
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaException,
    Producer,
    TopicPartition,
)

from tests.broker.cluster import Cluster, WorkerProcess, group_of
from tests.broker.visits import (
    KEY,
    application,
    attribute,
    delete_before,
    eventually,
    feed_until_it_ends,
    fired,
    group,
    group_offsets,
    open_partitions,
    processor,
    rule,
    start_missing,
    stays,
    visit,
)

pytestmark = pytest.mark.broker

Json = dict[str, Any]
SESSION = "domain_sessionid"
TARGETS = [{"name": KEY}, {"name": SESSION}]
FATAL = 70
STEPS = (1, 2, 3, 4)
VIEWS_NEEDED = 3
PAGE = {"type": "atomic", "name": "page_urlpath"}


def session_group(name: str, attributes: list[Json]) -> Json:
    return {**group(name, attributes), "attribute_key": {"name": SESSION}}


def joint(name: str, *criteria: tuple[str, str, Any], **more: Any) -> Json:
    """A rule for the user and for the session."""
    leaves = [
        {"attribute": of, "operator": operator, **({} if value is None else {"value": value})}
        for of, operator, value in criteria
    ]
    return {**rule(name, {"all": leaves}), "target_attribute_keys": TARGETS, **more}


DEFINITIONS: dict[str, Json] = {
    "attribute_group/visits/1": group("visits", [attribute("views", "int32", "counter")]),
    "attribute_group/session/1": session_group(
        "session",
        [
            attribute("pages", "int32", "counter"),
            attribute("page", "string", "last", property=PAGE),
        ],
    ),
    "intervention/both/1": joint(
        "both", ("visits:views", ">=", VIEWS_NEEDED), ("session:pages", ">=", 2)
    ),
}
LIMITED = {
    **{name: one for name, one in DEFINITIONS.items() if not name.startswith("intervention")},
    "intervention/twice/1": joint(
        "twice", ("visits:views", ">=", 1), ("session:page", "changed", None), max_fires=2
    ),
    "intervention/cooled/1": joint(
        "cooled", ("visits:views", ">=", 1), ("session:page", "changed", None), cooldown="PT1H"
    ),
}


class Sessions:
    """Page views of users that have one session each, and whether each rule fired as it must."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.views: Counter[str] = Counter()

    def send(self, users: Iterable[str], times: int = 1, **columns: str) -> None:
        events = []
        for user in list(users) * times:
            one = visit(user, self.views[user], domain_sessionid=session_of(user), **columns)
            events.append((one, None))
            self.views[user] += 1
        self.cluster.produce(events)

    def check_exact(self) -> None:
        """Every view counts once in both profiles; the rule has fired once for each target."""
        self.cluster.wait_applied(60)
        for key, name, identify in (
            (KEY, "visits_v1:views", str),
            (SESSION, "session_v1:pages", session_of),
        ):
            ids = {identify(user): count for user, count in self.views.items()}
            found = self.cluster.read_profiles(key, sorted(ids))["profiles"]
            assert {one: values[name] for one, values in found.items()} == ids
        met = [user for user, count in self.views.items() if count >= VIEWS_NEEDED]
        wanted = [(KEY, user) for user in met] + [(SESSION, session_of(user)) for user in met]
        assert sorted(targets(self.cluster)) == sorted(wanted)


def session_of(user: str) -> str:
    return f"session-of-{user}"


def targets(cluster: Cluster, name: str = "both") -> list[tuple[str, str]]:
    """Attribute key and id of every firing of a rule."""
    return [target_of(one) for one in fired(cluster) if name_of(one) == name]


def name_of(message: Json) -> str:
    return str(message["name"])


def target_of(message: Json) -> tuple[str, str]:
    target = message["target_attribute_key"]
    return target["name"], target["id"]


def users(prefix: str, count: int = 20) -> list[str]:
    return [f"{prefix}-{number}" for number in range(count)]


# --- one application, workers come and go ---------------------------------------------------------

TRIM = {"TRIM_EVERY_S": "0.5"}


@pytest.fixture(scope="module")
def started(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sessions]:
    with application(
        bootstrap_servers, tmp_path_factory.mktemp("joint"), DEFINITIONS, partitions=4
    ) as cluster:
        yield Sessions(cluster)


@pytest.fixture
def sessions(started: Sessions) -> Sessions:
    """The first worker runs; the other may."""
    start_missing([started.cluster.worker("one")], **TRIM)
    return started


def test_a_rule_across_keys_fires_once_for_each_of_its_targets(sessions: Sessions) -> None:
    sessions.send(users("first"), 4)
    sessions.check_exact()


def test_all_targets_of_one_trigger_share_the_id_of_the_intervention(sessions: Sessions) -> None:
    cluster = sessions.cluster
    for _ in range(VIEWS_NEEDED):
        sessions.send(["shared"])
        cluster.wait_applied(60)
    found = [one for one in fired(cluster) if target_of(one)[1].endswith("shared")]
    assert {target_of(one) for one in found} == {(KEY, "shared"), (SESSION, session_of("shared"))}
    assert len({one["intervention_id"] for one in found}) == 1
    assert {one["trigger"]["event_id"] for one in found} == {f"shared-{VIEWS_NEEDED - 1}"}
    assert all(one["attributes"]["visits:views"] == VIEWS_NEEDED for one in found)


def test_parts_that_are_applied_are_deleted(sessions: Sessions) -> None:
    cluster = sessions.cluster

    def trimmed() -> bool:
        bounds = watermarks(cluster, cluster.settings.rules_topic)
        # What stays are markers of the last transactions: at most one of each partition's owner.
        return all(low > 0 and high - low <= len(bounds) for low, high in bounds.values())

    sessions.send(users("trimmed"), 4)
    sessions.check_exact()
    eventually(trimmed, 20)


def test_a_worker_that_joins_takes_over_frames_and_parts_of_its_partitions(
    sessions: Sessions,
) -> None:
    cluster = sessions.cluster
    one, two = cluster.worker("one"), cluster.worker("two")
    sessions.cluster.wait_applied(60)
    if two.running:
        assert two.stop() == 0
    before = counted_parts(one)
    two.start(**TRIM).wait_ready()
    sessions.send(users("joined", 40), 4)
    sessions.check_exact()
    for worker in (one.wait_ready(), two):
        assert open_partitions(worker, "profiles") == open_partitions(worker, "rules") == 2
    settings = cluster.settings
    assert (
        partitions_read(two, settings.rules_topic)
        == partitions_read(two, settings.contributions_topic)
        != set()
    )
    of_one, of_two = counted_parts(one) - before, counted_parts(two)
    assert of_one["applied"], "both have targets"
    assert of_two["applied"], "both have targets"
    assert of_one["sent"], "both have keys that the rule reads"
    assert of_two["sent"], "both have keys that the rule reads"
    assert of_one["applied"] + of_two["applied"] == of_one["sent"] + of_two["sent"]


def test_a_worker_that_leaves_loses_nothing(sessions: Sessions) -> None:
    cluster = sessions.cluster
    start_missing([cluster.worker("two")], **TRIM)
    sessions.send(users("left", 40), 2)
    assert cluster.worker("two").stop() == 0
    sessions.send(users("left", 40), 2)
    sessions.check_exact()


def test_a_worker_frozen_in_a_transaction_with_parts_changes_nothing_when_it_wakes(
    sessions: Sessions,
) -> None:
    cluster, two = sessions.cluster, sessions.cluster.worker("two")
    if two.running:
        assert two.stop() == 0
    two.start(FREEZE_AFTER="2:4").wait_ready()
    took = cluster.worker("one").log().count("partition_taken_over")
    sent = 0
    while not frozen(two):
        sent += 1
        assert sent < 100, two.log()[-2000:]
        sessions.send(users("frozen", 40), 1)
        time.sleep(0.2)
    eventually(lambda: cluster.worker("one").log().count("partition_taken_over") > took, 40)
    sessions.send(users("frozen", 40), VIEWS_NEEDED)
    sessions.check_exact()
    two.signal(signal.SIGCONT)
    sessions.send(users("woken", 40), 4)
    two.wait_ready()
    sessions.check_exact()


def frozen(worker: WorkerProcess) -> bool:
    assert worker.process is not None
    state = Path(f"/proc/{worker.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state == "T"


def counted_parts(worker: WorkerProcess) -> Counter[str]:
    """Parts that a worker has sent and applied since it started."""
    return Counter(
        {what: int(worker.metric(f"processor_parts_{what}_total")) for what in ("sent", "applied")}
    )


def partitions_read(worker: WorkerProcess, topic: str) -> set[str]:
    """The partitions of a topic that a worker reads."""
    samples = httpx.get(f"{worker.url}/metrics", timeout=10.0).text
    sample = r'processor_lag_records\{partition="(\d+)",stage="\w+",topic="([^"]+)"\}'
    found = re.findall(sample, samples)
    return {number for number, of in found if of == topic}


def watermarks(cluster: Cluster, topic: str) -> dict[int, tuple[int, int]]:
    consumer = Consumer({"bootstrap.servers": cluster.bootstrap_servers, "group.id": "bounds"})
    try:
        return {
            number: consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=30)
            for number in range(cluster.settings.partitions)
        }
    finally:
        consumer.close()


# --- killed behind each step of a flush -----------------------------------------------------------


@pytest.fixture(scope="module")
def crashed(
    bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Sessions]]:
    """Two applications beside each other; their workers are killed behind one step after the other.

    The one is always started again on its directory, the other on an empty one.
    """
    with ExitStack() as stack:
        found = {
            name: Sessions(
                stack.enter_context(
                    application(
                        bootstrap_servers, tmp_path_factory.mktemp(f"crash-{name}"), DEFINITIONS
                    )
                )
            )
            for name in ("kept", "emptied")
        }
        for step in STEPS:
            for name, sessions in found.items():
                worker = sessions.cluster.worker("one")
                worker.start(wipe=name == "emptied", CRASH_AFTER=f"{step}:{step + 2}")
            for sessions in found.values():
                feed_until_it_ends(sessions.send, sessions.cluster.worker("one"), step, 4)
        for name, sessions in found.items():
            sessions.cluster.worker("one").start(wipe=name == "emptied")
        for sessions in found.values():
            sessions.cluster.worker("one").wait_ready()
        yield found


@pytest.mark.parametrize("directory", ["kept", "emptied"])
def test_a_worker_killed_behind_any_step_loses_and_doubles_no_part(
    crashed: dict[str, Sessions], directory: str
) -> None:
    crashed[directory].check_exact()


def test_the_group_has_the_offsets_of_parts_that_are_applied_also_when_nothing_follows(
    crashed: dict[str, Sessions],
) -> None:
    """As if the worker had been killed between the commit of a transaction and the group's."""
    sessions = crashed["kept"]
    cluster, worker = sessions.cluster, sessions.cluster.worker("one")
    sessions.check_exact()
    assert worker.stop() == 0
    topic = cluster.settings.rules_topic
    nothing = [TopicPartition(topic, number, 0) for number in range(cluster.settings.partitions)]
    eventually(lambda: set_offsets(cluster, nothing), 30)  # a group without members
    assert cluster.lag(topic) > 0
    worker.start().wait_ready()
    sessions.check_exact()


def set_offsets(cluster: Cluster, offsets: list[TopicPartition]) -> bool:
    """Set what the group has committed; return whether Kafka took it."""
    group = group_of(cluster.settings, offsets[0].topic)
    asked = ConsumerGroupTopicPartitions(group, offsets)
    with suppress(KafkaException):
        (answer,) = cluster.admin.alter_consumer_group_offsets([asked]).values()
        return all(one.error is None for one in answer.result(30).topic_partitions)
    return False


# --- limits of firings ----------------------------------------------------------------------------


@pytest.mark.parametrize("wipe", [False, True], ids=["directory kept", "directory emptied"])
def test_limits_of_firings_hold_across_a_restart(
    bootstrap_servers: str, tmp_path: Path, wipe: bool
) -> None:
    with application(bootstrap_servers, tmp_path, LIMITED) as cluster:
        sessions, worker = Sessions(cluster), cluster.worker("one")
        worker.start().wait_ready()
        for page in ("/a", "/b"):
            sessions.send(["limited"], page_urlpath=page)
            cluster.wait_applied(60)
        both = [(KEY, "limited"), (SESSION, session_of("limited"))]
        assert sorted(targets(cluster, "twice")) == sorted(both * 2)
        assert sorted(targets(cluster, "cooled")) == sorted(both)
        worker.kill()
        worker.start(wipe=wipe).wait_ready()
        for page in ("/c", "/d"):
            sessions.send(["limited"], page_urlpath=page)
            cluster.wait_applied(60)
        assert sorted(targets(cluster, "twice")) == sorted(both * 2)
        assert sorted(targets(cluster, "cooled")) == sorted(both)


# --- parts that cannot be applied -----------------------------------------------------------------

MAGIC = bytes((0xA8, 1))


def part(user: str, *, definitions_offset: int = -1) -> bytes:
    """A part of no rule, made without the processor's own encoder."""
    fields = [
        1, KEY, user, KEY, {KEY: user}, [], [], [], 1_700_000_000_000, f"{user}-0", "page_view", "",
        "enriched", 0, 0, definitions_offset,
    ]  # fmt: skip
    return MAGIC + msgspec.msgpack.encode(fields)


def write_parts(cluster: Cluster, partition: int, *parts: bytes | None) -> None:
    producer = Producer({"bootstrap.servers": cluster.bootstrap_servers})
    for one in parts:
        producer.produce(cluster.settings.rules_topic, one, partition=partition)
    assert producer.flush(30) == 0


BROKEN = {
    "of-a-newer-format": (b"\xa8\x09" + part("newer")[2:], "0xa8/9"),
    "damaged": (MAGIC + b"\xc1", "part"),
    "without-a-value": (None, "too short"),
}


@pytest.fixture(scope="module")
def stopped(
    bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, WorkerProcess]]:
    """Workers that met a good part, one that cannot be read, and another good one."""
    found = {}
    with ExitStack() as stack:
        for name, (broken, _) in BROKEN.items():
            directory = tmp_path_factory.mktemp(name)
            cluster = stack.enter_context(application(bootstrap_servers, directory, {}))
            write_parts(cluster, 1, part("first"), broken, part("last"))
            found[name] = cluster.worker("one").start()
        yield found


@pytest.mark.parametrize("kind", BROKEN)
def test_a_part_that_cannot_be_read_closes_its_partition(
    stopped: dict[str, WorkerProcess], kind: str
) -> None:
    worker = stopped[kind]
    settings = worker.cluster.settings
    reason = worker.wait_degraded(f"{settings.contributions_topic}-1")["reason"]
    assert BROKEN[kind][1] in reason
    assert f"{settings.rules_topic}-1" in reason, "the partition is named"
    assert "offset 1" in reason, "the record is named"
    assert "Traceback" not in worker.log()


@contextmanager
def with_parts_applied(servers: str, directory: Path) -> Iterator[Sessions]:
    """An application whose worker has applied ten parts of each partition."""
    with application(servers, directory, DEFINITIONS) as cluster:
        for partition in range(cluster.settings.partitions):
            write_parts(cluster, partition, *[part(user) for user in users("hand", 10)])
        worker = cluster.worker("one").start().wait_ready()
        cluster.wait_applied(60)
        assert worker.metric("processor_parts_applied_total") == 20
        yield Sessions(cluster)


@pytest.fixture(scope="module")
def by_hand(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sessions]:
    with with_parts_applied(bootstrap_servers, tmp_path_factory.mktemp("hand")) as made:
        yield made


def test_parts_that_are_applied_are_not_applied_again(by_hand: Sessions) -> None:
    worker = by_hand.cluster.worker("one")
    worker.kill()
    worker.start(wipe=True).wait_ready()
    write_parts(by_hand.cluster, 0, part("another"))
    by_hand.cluster.wait_applied(60)
    assert worker.metric("processor_parts_applied_total") == 1


def test_parts_wait_for_the_definitions_that_they_were_made_under(by_hand: Sessions) -> None:
    cluster, worker = by_hand.cluster, by_hand.cluster.worker("one")
    newest = worker.definitions_offset()
    before = worker.metric("processor_parts_applied_total")
    write_parts(cluster, 0, part("waits", definitions_offset=newest + 1), part("behind"))
    by_hand.send(users("beside"), 4)
    eventually(lambda: cluster.lag(cluster.settings.contributions_topic) == 0)
    stays(lambda: cluster.lag(cluster.settings.rules_topic) >= 2, 1)
    name = "intervention/other/1"
    cluster.publish([(name, joint("other", ("visits:views", ">", 1_000)))])
    by_hand.check_exact()
    assert worker.metric("processor_parts_applied_total") > before + 2


# --- one application that loses its rules, then parts, then their topic ---------------------------


@pytest.fixture(scope="module")
def losing(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sessions]:
    with with_parts_applied(bootstrap_servers, tmp_path_factory.mktemp("losing")) as made:
        yield made


@dataclass(frozen=True)
class Parts:
    """How many parts a worker has sent, and where each partition of parts ends."""

    sent: float
    ends: dict[int, int]

    @classmethod
    def of(cls, cluster: Cluster) -> "Parts":
        bounds = watermarks(cluster, cluster.settings.rules_topic)
        sent = cluster.worker("one").metric("processor_parts_sent_total")
        return cls(sent, {number: high for number, (_, high) in bounds.items()})


@pytest.fixture(scope="module")
def unruled(losing: Sessions) -> tuple[Parts, Parts]:
    """The parts before and after events that came when no rule across keys was left."""
    cluster = losing.cluster
    losing.send(users("ruled"), 2)
    cluster.wait_applied(60)
    done = processor("unpublish", "intervention/both", environment=cluster.environment)
    assert done.returncode == 0, done.stderr
    cluster.wait_applied()
    before = Parts.of(cluster)
    cluster.produce([(visit("nobody", n, domain_sessionid="s"), None) for n in range(40)])
    cluster.wait_applied(60)
    return before, Parts.of(cluster)


def test_workers_without_rules_across_keys_send_nothing(unruled: tuple[Parts, Parts]) -> None:
    before, after = unruled
    assert before.sent > 0
    assert after == before


@dataclass(frozen=True)
class Removed:
    """What a worker told when parts were removed before it applied them."""

    stored: int
    told: dict[str, str]
    log: str


@pytest.fixture(scope="module")
def removed(losing: Sessions, unruled: tuple[Parts, Parts]) -> Removed:
    cluster, topic = losing.cluster, losing.cluster.settings.rules_topic
    worker = cluster.worker("one")
    worker.kill()
    stored = group_offsets(cluster, topic)[0].offset
    write_parts(cluster, 0, *[part(user) for user in users("removed", 5)])
    delete_before(cluster, topic, {0: stored + 3})
    worker.start()
    told = worker.wait_degraded(f"{cluster.settings.contributions_topic}-0")
    log = worker.log()
    worker.kill()
    return Removed(stored, told, log)


def test_parts_removed_before_they_were_joined_close_the_partition(
    losing: Sessions, removed: Removed
) -> None:
    topic, stored = losing.cluster.settings.rules_topic, removed.stored
    assert f"offset {stored} of {topic}-0" in removed.told["reason"]
    assert f"processor partitions move {topic} 0 --to {stored + 3}" in removed.told["remedy"]
    assert "Traceback" not in removed.log.rpartition("partition_closed")[2]


@pytest.mark.usefixtures("removed")
def test_a_rules_topic_that_was_made_anew_closes_every_partition(losing: Sessions) -> None:
    cluster, topic = losing.cluster, losing.cluster.settings.rules_topic
    worker = cluster.worker("one")
    cluster.admin.delete_topics([topic])[topic].result(30)
    eventually(lambda: topic not in cluster.admin.list_topics(timeout=10).topics)
    done = processor("topics", "create", environment=cluster.environment)
    assert done.returncode == 0, done.stderr
    worker.start()
    contributions = cluster.settings.contributions_topic
    told = worker.wait_degraded(f"{contributions}-0", f"{contributions}-1")
    assert f"{topic} is not the topic that partition" in told["reason"]
    assert "PROCESSOR_APP_ID" in told["remedy"]
    assert worker.get("/health/ready").status_code == 503
