"""Since when attributes are complete, from a running worker."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from definitions.records import from_record
from processor.streaming.definitions.definitions_topic import DefinitionsWriter
from tests.broker.cluster import Cluster
from tests.broker.visits import (
    DEFINITIONS,
    KEY,
    Json,
    Visits,
    application,
    attribute,
    eventually,
    group,
    processor,
)

pytestmark = pytest.mark.broker

FIRST = "attribute_group/visits/1"
RULE = "intervention/third/1"
NEXT: dict[str, Json] = {
    "attribute_group/next/1": group(
        "next",
        [
            attribute("views", "int64", "counter"),
            attribute("today", "int32", "counter", period="P1D"),
            attribute("last_hours", "int32", "counter", period="PT2H"),
            attribute("this_week", "int32", "counter", period="P7D"),
            attribute("last", "double", "max", property={"type": "atomic", "name": "tr_total"}),
        ],
    )
}


@pytest.fixture(scope="module")
def visits(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visits]:
    """Two visitors who were there before there was anything but the first definitions."""
    directory = tmp_path_factory.mktemp("since")
    settings = {"commit_interval_ms": 50, "sweep_interval_s": 0.3}
    with application(bootstrap_servers, directory, **settings) as cluster:
        cluster.worker("one").start().wait_ready()
        found = Visits(cluster)
        found.send(["ann", "ben"], 3)
        found.check_exact()
        yield found


def told(cluster: Cluster, *arguments: str) -> Json:
    environment = {**cluster.environment, "PROCESSOR_HTTP": cluster.worker("one").url[7:]}
    done = processor("attributes", KEY, *arguments, "--json", environment=environment)
    found: Json = json.loads(done.stdout) if done.returncode == 0 else {}
    return found


def noted(cluster: Cluster, *users: str) -> Json | None:
    """What is told once all partitions of the source are read under the definitions.

    Until then it begins at each look of the owner.
    """
    first = told(cluster, *users)["since"]
    time.sleep(2)
    return first if first == told(cluster, *users)["since"] else None


def publish(cluster: Cluster, definitions: dict[str, Json]) -> None:
    objects: list[Any] = [
        from_record(key, json.dumps(one).encode()) for key, one in definitions.items()
    ]
    DefinitionsWriter(cluster.settings).publish(objects)


# --- what was told of one application, from one step to the next ----------------------------------


@pytest.fixture(scope="module")
def beginning(visits: Visits) -> Json:
    return told(visits.cluster, "ann", "nobody")


def test_what_is_there_from_the_beginning_says_nothing(beginning: Json) -> None:
    assert set(beginning) == {"now_ms", "profiles"}


@dataclass(frozen=True)
class Later:
    """What was told of attributes that came later, and when they came."""

    before: datetime
    profiles: Json
    since: Json


@pytest.fixture(scope="module")
def later(visits: Visits, beginning: Json) -> Later:
    before = datetime.now(UTC)
    publish(visits.cluster, NEXT)
    found = eventually(lambda: told(visits.cluster, "ann", "--group", "next"))
    since = eventually(lambda: noted(visits.cluster, "ann", "nobody"))
    return Later(before, found["profiles"], since)


def test_what_comes_later_says_since_when_unless_it_was_kept_already(later: Later) -> None:
    assert later.profiles["ann"] == {
        "next_v1:views": 3,
        "next_v1:today": 3,
        "next_v1:last_hours": 3,
        "next_v1:this_week": 3,
        "next_v1:last": None,
    }
    since = later.since
    assert set(since["ann"]) == {"next_v1:this_week", "next_v1:last"}
    assert set(since["nobody"]) == set(since["ann"])
    times = {name: datetime.fromisoformat(text) for name, text in since["ann"].items()}
    assert times["next_v1:this_week"] < later.before < times["next_v1:last"]


@pytest.fixture(scope="module")
def restarted(visits: Visits, later: Later) -> tuple[Json, Json]:
    """What was told before a worker started anew, and after it."""
    worker = visits.cluster.worker("one")
    before = told(visits.cluster, "ann", "ben")
    worker.stop()
    worker.start(wipe=True).wait_ready()
    return before, told(visits.cluster, "ann", "ben")


def test_a_worker_that_starts_anew_says_the_same(restarted: tuple[Json, Json]) -> None:
    before, after = restarted
    assert before["since"]
    assert (after["since"], after["profiles"]) == (before["since"], before["profiles"])


@pytest.mark.usefixtures("restarted")
def test_what_comes_back_starts_anew(visits: Visits) -> None:
    cluster = visits.cluster
    writer = DefinitionsWriter(cluster.settings)
    writer.unpublish([FIRST, RULE, *NEXT])
    eventually(lambda: not told(cluster, "ann"))
    publish(cluster, DEFINITIONS)
    found = eventually(lambda: told(cluster, "ann"))
    assert set(found["since"]["ann"]) == set(found["profiles"]["ann"])
    assert set(found["profiles"]["ann"].values()) == {None}
    visits.send(["ann"], 1)
    cluster.wait_applied()
    assert eventually(lambda: told(cluster, "ann")["profiles"]["ann"]["visits_v1:views"] == 1)
    assert told(cluster, "ben")["profiles"]["ben"]["visits_v1:views"] is None
