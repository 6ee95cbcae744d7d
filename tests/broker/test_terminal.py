"""Events of somebody else, followed through a real Kafka to the terminal of whoever looks."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from tests.broker.cluster import Cluster
from tests.broker.visits import (
    DEFINITIONS,
    KEY,
    Json,
    application,
    attribute,
    dead_letters,
    eventually,
    fired,
    group,
    visit,
)
from tests.unit.cli.hostile import TEXTS, check, on_terminal

pytestmark = pytest.mark.broker

# What can stand in a column of an event.
COLUMNS = [text for text in TEXTS if "\n" not in text]
TITLES = group(
    "titles",
    [attribute("title", "string", "last", property={"type": "atomic", "name": "page_title"})],
)
RULE = {
    **DEFINITIONS["intervention/third/1"],
    "name": "titled",
    "criteria": {"attribute": "titles:title", "operator": "is not null"},
}
NO_INTERVENTIONS: list[Json] = [
    {"name": ["n"], "version": 1, "fired_at": "2020-01-01T10:00:00Z",
     "target_attribute_key": {"name": "k", "id": "i"}},
    {"name": "n", "version": 1, "fired_at": "soon", "target_attribute_key": {"name": "k"}},
    {"name": "n", "version": 1, "fired_at": "9999-12-31T23:59:59+23:59",
     "target_attribute_key": [], "because": 1},
    {"name": "n", "version": 1, "fired_at": "2020-01-01T10:00:00Z", "because": [{}],
     "target_attribute_key": {"name": "k", "id": "i"}},
]  # fmt: skip
NO_LETTERS: list[Json] = [
    {"reason": ["r"]}, {"reason": {}}, {"detail": "d"},
    {"reason": "json", "timestamp": "x", "value_base64": "%%%"},
    {"reason": "json", "timestamp": 10**30, "detail": ["d"]},
]  # fmt: skip


@pytest.fixture(scope="module")
def cluster(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    definitions = {"attribute_group/titles/1": TITLES, "intervention/titled/1": RULE}
    directory = tmp_path_factory.mktemp("terminal")
    with application(bootstrap_servers, directory, definitions) as made:
        producer = Producer({"bootstrap.servers": bootstrap_servers})
        for data in NO_INTERVENTIONS:
            value = json.dumps({"data": data}).encode()
            producer.produce(made.settings.interventions_topic, value, b"i")
        for number, letter in enumerate(NO_LETTERS):
            value = json.dumps(letter).encode()
            producer.produce(made.settings.dead_letter_topic, value, f"no-{number}".encode())
        for text in COLUMNS:
            letter = {"reason": "json", "detail": text, "topic": text, "timestamp": 0}
            value = json.dumps(letter).encode()
            producer.produce(made.settings.dead_letter_topic, value, text.encode())
        assert producer.flush(30) == 0
        made.worker("one").start().wait_ready()
        made.produce(
            [(visit(text, number, page_title=text), None) for number, text in enumerate(COLUMNS)]
            + [(text.encode(), None) for text in COLUMNS]
        )
        made.wait_applied(60)
        yield made


def shown(cluster: Cluster, *arguments: str) -> bytes:
    command = [sys.executable, "-m", "processor.cli.main", *arguments]
    status, written = on_terminal(command, cluster.environment)
    assert status == 0, written.decode(errors="replace")
    return written


def test_interventions(cluster: Cluster) -> None:
    eventually(lambda: len(fired(cluster)) == len(COLUMNS) + len(NO_INTERVENTIONS))
    check(shown(cluster, "interventions"), COLUMNS)


def test_attributes(cluster: Cluster) -> None:
    http = cluster.worker("one").url.removeprefix("http://")
    check(shown(cluster, "attributes", KEY, *COLUMNS, "--http", http), COLUMNS)


def test_dead_letters(cluster: Cluster) -> None:
    eventually(lambda: len(dead_letters(cluster)) == 2 * len(COLUMNS) + len(NO_LETTERS))
    listed = shown(cluster, "dead-letters", "list")
    check(listed, COLUMNS)
    keys = [one["key"] for one in dead_letters(cluster) if one.get("reason") == "column_count"]
    assert len(keys) == len(COLUMNS)
    values = b"".join(shown(cluster, "dead-letters", "show", key) for key in keys)
    check(values, COLUMNS)
    check(shown(cluster, "dead-letters", "show", COLUMNS[0]), COLUMNS[:1])
    shown(cluster, "dead-letters", "show", "no-3")


def test_a_what_if_run(cluster: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "titles.json"
    file.write_text(json.dumps([{**TITLES, "name": "other"}]))
    ids = [part for text in COLUMNS for part in ("--id", text)]
    check(shown(cluster, "test", str(file), "--from", "2000-01-01", *ids), COLUMNS)


@pytest.mark.parametrize(
    "command",
    [("interventions", "--json"), ("dead-letters", "list", "--json")],
    ids=lambda command: command[0],
)
def test_json_means_what_it_meant_and_does_nothing(cluster: Cluster, command: tuple[str]) -> None:
    written = shown(cluster, *command).decode()
    found = [json.loads(line) for line in written.splitlines()]
    assert all(line.isprintable() for line in written.splitlines())
    values = str(found)
    assert all(repr(text)[1:-1] in values for text in COLUMNS)
