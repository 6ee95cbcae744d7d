"""Events whose outcome can be counted by hand: page views of users, and what must come of them."""

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from processor.cli.main import app
from processor.kafka.partitioner import Partitioner
from tests.broker.cluster import Cluster, WorkerProcess, group_of
from tests.model.enriched import COLUMNS
from tests.model.topic_reader import Record, patiently, read_topic

Json = dict[str, Any]
KEY = "domain_userid"
NOW_MS = int(time.time() * 1000)
START_MS = NOW_MS - 3_600_000
PRICE = {
    "type": "entity",
    "vendor": "com.example",
    "name": "product",
    "major_version": 1,
    "path": "price",
}
VIEWS = [{"name": "page_view", "vendor": "com.snowplowanalytics.snowplow"}]


def attribute(name: str, kind: str, aggregation: str, **more: Any) -> Json:
    return {"name": name, "type": kind, "aggregation": aggregation, "events": VIEWS, **more}


def group(name: str, attributes: list[Json], **more: Any) -> Json:
    return {
        "name": name,
        "version": 1,
        "attribute_key": {"name": KEY},
        "owner": "a@example.com",
        "is_published": True,
        "attributes": attributes,
        **more,
    }


def rule(name: str, criteria: Json) -> Json:
    return {
        "name": name,
        "version": 1,
        "owner": "a@example.com",
        "is_published": True,
        "criteria": criteria,
        "target_attribute_keys": [{"name": KEY}],
    }


DEFINITIONS: dict[str, Json] = {
    "attribute_group/visits/1": group(
        "visits",
        [
            attribute("views", "int32", "counter"),
            attribute("spent", "double", "sum", property={"type": "atomic", "name": "tr_total"}),
            attribute("recent", "int32", "counter", period="P1D"),
            attribute("price", "double", "last", property=PRICE),
        ],
    ),
    "intervention/third/1": rule(
        "third", {"attribute": "visits:views", "operator": ">=", "value": 3}
    ),
}


def stamp(time_ms: int) -> str:
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time_ms // 1000))
    return f"{moment}.{time_ms % 1000:03d}"


def visit(user: str, number: int = 0, **columns: str) -> bytes:
    """One page view of a user: an enriched event of 131 columns."""
    at = stamp(START_MS + number)
    values = {
        "app_id": "shop",
        "event_id": f"{user}-{number}",
        "collector_tstamp": at,
        "derived_tstamp": at,
        "event": "page_view",
        "event_vendor": "com.snowplowanalytics.snowplow",
        "event_name": "page_view",
        "event_format": "jsonschema",
        "event_version": "1-0-0",
        "domain_userid": user,
        "tr_total": "1.5",
        **columns,
    }
    return "\t".join(values.get(name, "") for name in COLUMNS).encode()


class Visits:
    """What was written to a cluster's source, and whether what came out is exactly that."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.views: Counter[str] = Counter()

    def send(self, users: Iterable[str], times: int = 1) -> None:
        """Write page views of users into any partition, `times` rounds."""
        events = []
        for user in list(users) * times:
            events.append((visit(user, self.views[user]), None))
            self.views[user] += 1
        self.cluster.produce(events)

    def check_exact(self) -> None:
        """Every view counts once in its profile; every third one has fired once."""
        self.cluster.wait_applied(60)
        found = self.cluster.read_profiles(KEY, sorted(self.views))["profiles"]
        assert found == {user: expected(count) for user, count in self.views.items()}
        third = sorted(user for user, count in self.views.items() if count >= 3)
        assert sorted(one["target_attribute_key"]["id"] for one in fired(self.cluster)) == third


def read(worker: WorkerProcess, users: list[str]) -> Json | None:
    """The attributes that a worker tells of users; None where it does not answer."""
    try:
        answer = httpx.post(
            f"{worker.url}/api/v1/profiles", json={"key": KEY, "ids": users}, timeout=30.0
        )
    except httpx.HTTPError:
        return None
    profiles: Json | None = answer.json()["profiles"] if answer.status_code == 200 else None
    return profiles


def expected(views: int) -> Json:
    return {
        "visits_v1:views": views,
        "visits_v1:spent": 1.5 * views,
        "visits_v1:recent": views,
        "visits_v1:price": None,
    }


def fired(cluster: Cluster) -> list[Json]:
    """The interventions that a reader of committed records sees."""
    return [
        json.loads(record.value or b"")["data"]
        for record in records(cluster, cluster.settings.interventions_topic)
    ]


def dead_letters(cluster: Cluster) -> list[Json]:
    """The dead letters, each with its `key`."""
    return [
        {"key": (record.key or b"").decode(), **json.loads(record.value or b"")}
        for record in records(cluster, cluster.settings.dead_letter_topic)
    ]


def records(cluster: Cluster, topic: str, isolation: str = "read_committed") -> list[Record]:
    found = read_topic(cluster.bootstrap_servers, topic, isolation=isolation)
    return [record for partition in sorted(found) for record in found[partition]]


def partition_of(cluster: Cluster, user: str) -> int:
    return Partitioner(cluster.settings.partitions).partition(KEY, user)


def group_offsets(cluster: Cluster, topic: str) -> dict[int, TopicPartition]:
    """What the group has committed of a topic; `offset` is negative where nothing is."""
    partitions = [
        TopicPartition(topic, number)
        for number in cluster.admin.list_topics(topic, timeout=30).topics[topic].partitions
    ]
    group = group_of(cluster.settings, topic)
    asked = ConsumerGroupTopicPartitions(group, partitions)
    answer = patiently(lambda: cluster.admin.list_consumer_group_offsets([asked])[group].result(30))
    return {one.partition: one for one in answer.topic_partitions}


def commit_metadata(cluster: Cluster) -> dict[int, str]:
    """What stands beside the offsets that the group has committed of the source, by partition.

    By aiokafka: librdkafka does not say where a text ends.
    """
    return asyncio.run(_commit_metadata(cluster))


async def _commit_metadata(cluster: Cluster) -> dict[int, str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers)
    await admin.start()
    try:
        found = await admin.list_consumer_group_offsets(cluster.settings.app_id)
    finally:
        await admin.close()
        await asyncio.sleep(0.01)  # its connections are closed by the loop
    topic = cluster.settings.enriched_topic
    return {tp.partition: one.metadata for tp, one in found.items() if tp.topic == topic}


def set_topic(cluster: Cluster, topic: str, **settings: str) -> None:
    """Change settings of a topic; `max_message_bytes="1"` sets max.message.bytes."""
    changes = [
        ConfigEntry(name.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
        for name, value in settings.items()
    ]
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=changes)
    for future in cluster.admin.incremental_alter_configs([resource]).values():
        future.result(30)


def delete_before(cluster: Cluster, topic: str, offsets: dict[int, int]) -> None:
    """Remove the records of partitions before the offsets, as retention does."""
    wanted = [TopicPartition(topic, number, offset) for number, offset in offsets.items()]
    for future in cluster.admin.delete_records(wanted).values():
        future.result(30)


def start_all(workers: Iterable[WorkerProcess], **extra: str) -> None:
    """Start workers beside each other and wait for the last."""
    started = [worker.start(**extra) for worker in workers]
    for worker in started:
        worker.wait_ready()


def start_missing(workers: Iterable[WorkerProcess], **extra: str) -> None:
    """Start those that do not run, and wait until all are ready."""
    wanted = list(workers)
    for worker in wanted:
        if not worker.running:
            worker.start(**extra)
    for worker in wanted:
        worker.wait_ready()


def only_these(cluster: Cluster, *names: str) -> list[WorkerProcess]:
    """Let these workers run and no others; each has partitions, as many as there are together."""
    workers = [cluster.worker(name) for name in names]
    for worker in cluster.workers.values():
        if worker.running and worker not in workers:
            worker.stop()
    start_missing(workers)

    def settled() -> bool:
        own = [open_partitions(worker) for worker in workers]
        return all(own) and sum(own) == cluster.settings.partitions

    eventually(settled, 60, what=lambda: "\n".join(worker.state() for worker in workers))
    return workers


def open_partitions(worker: WorkerProcess, role: str = "profiles") -> int:
    return int(worker.metric("processor_partitions", role=role, state="open"))


def new_app_id() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


@contextmanager
def application(
    bootstrap_servers: str,
    directory: Path,
    definitions: dict[str, Json] = DEFINITIONS,
    **settings: Any,
) -> Iterator[Cluster]:
    """An application of two partitions with the definitions of this module."""
    made = Cluster(bootstrap_servers, new_app_id(), directory, **{"partitions": 2, **settings})
    try:
        if definitions:
            made.publish(definitions.items())
        yield made
    finally:
        made.close()


def feed_until_it_ends(
    send: Callable[[list[str], int], None], worker: WorkerProcess, step: int, times: int
) -> None:
    """Give a worker something to flush, users `times` each, until it has killed itself."""
    rounds = 0
    while worker.running:
        rounds += 1
        assert rounds < 100, worker.log()
        send([f"{step}-{rounds}-{number}" for number in range(10)], times)
        with suppress(subprocess.TimeoutExpired):
            worker.wait_ended(0.3)
    assert worker.wait_ended() == -signal.SIGKILL, worker.log()


def eventually(
    check: Callable[[], Any], timeout_s: float = 30.0, *, what: Callable[[], str] = str
) -> Any:
    """What `check` returns once it is true; fails when it does not become so in time."""
    deadline = time.monotonic() + timeout_s
    while not (found := check()):
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what()}"
        time.sleep(0.05)
    return found


def stays(check: Callable[[], Any], seconds: float) -> None:
    """Fail when `check` is not true all the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert check()
        time.sleep(0.1)


@dataclass(frozen=True)
class Done:
    """What a command printed, and its exit status."""

    returncode: int
    stdout: str
    stderr: str


def processor(
    *arguments: str, environment: Mapping[str, str] | None = None, given: str = ""
) -> Done:
    """Run a command of the command line to its end, in this process: loading it takes a second."""
    out, err = io.TextIOWrapper(io.BytesIO()), io.TextIOWrapper(io.BytesIO())
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        patch.dict(os.environ, environment or {}),
        patch.object(sys, "stdin", io.StringIO(given)),
        pytest.raises(SystemExit) as ended,
    ):
        app(args=list(arguments))
    assert isinstance(ended.value.code, int)
    return Done(ended.value.code, written(out), written(err))


def written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()


def worker_command(*arguments: str, environment: Mapping[str, str]) -> Done:
    """Run `processor worker` that ends by itself."""
    done = subprocess.run(
        [sys.executable, "-m", "processor.cli.main", "worker", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)
