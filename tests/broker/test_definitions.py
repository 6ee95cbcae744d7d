"""Definitions on a real Kafka: they take effect while events flow, and bad ones never do."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from confluent_kafka import Producer

from definitions.records import from_record
from processor.errors import ConflictError, InvalidDefinitionsError
from processor.streaming.definitions.definitions_topic import DefinitionsWriter
from tests.broker.cluster import Cluster, WorkerProcess
from tests.broker.visits import (
    DEFINITIONS,
    KEY,
    Json,
    Visits,
    application,
    attribute,
    dead_letters,
    eventually,
    expected,
    fired,
    group,
    partition_of,
    read,
    records,
    rule,
    start_all,
    visit,
)

pytestmark = pytest.mark.broker

EFFECT_S = 5.0
VISITS = "attribute_group/visits/1"


@pytest.fixture(scope="module")
def cluster(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with application(bootstrap_servers, tmp_path_factory.mktemp("definitions")) as made:
        start_all(made.worker(name) for name in ("one", "two"))
        yield made


def by_hand(cluster: Cluster, values: dict[str, bytes | None]) -> None:
    """Write records into the definitions topic without asking anybody."""
    producer = Producer({"bootstrap.servers": cluster.bootstrap_servers})
    for key, value in values.items():
        producer.produce(cluster.settings.definitions_topic, value, key)
    assert producer.flush(30) == 0


def latest(cluster: Cluster) -> dict[str, bytes | None]:
    topic = cluster.settings.definitions_topic
    return {(one.key or b"").decode(): one.value for one in records(cluster, topic)}


def group_and_rule(name: str) -> dict[str, Json]:
    """A group and a rule that fires at a user's first view."""
    return {
        f"attribute_group/{name}/1": group(name, [attribute("views", "int32", "counter")]),
        f"intervention/{name}/1": rule(
            name, {"attribute": f"{name}:views", "operator": ">=", "value": 1}
        ),
    }


def letters_of(cluster: Cluster, definition: Json) -> list[Json]:
    """The dead letters of a record with this value."""
    value = base64.b64encode(json.dumps(definition).encode()).decode()
    return [one for one in dead_letters(cluster) if one["value_base64"] == value]


def refused(worker: WorkerProcess) -> float:
    return worker.metric("processor_definitions_refused_total")


def objects(definitions: dict[str, Json]) -> list[Any]:
    return [from_record(key, json.dumps(value).encode()) for key, value in definitions.items()]


# --- published ------------------------------------------------------------------------------------


def test_a_definition_takes_effect_while_events_flow(cluster: Cluster) -> None:
    starts = {worker: worker.starts for worker in cluster.workers.values()}
    producer = Producer({"bootstrap.servers": cluster.bootstrap_servers, "linger.ms": 0})
    stop = threading.Event()

    def flow() -> None:
        for number in count():
            if stop.wait(0.02):
                return
            user = f"flow-{number // 3}"  # a rule that is met already does not fire
            producer.produce(cluster.settings.enriched_topic, visit(user, number))
            producer.poll(0)

    events = threading.Thread(target=flow)
    events.start()
    try:
        before = len(fired(cluster))
        eventually(lambda: len(fired(cluster)) > before)
        cluster.publish(group_and_rule("live").items())
        published = time.monotonic()
        first = eventually(
            lambda: [one for one in fired(cluster) if one["name"] == "live"], EFFECT_S
        )
        seconds = time.monotonic() - published
    finally:
        stop.set()
        events.join()
        producer.flush(30)
    print(f"in effect {seconds:.2f} s after it was published")
    assert seconds < EFFECT_S
    assert all(worker.running for worker in starts)
    assert {worker: worker.starts for worker in starts} == starts
    assert first[0]["definitions_offset"] > 0


def test_publishing_the_same_again_writes_nothing(cluster: Cluster) -> None:
    before = records(cluster, cluster.settings.definitions_topic)
    done = DefinitionsWriter(cluster.settings).publish(objects(DEFINITIONS))
    assert done.changed == ()
    assert set(done.unchanged) == set(DEFINITIONS)
    assert records(cluster, cluster.settings.definitions_topic) == before


def test_other_content_under_a_published_version_is_refused_with_the_next_free_one(
    cluster: Cluster,
) -> None:
    before = records(cluster, cluster.settings.definitions_topic)
    changed = group("visits", [attribute("views", "int64", "counter")])
    with pytest.raises(InvalidDefinitionsError) as caught:
        DefinitionsWriter(cluster.settings).publish(objects({VISITS: changed}))
    assert [problem.hint for problem in caught.value.problems] == ["publish it as version 2"]
    assert records(cluster, cluster.settings.definitions_topic) == before


def test_of_many_writers_at_once_none_is_lost(cluster: Cluster) -> None:
    names = [f"many{number}" for number in range(6)]
    conflicts: list[ConflictError] = []
    errors: list[BaseException] = []

    def write(name: str) -> None:
        wanted = {
            f"attribute_group/{name}/1": group(name, [attribute("views", "int32", "counter")])
        }
        for _ in range(50):
            try:
                DefinitionsWriter(cluster.settings).publish(objects(wanted))
            except ConflictError as error:
                conflicts.append(error)
            except BaseException as error:
                errors.append(error)
                return
            else:
                return
        errors.append(AssertionError(f"{name} never came through"))

    threads = [threading.Thread(target=write, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{len(conflicts)} conflicts between {len(names)} writers")
    assert not errors, errors
    written = latest(cluster)
    assert all(f"attribute_group/{name}/1" in written for name in names)
    assert VISITS in written


# --- written by hand ------------------------------------------------------------------------------


GOOD = json.dumps(DEFINITIONS[VISITS]).encode()
BAD: dict[str, bytes] = {
    "json": b"{",
    "utf8": b"\xff\xfe",
    "list": b"[1]",
    "empty": b"{}",
    "deep": b"[" * 100_000,
    "aggregation": GOOD.replace(b'"counter"', b'"guess"'),
    "property": GOOD.replace(b"tr_total", b"nowhere"),
    "name": GOOD.replace(b'"visits"', b'"others"'),
}


def test_a_record_that_cannot_be_right_changes_nothing_and_is_taken_back(
    cluster: Cluster,
) -> None:
    before = latest(cluster)
    counts = {worker: refused(worker) for worker in cluster.workers.values()}
    bad_rule = rule("third", {"attribute": "nothing:views", "operator": ">", "value": 3})
    by_hand(cluster, {"intervention/third/1": json.dumps(bad_rule).encode()})
    eventually(lambda: latest(cluster) == before, 20, what=lambda: "not written back")
    for worker, counted in counts.items():
        assert worker.running, worker.log()[-3000:]
        assert refused(worker) == counted + 1
    (letter,) = {
        one["key"]: one for one in eventually(lambda: letters_of(cluster, bad_rule), 5)
    }.values()
    assert letter["reason"] == "definition"
    assert letter["topic"] == cluster.settings.definitions_topic
    assert "nothing" in letter["detail"]
    visits = Visits(cluster)
    visits.send(["still-third"], 3)
    cluster.wait_applied(60)
    third = [one["target_attribute_key"]["id"] for one in fired(cluster) if one["name"] == "third"]
    assert third.count("still-third") == 1


def test_many_records_that_cannot_be_right_are_all_taken_back(cluster: Cluster) -> None:
    cluster.publish(
        {
            f"attribute_group/bad_{kind}/1": group(
                f"bad_{kind}", [attribute("views", "int32", "counter")]
            )
            for kind in BAD
        }.items()
    )
    before = latest(cluster)
    counts = {worker: refused(worker) for worker in cluster.workers.values()}
    by_hand(
        cluster,
        {f"attribute_group/bad_{kind}/1": value for kind, value in BAD.items()},
    )
    for worker, counted in counts.items():
        eventually(
            lambda worker=worker, counted=counted: refused(worker) == counted + len(BAD),
            10,
            what=lambda: "refused",
        )

    def not_back() -> list[str]:
        now = latest(cluster)
        return [key for key, value in before.items() if now.get(key) != value]

    deadline = time.monotonic() + 60
    while not_back() and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not not_back(), "never written back"
    assert all(worker.running for worker in cluster.workers.values())
    # An older value of a key with other content would be refused as a change of what is published.
    cluster.publish(DEFINITIONS.items())


@pytest.mark.parametrize("key", ["", "nonsense", "attribute_group/visits", "a/b/c/d"])
def test_a_record_under_a_key_that_names_nothing_harms_nothing(cluster: Cluster, key: str) -> None:
    before = {worker: refused(worker) for worker in cluster.workers.values()}
    by_hand(cluster, {key: GOOD})
    for worker, counted in before.items():
        eventually(lambda worker=worker, counted=counted: refused(worker) == counted + 1, 5)
        assert worker.running, worker.log()[-3000:]


def test_a_group_that_a_rule_reads_is_deleted_by_hand_and_the_workers_go_on(
    cluster: Cluster,
) -> None:
    cluster.publish(group_and_rule("short").items())
    by_hand(cluster, {"attribute_group/short/1": None})
    visits = Visits(cluster)
    visits.send(["deleted"], 3)
    cluster.wait_applied(60)
    for worker in cluster.workers.values():
        assert worker.running, worker.log()[-3000:]
    found = cluster.read_profiles(KEY, ["deleted"])["profiles"]["deleted"]
    assert expected(3).items() <= found.items()
    assert "short_v1:views" not in found


def test_a_group_that_a_rule_reads_is_unpublished_by_hand_and_the_workers_go_on(
    cluster: Cluster,
) -> None:
    definitions = group_and_rule("quiet")
    cluster.publish(definitions.items())
    unpublished = json.dumps(
        {**definitions["attribute_group/quiet/1"], "is_published": False}
    ).encode()
    by_hand(cluster, {"attribute_group/quiet/1": unpublished})
    eventually(lambda: "quiet_v1:views" not in cluster.read_profiles(KEY, ["x"])["profiles"]["x"])
    visits = Visits(cluster)
    visits.send(["unpublished"], 3)
    cluster.wait_applied(60)
    for worker in cluster.workers.values():
        assert worker.running, worker.log()[-3000:]
    assert not [one for one in fired(cluster) if one["name"] == "quiet"]


@pytest.fixture(scope="module")
def restarted(cluster: Cluster) -> WorkerProcess:
    """A worker that starts with good definitions, and with a rule that was written too early.

    Compaction keeps no order: every worker had to refuse the rule when it read it.
    """
    cluster.publish(group_and_rule("good").items())
    counts = {worker: refused(worker) for worker in cluster.workers.values()}
    definitions = group_and_rule("late")
    encoded = {key: json.dumps(value).encode() for key, value in definitions.items()}
    by_hand(cluster, {"intervention/late/1": encoded["intervention/late/1"]})
    for worker, counted in counts.items():
        eventually(lambda worker=worker, counted=counted: refused(worker) == counted + 1, 5)
    by_hand(cluster, {"attribute_group/late/1": encoded["attribute_group/late/1"]})
    eventually(lambda: "late_v1:views" in cluster.read_profiles(KEY, ["x"])["profiles"]["x"])
    worker = cluster.worker("two")
    worker.kill()
    return worker.start(wipe=True).wait_ready()


@pytest.mark.usefixtures("restarted")
def test_a_rule_that_was_written_before_its_group_is_in_force_in_every_worker(
    cluster: Cluster,
) -> None:
    users = [f"late-{number}" for number in range(40)]
    Visits(cluster).send(users)
    cluster.wait_applied(60)
    late = {one["target_attribute_key"]["id"] for one in fired(cluster) if one["name"] == "late"}
    missing = {partition_of(cluster, user) for user in users if user not in late}
    assert not missing, "partitions whose worker does not have the rule"


def test_a_worker_that_starts_later_has_the_good_definitions(
    cluster: Cluster, restarted: WorkerProcess
) -> None:
    visits = Visits(cluster)
    users = [f"later-{number}" for number in range(10)]
    visits.send(users, 3)
    cluster.wait_applied(60)
    found = read(restarted, users)
    assert found is not None
    for user in users:
        assert expected(3).items() <= found[user].items()
        assert found[user]["good_v1:views"] == 3
    third = [one["target_attribute_key"]["id"] for one in fired(cluster) if one["name"] == "third"]
    assert all(third.count(user) == 1 for user in users)
