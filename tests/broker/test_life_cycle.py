"""Draft, published, unpublished, deleted, on a real Kafka: the writer, the commands, a worker."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from definitions.records import from_record
from processor.errors import InvalidDefinitionsError
from processor.streaming.definitions.definitions_topic import DefinitionsWriter, read_catalog
from tests.broker.cluster import Cluster
from tests.broker.visits import (
    KEY,
    Json,
    application,
    attribute,
    eventually,
    group,
    records,
    rule,
    start_all,
    visit,
)
from tests.model.topic_reader import Record

pytestmark = pytest.mark.broker

GROUP = "attribute_group/web/1"
SECOND = "attribute_group/web/2"
RULE = "intervention/third/1"
SERVICE = "service/pages"
VIEWS = group("web", [attribute("views", "int32", "counter")])
DEFINITIONS: dict[str, Json] = {
    GROUP: VIEWS,
    RULE: rule("third", {"attribute": "web:views", "operator": ">=", "value": 3}),
    SERVICE: {
        "name": "pages",
        "owner": "a@example.com",
        "is_published": True,
        "attribute_groups": [{"name": "web", "version": 1}],
    },
}
TWO = {SECOND: {**VIEWS, "version": 2, "attributes": [
    attribute("views", "int64", "counter"), attribute("visits", "int64", "counter")
]}}  # fmt: skip


@pytest.fixture
def cluster(bootstrap_servers: str, tmp_path: Path) -> Iterator[Cluster]:
    with application(bootstrap_servers, tmp_path, DEFINITIONS) as made:
        yield made


def objects(definitions: dict[str, Json]) -> list[Any]:
    return [from_record(key, json.dumps(value).encode()) for key, value in definitions.items()]


def written(cluster: Cluster) -> list[Record]:
    return records(cluster, cluster.settings.definitions_topic)


def latest(cluster: Cluster) -> dict[str, bytes | None]:
    return {(one.key or b"").decode(): one.value for one in written(cluster)}


def live(cluster: Cluster) -> set[str]:
    return set(read_catalog(cluster.settings).published().by_record)


def command(cluster: Cluster, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "processor.cli.main", *map(str, arguments)],
        env={**os.environ, **cluster.environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_each_step_writes_what_it_says_and_nothing_else(cluster: Cluster) -> None:
    writer = DefinitionsWriter(cluster.settings)
    begun = len(written(cluster))

    again = writer.publish(objects(DEFINITIONS))
    assert (again.changed, again.stopped) == ((), ())
    assert set(again.unchanged) == set(DEFINITIONS)
    assert len(written(cluster)) == begun

    drafted = writer.draft(objects(TWO))
    assert drafted.changed == (SECOND,)
    assert live(cluster) == set(DEFINITIONS)

    second = writer.publish(objects(TWO))
    assert second.changed == (SECOND,)
    assert [(one.record, one.version_after) for one in second.moved] == [(RULE, 2)]

    off = writer.unpublish([GROUP, SECOND])
    assert off.changed == (GROUP, SECOND)
    assert set(off.stopped) == {RULE, SERVICE}
    assert live(cluster) == set()
    assert json.loads(latest(cluster)[RULE] or b"")["is_published"] is True
    assert writer.unpublish(["attribute_group/web"]).unchanged == (GROUP, SECOND)

    before = written(cluster)
    for names, code in (
        ([GROUP], "in_use"),
        ([RULE], "published"),
        (["attribute_group/none"], "unknown_object"),
    ):
        with pytest.raises(InvalidDefinitionsError) as caught:
            writer.delete(names)
        assert code in {problem.code for problem in caught.value.problems}
    assert written(cluster) == before

    writer.unpublish([RULE, SERVICE])
    gone = writer.delete([GROUP, SECOND, RULE, SERVICE])
    assert gone.changed == (RULE, SERVICE, SECOND, GROUP)
    assert set(latest(cluster).values()) == {None}
    assert writer.publish(objects(DEFINITIONS)).changed == (GROUP, SERVICE, RULE)


def test_a_record_that_nobody_can_read_is_deleted(cluster: Cluster) -> None:
    broken = "intervention/broken/1"
    write_by_hand(cluster, broken, b"{")
    assert broken not in read_catalog(cluster.settings).by_record
    assert DefinitionsWriter(cluster.settings).delete([broken]).changed == (broken,)
    assert latest(cluster)[broken] is None


def test_the_same_content_in_other_bytes_is_not_written_again(cluster: Cluster) -> None:
    write_by_hand(cluster, GROUP, json.dumps(VIEWS, indent=2).encode())
    before = written(cluster)
    assert GROUP in DefinitionsWriter(cluster.settings).publish(objects(DEFINITIONS)).unchanged
    assert written(cluster) == before


def write_by_hand(cluster: Cluster, key: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": cluster.bootstrap_servers})
    producer.produce(cluster.settings.definitions_topic, value, key)
    assert producer.flush(30) == 0


# --- commands -------------------------------------------------------------------------------------


def test_the_commands_tell_what_would_change_and_what_did(cluster: Cluster, tmp_path: Path) -> None:
    described = {**VIEWS, "description": "page views"}
    file = tmp_path / "web.json"
    file.write_text(json.dumps([described, TWO[SECOND], DEFINITIONS[SERVICE]]))
    before = written(cluster)

    told = command(cluster, "diff", file)
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines() == [
        f"changed    {GROUP}: description",
        f"new        {SECOND}",
        f"unchanged  {SERVICE}",
        f"now reads web:views of version 2 instead of 1:  {RULE}",
    ]
    assert written(cluster) == before

    done = command(cluster, "publish", file)
    assert done.stdout.splitlines() == [
        f"published  {GROUP}",
        f"published  {SECOND}",
        f"unchanged  {SERVICE}",
        f"now reads web:views of version 2 instead of 1:  {RULE}",
    ]
    plain = json.loads(command(cluster, "diff", file, "--json").stdout)
    assert {one["outcome"] for one in plain["definitions"]} == {"unchanged"}

    off = command(cluster, "unpublish", file)
    assert off.stdout.splitlines() == [
        f"unpublished  {GROUP}",
        f"unpublished  {SECOND}",
        f"unpublished  {SERVICE}",
        f"no longer in force as a result:  {RULE}",
    ]
    refused = command(cluster, "delete", "attribute_group/web", "--json")
    assert refused.returncode == 1
    assert {one["code"] for one in json.loads(refused.stdout)["problems"]} == {"in_use"}

    assert command(cluster, "unpublish", RULE).returncode == 0
    gone = command(cluster, "delete", file, "intervention/third")
    assert gone.stdout.splitlines() == [
        f"deleted  {record}" for record in (RULE, SERVICE, SECOND, GROUP)
    ]


def test_a_diff_that_publishing_would_refuse_ends_with_status_1(
    cluster: Cluster, tmp_path: Path
) -> None:
    file = tmp_path / "web.json"
    changed = {**VIEWS, "attributes": [attribute("views", "int64", "counter")]}
    file.write_text(json.dumps([changed, TWO[SECOND]]))
    told = command(cluster, "diff", file)
    assert told.returncode == 1
    first, why, second = told.stdout.splitlines()
    assert first == f"refused    {GROUP}"
    assert "publish it as version 3" in why
    assert second == f"new        {SECOND}"
    assert command(cluster, "publish", file).returncode == 1


def test_a_diff_where_nothing_was_ever_published_is_all_new(
    bootstrap_servers: str, tmp_path: Path
) -> None:
    file = tmp_path / "web.json"
    file.write_text(json.dumps(VIEWS))
    with application(bootstrap_servers, tmp_path, {}) as made:
        made.environment["PROCESSOR_DEFINITIONS_TOPIC"] = f"{made.settings.app_id}-none"
        told = command(made, "diff", file)
    assert told.stdout.splitlines() == [f"new        {GROUP}"]


# --- in a worker ----------------------------------------------------------------------------------


@pytest.mark.timeout(180)
def test_versions_compute_side_by_side_until_one_is_unpublished(cluster: Cluster) -> None:
    writer = DefinitionsWriter(cluster.settings)
    worker = cluster.worker("one")
    start_all([worker])
    sent = iter(range(1_000))

    def read() -> Json:
        found: Json = cluster.read_profiles(KEY, ["u"])["profiles"]["u"]
        return found

    def send(times: int) -> None:
        cluster.produce((visit("u", next(sent)), None) for _ in range(times))
        cluster.wait_applied(60)

    send(2)
    assert read() == {"web_v1:views": 2}
    writer.publish(objects(TWO))
    eventually(lambda: "web_v2:views" in read())
    send(2)
    found = read()
    assert (found["web_v1:views"], found["web_v2:visits"]) == (4, 4)

    writer.publish(objects({GROUP: {**VIEWS, "online": False}}))
    eventually(lambda: "web_v1:views" not in read())
    writer.publish(objects({GROUP: VIEWS}))
    eventually(lambda: "web_v1:views" in read())

    writer.unpublish([GROUP, RULE, SERVICE])
    eventually(lambda: "web_v1:views" not in read())
    send(1)
    assert read()["web_v2:views"] == 5
    writer.delete([GROUP, RULE, SERVICE])
    send(1)
    assert read()["web_v2:views"] == 6
    assert worker.running
    assert worker.metric("processor_definitions_refused_total") == 0
