"""Batches that are sent again count once, whatever has happened to the worker meanwhile."""

import time
from collections.abc import Iterator

import pytest

from tests.broker.cluster import Cluster
from tests.broker.visits import KEY, Json, application, attribute, fired, group, rule, stamp, visit

pytestmark = pytest.mark.broker

YEAR_MS = 365 * 86_400_000
DEFINITIONS: dict[str, Json] = {
    "attribute_group/pv/1": group(
        "pv",
        [
            attribute("all", "int32", "counter"),
            attribute("spent", "double", "sum", property={"type": "atomic", "name": "tr_total"}),
        ],
    ),
    "intervention/met/1": rule("met", {"attribute": "pv:all", "operator": ">=", "value": 40}),
}


@pytest.fixture(scope="module")
def cluster(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("duplicates")
    with application(bootstrap_servers, directory, DEFINITIONS) as made:
        made.worker("one").start().wait_ready()
        yield made


def batch(user: str, count: int, *, ago_ms: int = 0) -> list[bytes]:
    at_ms = int(time.time() * 1000) - ago_ms - 10 * count
    lines = []
    for number in range(count):
        at = stamp(at_ms + 10 * number)
        lines.append(visit(user, number, collector_tstamp=at, derived_tstamp=at))
    return lines


def send(cluster: Cluster, lines: list[bytes], partition: int = 0) -> None:
    cluster.produce((line, partition) for line in lines)
    cluster.wait_applied(60)


def counted(cluster: Cluster, user: str) -> tuple[int, float]:
    found = cluster.read_profiles(KEY, [user])["profiles"][user]
    return found["pv_v1:all"], found["pv_v1:spent"]


@pytest.mark.parametrize("count", [40, 65, 100, 300])
@pytest.mark.parametrize("how", ["same", "reversed", "other partition", "twice at once"])
def test_a_batch_that_comes_again_counts_once(cluster: Cluster, count: int, how: str) -> None:
    user = f"{how}-{count}".replace(" ", "-")
    lines = batch(user, count)
    if how == "twice at once":
        send(cluster, lines + lines)
    else:
        send(cluster, lines)
        send(cluster, lines[::-1] if how == "reversed" else lines, int(how == "other partition"))
    assert counted(cluster, user) == (count, 1.5 * count)
    assert [one["target_attribute_key"]["id"] for one in fired(cluster)].count(user) == 1


def test_events_of_a_year_ago_count_once(cluster: Cluster) -> None:
    lines = batch("long-ago", 100, ago_ms=YEAR_MS)
    send(cluster, lines)
    send(cluster, batch("long-ago-2", 100))
    send(cluster, lines)
    assert counted(cluster, "long-ago")[0] == 100


@pytest.mark.parametrize("ending", ["stopped", "killed", "wiped"])
def test_a_batch_counts_once_across_workers(cluster: Cluster, ending: str) -> None:
    lines = batch(ending, 100)
    send(cluster, lines)
    worker = cluster.worker("one")
    if ending == "stopped":
        assert worker.stop() == 0
    else:
        worker.kill()
    worker.start(wipe=ending == "wiped").wait_ready()
    send(cluster, lines)
    assert counted(cluster, ending)[0] == 100
    assert worker.metric("processor_duplicates_total") == 100
    assert worker.metric("processor_deduplication_horizon_seconds") == 86_400


def test_a_key_that_many_share_does_not_forget(cluster: Cluster) -> None:
    lines = batch("shared", 100)
    send(cluster, lines)
    many = batch("shared", 1_500)[100:]
    send(cluster, many)
    send(cluster, lines)
    assert counted(cluster, "shared")[0] == 1_500
