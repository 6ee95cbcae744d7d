"""State that outlived its time to live leaves the store and the changelog, by arrival alone."""

import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from confluent_kafka import Producer

from processor.engine import Profile, changed_records, step
from processor.formats import NEWEST_LEVEL
from processor.state.rocksdb_store import RocksDBStore
from processor.streaming.profiles.profile_table import record_prefix
from tests.broker.cluster import Cluster
from tests.broker.visits import (
    KEY,
    application,
    attribute,
    eventually,
    group,
    partition_of,
    records,
    stamp,
    start_missing,
    stays,
    visit,
)
from tests.by_hand import contribution_of
from tests.model.core import plan_of

pytestmark = pytest.mark.broker

HOUR_MS = 3_600_000
DEFINITIONS = {
    "attribute_group/brief/1": group(
        "brief",
        [
            attribute("views", "int32", "counter"),
            attribute("hour", "int32", "counter", period="PT1H"),
        ],
        ttl="PT10M",
    )
}  # fmt: skip
SWEEP_S = 0.2


@pytest.fixture(scope="module")
def now_ms() -> int:
    return int(time.time() * 1000)


@pytest.fixture(scope="module")
def seen_before(
    bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory, now_ms: int
) -> Iterator[Cluster]:
    """Visitors from before: of two everything is over, of one only nearly."""
    with application(
        bootstrap_servers,
        tmp_path_factory.mktemp("sweep"),
        DEFINITIONS,
        partitions=1,
        sweep_interval_s=SWEEP_S,
    ) as made:
        stored(made, "old", now_ms - 72 * HOUR_MS)
        stored(made, "returns", now_ms - 72 * HOUR_MS)
        stored(made, "ended", now_ms - 2 * HOUR_MS)
        stored(made, "young", now_ms - HOUR_MS)
        yield made


@pytest.fixture
def cluster(seen_before: Cluster) -> Cluster:
    """The worker runs, and has swept what is over."""
    start_missing([seen_before.worker("one")])
    if seen_before.worker("one").starts == 1:
        eventually(lambda: expired(seen_before) == 2, 30)
    return seen_before


def stored(cluster: Cluster, user: str, arrival_ms: int) -> None:
    """Write a profile to the changelog as a worker would have left it then."""
    plan = plan_of([dict(one) for one in DEFINITIONS.values()])
    values = [(one.series_id, None) for one in plan.group_attributes("brief")][:1]
    one = contribution_of(0, KEY, user, arrival_ms, user, "page_view", "", values, None, arrival_ms)
    profile = Profile()
    step(profile, one, plan)
    producer = Producer({"bootstrap.servers": cluster.bootstrap_servers})
    for suffix, value in changed_records(profile, NEWEST_LEVEL):
        producer.produce(
            cluster.settings.changelog_topic, value, record_prefix(KEY, user) + suffix, partition=0
        )
    assert producer.flush(30) == 0


def seen(cluster: Cluster, user: str, at_ms: int) -> None:
    at = stamp(at_ms)
    event_id = f"{user}-{at_ms}"
    event = visit(user, event_id=event_id, collector_tstamp=at, derived_tstamp=at)
    cluster.produce([(event, 0)])
    cluster.wait_applied(30)


def changelog(cluster: Cluster) -> dict[bytes, bytes | None]:
    topic = cluster.settings.changelog_topic
    return {one.key or b"": one.value for one in records(cluster, topic)}


def expired(cluster: Cluster) -> float:
    return cluster.worker("one").metric("processor_profiles_expired_total")


def test_a_profile_to_which_nothing_was_contributed_leaves_the_changelog_as_a_tombstone(
    cluster: Cluster,
) -> None:
    assert partition_of(cluster, "old") == 0
    eventually(lambda: changelog(cluster)[record_prefix(KEY, "old")] is None, 30)
    # Windows stay for the period, as long again, and an hour.
    assert changelog(cluster)[record_prefix(KEY, "ended")] is not None


def test_an_old_event_that_arrives_now_stays(cluster: Cluster, now_ms: int) -> None:
    before = expired(cluster)
    seen(cluster, "late", now_ms - 72 * HOUR_MS)
    stays(lambda: expired(cluster) == before, 10 * SWEEP_S)
    assert changelog(cluster)[record_prefix(KEY, "late")] is not None


def test_an_event_that_is_ahead_ages_nothing(cluster: Cluster, now_ms: int) -> None:
    before = expired(cluster)
    seen(cluster, "ahead", now_ms + 48 * HOUR_MS)
    stays(lambda: expired(cluster) == before, 10 * SWEEP_S)
    assert changelog(cluster)[record_prefix(KEY, "young")] is not None


def test_a_profile_that_comes_back_starts_anew(cluster: Cluster, now_ms: int) -> None:
    seen(cluster, "returns", now_ms)
    assert changelog(cluster)[record_prefix(KEY, "returns")] is not None


def test_what_is_over_has_left_the_store(cluster: Cluster, now_ms: int) -> None:
    seen(cluster, "here", now_ms)
    worker = cluster.worker("one")
    assert worker.stop() == 0
    path = worker.data_dir / "profiles" / cluster.settings.app_id / "0"
    with closing(RocksDBStore(path)) as store:
        left = {key for key, _ in store.scan(b"\x02") if key.startswith(b"\x02")}
    assert {record_prefix(KEY, user) for user in ("ended", "young", "here")} <= left
    assert record_prefix(KEY, "old") not in left
