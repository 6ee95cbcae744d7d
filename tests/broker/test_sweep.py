"""State that outlived its time to live leaves the store and the changelog, by event time alone."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from processor.state.rocksdb_store import RocksDBStore
from processor.streaming.profile_table import record_prefix
from tests.broker.cluster import Cluster
from tests.broker.visits import (
    KEY,
    START_MS,
    application,
    attribute,
    eventually,
    group,
    partition_of,
    records,
    stamp,
    stays,
    visit,
)

pytestmark = pytest.mark.broker

HOUR_MS = 3_600_000
# Long past by the wall clock.
OLD_MS = START_MS - 72 * HOUR_MS
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
def cluster(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with application(
        bootstrap_servers,
        tmp_path_factory.mktemp("sweep"),
        DEFINITIONS,
        partitions=1,
        sweep_interval_s=SWEEP_S,
    ) as made:
        made.worker("one").start().wait_ready()
        yield made


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


def test_a_profile_is_not_expired_by_the_wall_clock(cluster: Cluster) -> None:
    seen(cluster, "old", OLD_MS)
    assert partition_of(cluster, "old") == 0
    stays(lambda: expired(cluster) == 0, 6 * SWEEP_S)
    assert changelog(cluster)[record_prefix(KEY, "old")] is not None


def test_an_expired_profile_leaves_the_changelog_as_a_tombstone(cluster: Cluster) -> None:
    seen(cluster, "new", OLD_MS + 5 * HOUR_MS)
    eventually(lambda: expired(cluster) == 1, 10)
    cluster.wait_applied(30)
    eventually(lambda: changelog(cluster)[record_prefix(KEY, "old")] is None, 10)
    assert changelog(cluster)[record_prefix(KEY, "new")] is not None
    assert expired(cluster) == 1


def test_a_profile_that_comes_back_starts_anew(cluster: Cluster) -> None:
    seen(cluster, "old", OLD_MS + 5 * HOUR_MS + 1)
    assert changelog(cluster)[record_prefix(KEY, "old")] is not None
    seen(cluster, "new", OLD_MS + 20 * HOUR_MS)
    eventually(lambda: expired(cluster) == 2, 10)


def test_an_expired_profile_has_left_the_store(cluster: Cluster) -> None:
    eventually(lambda: changelog(cluster)[record_prefix(KEY, "old")] is None, 10)
    worker = cluster.worker("one")
    assert worker.stop() == 0
    path = worker.data_dir / "profiles" / cluster.settings.app_id / "0"
    with closing(RocksDBStore(path)) as store:
        left = [key for key, _ in store.scan(b"\x02") if key.startswith(b"\x02")]
    assert left == [record_prefix(KEY, "new")]
