"""What `processor test` says of events in the topic is what a worker has made of them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import NewTopic
from snowplow_signals import SignalsSandbox, StreamAttributeGroup

from definitions.catalog import Catalog
from definitions.records import objects_from_file
from processor.engine import Source, WhatIf, compile_plan
from processor.interventions import encode_message
from processor.settings import Settings
from processor.streaming.history import EventHistory, PastEvent
from tests.broker.cluster import Cluster, WorkerProcess
from tests.broker.runs import DEFINITIONS, by_person, profile_ids, shop
from tests.broker.visits import fired, records

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]

EVENTS = 15_000
RATE = 25
KEYS = ("domain_sessionid", "domain_userid", "user_id")


@pytest.fixture
def cluster(bootstrap_servers: str, app_id: str, tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(bootstrap_servers, app_id, tmp_path, partitions=4)
    yield made
    made.close()


def run_of(cluster: Cluster, file: Path) -> WhatIf:
    """A what-if run over everything in the topic."""
    plan = compile_plan(Catalog.empty().with_objects(objects_from_file(file)))
    run = WhatIf(plan)
    topic = cluster.settings.enriched_topic
    with closing(EventHistory(cluster.settings, 4, 0)) as history:
        for event in history:
            run.take(event.value, Source(topic, event.partition), event.offset)
    assert run.events == history.total
    return run


def message(fired_json: dict[str, Any]) -> str:
    return json.dumps({**fired_json, "definitions_offset": 0}, sort_keys=True)


def test_it_agrees_with_the_live_run_over_the_same_events(cluster: Cluster, tmp_path: Path) -> None:
    """Events of a person stand in one source partition: between partitions there is no order."""
    file = tmp_path / "definitions.json"
    file.write_text(json.dumps(list(DEFINITIONS.values())))
    cluster.publish(DEFINITIONS.items())
    worker = cluster.worker("one").start()
    start_ms = int(time.time() * 1000) - EVENTS // RATE * 1000
    events = list(shop(EVENTS, seed=7, start_ms=start_ms))
    cluster.produce([(b"no event", 0), *by_person(events, 4)])
    worker.wait_ready()
    cluster.wait_applied()

    run = run_of(cluster, file)
    assert run.malformed == {"column_count": 1}
    assert run.duplicates > EVENTS * 0.005
    compared = 0
    for key, ids in profile_ids(events).items():
        attributes = run.plan.key_attributes(key)
        names = [one.full_name for one in attributes]
        for start in range(0, len(ids), 1_000):
            live = cluster.read_profiles(key, ids[start : start + 1_000])
            for identifier, values in live["profiles"].items():
                found = run.values(key, identifier, attributes, live["now_ms"])
                assert dict(zip(names, found, strict=True)) == values, (key, identifier)
                compared += any(value is not None for value in found)
    assert compared > 1_000
    would_fire = sorted(message(json.loads(encode_message(one))["data"]) for one in run.fired)
    assert would_fire == sorted(message(one) for one in fired(cluster))
    assert len(would_fire) > 50
    check_command(cluster, file, run)
    check_request(cluster, worker, run)


def check_request(cluster: Cluster, worker: WorkerProcess, run: WhatIf) -> None:
    """The SDK's `test()` tells the same, and leaves everything as it was."""
    before = left(cluster)
    signals = SignalsSandbox(api_url=worker.url, sandbox_token="any")
    for record, definition in DEFINITIONS.items():
        if not record.startswith("attribute_group/"):
            continue
        # Under another name: what is in force already changes nothing.
        group = StreamAttributeGroup.model_validate({**definition, "name": "another"})
        key = group.attribute_key.name
        told = signals.test(group)
        ids = list(told[key])
        assert len(ids) == 10
        assert list(signals.test(group, attribute_key_ids=ids[:3])[key]) == ids[:3]
        live = cluster.read_profiles(key, ids)["profiles"]
        attributes = run.plan.group_attributes(definition["name"], definition["version"])
        for attribute in attributes:
            if attribute.period_ms is None:  # others age between the two reads
                values = [None if one != one else one for one in told[attribute.name]]
                assert values == [live[identifier][attribute.full_name] for identifier in ids]
    assert left(cluster) == before


def left(cluster: Cluster) -> object:
    """What a run could have left behind."""
    settings = cluster.settings
    topics = (settings.definitions_topic, settings.interventions_topic, settings.dead_letter_topic)
    return [records(cluster, topic) for topic in topics], groups(cluster)


def check_command(cluster: Cluster, file: Path, run: WhatIf) -> None:
    """The command tells the same, and leaves everything as it was."""
    before = left(cluster)
    done = subprocess.run(
        [sys.executable, "-m", "processor.cli.main", "test", str(file), "--window", "1h", "--json"],
        env={**os.environ, **cluster.environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["events"], told["matched"]) == (run.events, run.matched)
    assert told["malformed"] == {"column_count": 1}
    assert [message(one) for one in told["interventions"]] == [
        message(json.loads(encode_message(one))["data"]) for one in run.fired
    ]
    assert tuple(told["profiles"]) == KEYS
    assert {len(profiles) for profiles in told["profiles"].values()} == {10}
    for key, profiles in told["profiles"].items():
        attributes = run.plan.key_attributes(key)
        for identifier, values in profiles.items():
            found = run.values(key, identifier, attributes, told["now_ms"])
            assert list(values.values()) == found
    assert left(cluster) == before


def groups(cluster: Cluster) -> set[str]:
    """The consumer groups that the application, or a reader of its topics, may have made."""
    names = {group.group_id for group in cluster.admin.list_consumer_groups().result(30).valid}
    return {name for name in names if cluster.settings.app_id in name or "unused" in name}


# --- the order ------------------------------------------------------------------------------------

BEGIN_MS = 1_700_000_000_000
# Timestamps of each partition's records, after BEGIN_MS: apart, with ties, going back.
TIMESTAMPS = {
    0: [*range(3_000)],
    1: [*range(2_500, 6_000), 6_000, 6_000],
    2: [6_000, 10, 10, 7_000],
}


@pytest.fixture
def written(cluster: Cluster) -> Settings:
    """An enriched topic whose timestamps its producer sets."""
    name = f"{cluster.settings.enriched_topic}-{uuid4()}"
    topic = NewTopic(name, 4, config={"message.timestamp.type": "CreateTime"})
    cluster.admin.create_topics([topic])[name].result(30)
    settings = cluster.settings.model_copy(update={"enriched_topic": name})
    produce(settings, [
        (f"{partition}-{number}".encode(), partition, BEGIN_MS + after)
        for partition, times in TIMESTAMPS.items()
        for number, after in enumerate(times)
    ])  # fmt: skip
    return settings


def produce(settings: Settings, records: list[tuple[bytes, int, int]]) -> None:
    producer = Producer({"bootstrap.servers": settings.bootstrap_servers})
    for value, partition, timestamp_ms in records:
        producer.produce(
            settings.enriched_topic, value, partition=partition, timestamp=timestamp_ms
        )
    assert producer.flush(30) == 0


def history_of(settings: Settings, start_ms: int) -> list[PastEvent]:
    with closing(EventHistory(settings, 4, start_ms)) as history:
        found = list(history)
    assert len(found) == history.total
    return found


@pytest.mark.parametrize("held", [5, 1_000])
def test_events_come_by_timestamp_and_each_partition_in_its_own_order(
    written: Settings, monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    monkeypatch.setattr("processor.streaming.history.HISTORY_RECORDS_MAX", held)
    found = history_of(written, 0)
    assert [one.value for one in found] == [
        f"{one.partition}-{one.offset}".encode() for one in found
    ]
    for partition, times in TIMESTAMPS.items():
        mine = [one for one in found if one.partition == partition]
        assert [one.offset for one in mine] == list(range(len(times)))
    monotonic = [one for one in found if one.partition != 2]
    assert monotonic == sorted(monotonic, key=lambda one: (one.timestamp_ms, one.partition))
    assert [one.partition for one in found[-6:]] == [1, 1, 2, 2, 2, 2]


def test_events_begin_at_a_time_and_end_where_the_topic_ended(written: Settings) -> None:
    found = history_of(written, BEGIN_MS + 6_000)
    assert [(one.partition, one.offset) for one in found] == [
        (1, 3_500), (1, 3_501), (2, 0), (2, 1), (2, 2), (2, 3)
    ]  # fmt: skip
    assert history_of(written, BEGIN_MS + 8_000) == []
    with closing(EventHistory(written, 4, BEGIN_MS)) as history:
        produce(written, [(b"later", number, BEGIN_MS + 9_000) for number in (0, 3)])
        assert all(one.value != b"later" for one in history)
