"""Wrong clocks of devices, collectors and producers, as a running worker meets them."""

import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import NewTopic

from tests.broker.cluster import Cluster
from tests.broker.visits import (
    KEY,
    Json,
    application,
    attribute,
    fired,
    group,
    rule,
    stamp,
    visit,
)

pytestmark = pytest.mark.broker

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
DEFINITIONS: dict[str, Json] = {
    "attribute_group/pv/1": group(
        "pv",
        [
            attribute("all", "int32", "counter"),
            attribute("hour", "int32", "counter", period="PT1H"),
            attribute("day", "int32", "counter", period="P1D"),
        ],
    ),
    "intervention/met/1": rule("met", {"attribute": "pv:hour", "operator": ">=", "value": 1}),
}


@pytest.fixture(scope="module", params=["LogAppendTime", "CreateTime"])
def cluster(
    request: pytest.FixtureRequest,
    bootstrap_servers: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("clocks")
    with application(bootstrap_servers, directory, {}) as made:
        made.settings = made.settings.model_copy(
            update={"enriched_topic": f"{made.settings.enriched_topic}-{request.param}"}
        )
        name = made.settings.enriched_topic
        made.environment["PROCESSOR_ENRICHED_TOPIC"] = name
        # Brokers refuse what is more than an hour ahead, unless they are told otherwise.
        config = {
            "message.timestamp.type": request.param,
            "message.timestamp.after.max.ms": str(2**62),
        }
        topic = NewTopic(name, 2, config=config)
        made.admin.create_topics([topic])[name].result(30)
        made.publish(DEFINITIONS.items())
        made.worker("one").start().wait_ready()
        yield made


def view(user: str, ahead_ms: int, **columns: str) -> bytes:
    """A page view whose device and collector are ahead (behind where negative)."""
    at_ms = int(time.time() * 1000) + ahead_ms
    at, collected = stamp(at_ms), stamp(at_ms + 300)
    times = {"derived_tstamp": at, "collector_tstamp": collected}
    return visit(user, event_id=f"{user}-{time.time_ns()}", **{**times, **columns})


def send(cluster: Cluster, lines: list[bytes], *, record_ahead_ms: int = 0) -> None:
    """Write records whose producer is ahead, in order into one partition."""
    producer = Producer({"bootstrap.servers": cluster.bootstrap_servers})
    for line in lines:
        at_ms = int(time.time() * 1000) + record_ahead_ms
        producer.produce(cluster.settings.enriched_topic, line, partition=1, timestamp=at_ms)
    assert producer.flush(30) == 0
    cluster.wait_applied(60)


def values(cluster: Cluster, user: str) -> list[int | None]:
    found = cluster.read_profiles(KEY, [user])["profiles"][user]
    return [found[f"pv_v1:{name}"] for name in ("all", "hour", "day")]


def times_fired(cluster: Cluster, user: str) -> int:
    return sum(one["target_attribute_key"]["id"] == user for one in fired(cluster))


@pytest.mark.parametrize("ahead_ms", [2 * MINUTE_MS, 121 * MINUTE_MS, 48 * HOUR_MS, 3650 * DAY_MS])
def test_one_event_ahead_empties_no_window(cluster: Cluster, ahead_ms: int) -> None:
    user = f"ahead-{ahead_ms}"
    send(cluster, [view(user, -30_000) for _ in range(5)])
    send(cluster, [view(user, ahead_ms)])
    send(cluster, [view(user, -3_000) for _ in range(5)])
    assert values(cluster, user) == [11, 11, 11]
    assert times_fired(cluster, user) == 1


def test_a_collector_on_local_time_does_not_make_a_rule_fire_again(cluster: Cluster) -> None:
    lines = [view("local", 2 * HOUR_MS if number % 2 else 0) for number in range(10)]
    send(cluster, lines)
    assert values(cluster, "local") == [10, 10, 10]
    assert times_fired(cluster, "local") == 1


def test_a_device_ahead_counts_when_it_was_collected(cluster: Cluster) -> None:
    collected = stamp(int(time.time() * 1000) - 10_000)
    lines = [
        view("device", 0, derived_tstamp=stamp(2**42), collector_tstamp=collected),
        view("device", 0, derived_tstamp="", collector_tstamp=collected),
    ]
    send(cluster, lines)
    assert values(cluster, "device") == [2, 2, 2]


@pytest.mark.parametrize("record_ahead_ms", [5 * HOUR_MS, 400 * DAY_MS])
def test_a_producer_ahead_is_not_believed(cluster: Cluster, record_ahead_ms: int) -> None:
    user = f"producer-{record_ahead_ms}"
    send(cluster, [view(user, record_ahead_ms)], record_ahead_ms=record_ahead_ms)
    send(cluster, [view(user, -1_000)])
    assert values(cluster, user) == [2, 2, 2]


def test_a_late_event_counts_where_it_belongs(cluster: Cluster) -> None:
    send(cluster, [view("late", -ms) for ms in (1_000, 5 * HOUR_MS, 400 * DAY_MS)])
    assert values(cluster, "late") == [3, 1, 2]
