"""One partition's fault is one partition's: the others go on, and somebody says so."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from confluent_kafka.admin import NewPartitions

from processor.request_limits import READ_WAIT_S
from processor.state import RocksDBStore
from tests.broker.cluster import Cluster, WorkerProcess
from tests.broker.frames_by_hand import contribution, frame, section, write_frames
from tests.broker.visits import (
    KEY,
    Visits,
    application,
    dead_letters,
    delete_before,
    eventually,
    expected,
    group_offsets,
    partition_of,
    rule,
    stays,
    visit,
)
from tests.model.contribution_log import Section
from tests.model.topic_reader import topic_id

pytestmark = pytest.mark.broker


@pytest.fixture
def cluster(bootstrap_servers: str, tmp_path: Path) -> Iterator[Cluster]:
    with application(bootstrap_servers, tmp_path) as made:
        yield made


def users_of(cluster: Cluster, partition: int, count: int = 5) -> list[str]:
    """Users whose profiles are in one partition."""
    names = (f"{partition}-{number}" for number in range(1_000))
    return [name for name in names if partition_of(cluster, name) == partition][:count]


def closings(worker: WorkerProcess) -> int:
    return worker.log().count("partition_closed")


def post(worker: WorkerProcess, users: list[str]) -> httpx.Response:
    """Read profiles; a read that waits for a partition that moves takes longer than that."""
    asked = {"key": KEY, "ids": users}
    return httpx.post(f"{worker.url}/api/v1/profiles", json=asked, timeout=READ_WAIT_S - 1)


def test_a_damaged_frame_closes_its_partition_until_somebody_acts(cluster: Cluster) -> None:
    good, bad = users_of(cluster, 0), users_of(cluster, 1)
    topic = cluster.settings.contributions_topic
    worker = cluster.worker("one").start().wait_ready()
    visits = Visits(cluster)
    visits.send(good + bad)
    cluster.wait_applied(60)
    stored = group_offsets(cluster, topic)[1].offset
    write_frames(cluster, 1, frame(section(cluster, [contribution(0, "x")]), damage=1))
    fault = worker.wait_degraded(f"{topic}-1")
    assert f"{topic}-1 offset {stored}" in fault["reason"]
    visits.send(good + bad, 2)
    eventually(
        lambda: cluster.read_profiles(KEY, good)["profiles"] == dict.fromkeys(good, expected(3)),
        what=worker.log,
    )
    worker.wait_ready()  # 200 while one partition serves
    refused = post(worker, bad[:1])
    assert refused.status_code == 503, refused.text
    assert fault["reason"] in refused.json()["error"]
    eventually(
        lambda: (
            worker.metric("processor_closed_backlog_records", topic=topic, partition="1") > 1
            and worker.metric("processor_partitions", role="profiles", state="degraded") == 1
        )
    )
    before = closings(worker)
    stays(lambda: closings(worker) == before == 1, 3)
    assert group_offsets(cluster, topic)[1].offset == stored, "nothing is skipped"
    assert worker.metric("processor_faults_total", kind="data") == 1


def test_when_faults_have_closed_every_partition_the_worker_is_not_ready(cluster: Cluster) -> None:
    topic = cluster.settings.contributions_topic
    for partition in (0, 1):
        write_frames(cluster, partition, b"no frame")
    worker = cluster.worker("one").start()
    worker.wait_degraded(f"{topic}-0", f"{topic}-1")
    eventually(
        lambda: "closed every partition" in worker.get("/health/ready").json().get("reason", ""),
        what=worker.log,
    )
    assert worker.get("/health/ready").status_code == 503
    assert worker.get("/health/live").status_code == 200


def test_a_store_that_is_held_is_tried_again_until_it_is_free(cluster: Cluster) -> None:
    worker = cluster.worker("one").start().wait_ready()
    visits = Visits(cluster)
    visits.send(users_of(cluster, 0) + users_of(cluster, 1), 2)
    cluster.wait_applied(60)
    worker.stop()
    held = RocksDBStore(worker.data_dir / "profiles" / cluster.settings.app_id / "1")
    try:
        worker.start()
        fault = worker.wait_degraded(f"{cluster.settings.contributions_topic}-1")
        assert "in use by another process" in fault["reason"]
        worker.wait_ready()
    finally:
        held.close()
    worker.wait_degraded()
    visits.send(users_of(cluster, 1))
    visits.check_exact()


def test_a_source_whose_next_records_are_gone_closes_that_partition_alone(cluster: Cluster) -> None:
    source = cluster.settings.enriched_topic
    cluster.admin.create_partitions([NewPartitions(source, 3)])[source].result(30)
    worker = cluster.worker("one").start().wait_ready()
    cluster.produce([(visit("before", number), number % 3) for number in range(30)])
    cluster.wait_applied(60)
    worker.stop()
    committed = group_offsets(cluster, source)[0].offset
    cluster.produce([(visit("gone", number), 0) for number in range(5)])
    delete_before(cluster, source, {0: committed + 3})
    cluster.produce([(visit("beside", number), 1 + number % 2) for number in range(6)])
    worker.start()
    fault = worker.wait_degraded(f"{source}-0")
    assert f"offset {committed} of {source}-0" in fault["reason"]
    assert f"processor partitions move {source} 0 --to {committed + 3}" in fault["remedy"]
    eventually(
        lambda: cluster.read_profiles(KEY, ["beside"])["profiles"] == {"beside": expected(6)}
    )
    worker.wait_ready()
    assert group_offsets(cluster, source)[0].offset == committed
    eventually(
        lambda: worker.metric("processor_closed_backlog_records", topic=source, partition="0") == 2
    )


def test_a_fault_of_ours_in_one_event_is_a_dead_letter_and_the_others_count(
    cluster: Cluster,
) -> None:
    worker = cluster.worker("one").start(FAILS_FOR="poison").wait_ready()
    visits = Visits(cluster)
    users = users_of(cluster, 0) + users_of(cluster, 1)
    for number in range(3):
        visits.send(users, 2)
        bad = [visit(users[0], event_id=f"poison-{number}-{copy}") for copy in range(2)]
        cluster.produce([(one, None) for one in bad])
        visits.send(users, 2)
        cluster.wait_applied(60)
    visits.check_exact()
    letters = dead_letters(cluster)
    assert {letter["reason"] for letter in letters} == {"unexpected"}
    found = sorted(re.findall(r"poison-\d-\d", " ".join(one["detail"] for one in letters)))
    assert found == [f"poison-{number}-{copy}" for number in range(3) for copy in range(2)]
    assert len({letter["key"] for letter in letters}) == len(letters) == 6
    assert worker.metric("processor_dead_letters_total", reason="unexpected") == 6
    assert worker.log().count("contribution_failed") == 1, "one takeover, then it is careful"
    assert closings(worker) == 0
    worker.wait_ready()


def test_frames_whose_definitions_are_gone_say_so_and_are_applied_when_they_come(
    cluster: Cluster,
) -> None:
    settings = cluster.settings
    good, bad = users_of(cluster, 0), users_of(cluster, 1)
    worker = cluster.worker("one").start().wait_ready()
    visits = Visits(cluster)
    visits.send(good + bad)
    cluster.wait_applied(60)
    newest = worker.definitions_offset()
    source = topic_id(cluster.bootstrap_servers, settings.enriched_topic)
    waits = Section(source, 9, newest + 1, 1, 0, [contribution(0, "x")])
    write_frames(cluster, 1, frame(waits))
    fault = worker.wait_degraded(f"{settings.contributions_topic}-1", timeout_s=15)
    assert f"offset {newest + 1}" in fault["reason"]
    visits.send(good + bad, 2)
    eventually(
        lambda: cluster.read_profiles(KEY, good)["profiles"] == dict.fromkeys(good, expected(3))
    )
    worker.wait_ready()
    name = "intervention/other/1"
    other = rule("other", {"attribute": "visits:views", "operator": ">=", "value": 1_000})
    cluster.publish([(name, other)])
    worker.wait_degraded()
    visits.check_exact()
