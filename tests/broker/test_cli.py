"""The commands on a real Kafka: what they print, and their exit status."""

import base64
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

import definitions.examples.ecommerce as ecommerce
from tests.broker.cluster import Cluster, free_port
from tests.broker.visits import (
    DEFINITIONS,
    KEY,
    Done,
    Json,
    Visits,
    application,
    attribute,
    eventually,
    expected,
    fired,
    group,
    new_app_id,
    processor,
    worker_command,
)

pytestmark = pytest.mark.broker

DONE, FAILED, WRONG_USE = 0, 1, 2
EVENTS = 200


@pytest.fixture(scope="module")
def cluster(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Topics, and no definitions yet."""
    with application(bootstrap_servers, tmp_path_factory.mktemp("cli"), {}) as made:
        yield made


def run(cluster: Cluster, *arguments: str, given: str = "") -> Done:
    return processor(*arguments, environment=cluster.environment, given=given)


def json_lines(done: Done) -> list[Json]:
    assert done.returncode == DONE, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def one_error(done: Done, status: int) -> str:
    assert done.returncode == status, done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.startswith("%")]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    return lines[0]


# --- topics ---------------------------------------------------------------------------------------


def test_topics_are_missing_then_made_then_there(bootstrap_servers: str, topics, app_id) -> None:
    environment = {
        "PROCESSOR_BOOTSTRAP_SERVERS": bootstrap_servers,
        "PROCESSOR_APP_ID": app_id,
        "PROCESSOR_PARTITIONS": "3",
        **{
            f"PROCESSOR_{name.upper().replace('-', '_')}_TOPIC": topics.name(name)
            for name in ("enriched", "definitions", "interventions")
        },
        "PROCESSOR_DEAD_LETTER_TOPIC": topics.name("dead-letters"),
    }
    missing = processor("topics", "check", environment=environment)
    assert "does not exist" in one_error(missing, FAILED)
    made = processor("topics", "create", environment=environment)
    assert made.returncode == DONE, made.stderr
    assert made.stdout.count("created  ") == 7
    again = processor("topics", "create", environment=environment)
    assert (again.returncode, again.stdout) == (DONE, "all topics exist\n")
    checked = processor("topics", "check", environment=environment)
    assert checked.returncode == DONE, checked.stderr
    assert f"{app_id}-contributions\t3\tok" in checked.stdout
    assert f"{app_id}-rules\t3\tok" in checked.stdout
    other = processor("topics", "check", "--partitions", "4", environment=environment)
    assert "has 3 partitions, needs 4" in one_error(other, FAILED)


def test_an_enriched_topic_with_the_times_of_producers_is_advised_against(
    bootstrap_servers: str, topics, app_id
) -> None:
    topics.create("enriched", 1)
    environment = {
        "PROCESSOR_BOOTSTRAP_SERVERS": bootstrap_servers,
        "PROCESSOR_APP_ID": app_id,
        "PROCESSOR_ENRICHED_TOPIC": topics.name("enriched"),
    }
    assert processor("topics", "create", environment=environment).returncode == DONE
    checked = processor("topics", "check", environment=environment)
    assert checked.returncode == DONE, checked.stderr
    advice = "message.timestamp.type is CreateTime, LogAppendTime is better"
    assert f"{topics.name('enriched')}\t1\t{advice}" in checked.stdout


def test_topics_that_cannot_be_used_are_refused_with_all_that_is_wrong(
    bootstrap_servers: str, topics, app_id
) -> None:
    topics.create("contributions", 2, retention_ms="1000")
    topics.create("profiles-changelog", 8)
    environment = {
        "PROCESSOR_BOOTSTRAP_SERVERS": bootstrap_servers,
        "PROCESSOR_APP_ID": app_id,
    }
    said = one_error(processor("topics", "create", environment=environment), FAILED)
    assert f"{app_id}-contributions: has 2 partitions, needs 8" in said
    assert f"{app_id}-contributions: retention.ms is 1000, needs -1" in said
    assert f"{app_id}-profiles-changelog: cleanup.policy is delete, needs compact" in said
    assert "PROCESSOR_PARTITIONS" in said
    worker = worker_command("--http", f"127.0.0.1:{free_port()}", environment=environment)
    assert "retention.ms is 1000" in worker.stderr.splitlines()[-1]
    assert worker.returncode == FAILED


# --- definitions ----------------------------------------------------------------------------------


def test_check_says_what_is_right(cluster: Cluster) -> None:
    done = run(cluster, "check", str(ecommerce.__file__))
    assert done.returncode == DONE, done.stderr
    assert "ok  attribute_group/ecom_attributes/1" in done.stdout


def test_check_names_every_problem_in_a_line_of_its_own(cluster: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    wrong = group(
        "wrong",
        [attribute("a", "int32", "sum"), attribute("b", "int32", "guess")],
        owner="nobody",
    )
    file.write_text(json.dumps([wrong]))
    done = run(cluster, "check", str(file))
    assert done.returncode == FAILED
    assert all(line.startswith("error: ") for line in done.stderr.splitlines())
    assert len(done.stderr.splitlines()) >= 2, done.stderr
    assert run(cluster, "check", str(tmp_path / "missing.py")).returncode == WRONG_USE


@pytest.fixture(scope="module")
def published(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The definitions are published for the first time."""
    file = tmp_path_factory.mktemp("published") / "visits.json"
    file.write_text(json.dumps(list(DEFINITIONS.values())))
    return run(cluster, "publish", str(file), "--json")


def test_publish_writes_once_and_refuses_other_content(
    cluster: Cluster, published: Done, tmp_path: Path
) -> None:
    assert json_lines(published) == [
        {
            "changed": list(DEFINITIONS),
            "unchanged": [],
            "stopped": [],
            "moved": [],
            "problems": [],
        }
    ]
    file = tmp_path / "visits.json"
    file.write_text(json.dumps(list(DEFINITIONS.values())))
    again = run(cluster, "publish", str(file))
    assert again.returncode == DONE, again.stderr
    assert again.stdout.count("unchanged  ") == len(DEFINITIONS)
    file.write_text(json.dumps([group("visits", [attribute("views", "int64", "counter")])]))
    other = run(cluster, "publish", str(file))
    assert "version 2" in one_error(other, FAILED)


# --- events and what comes of them ----------------------------------------------------------------


def test_generate_writes_the_same_events_for_a_seed(cluster: Cluster, tmp_path: Path) -> None:
    wanted = ("generate", "--events", str(EVENTS), "--seed", "5", "--start-ms", "1700000000000")
    for name in ("a", "b"):
        done = run(cluster, *wanted, "--no-send", "--json", "--out", str(tmp_path / name))
        (told,) = json_lines(done)
        assert told["events"] == EVENTS
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.fixture(scope="module")
def worked(cluster: Cluster, published: Done) -> Visits:
    """A worker that has applied generated events, views and two records that are none."""
    assert published.returncode == DONE, published.stderr
    (told,) = json_lines(run(cluster, "generate", "--events", str(EVENTS), "--seed", "5", "--json"))
    assert told["events"] == EVENTS
    cluster.worker("one").start()
    visits = Visits(cluster)
    visits.send(["ann", "bob"], 3)
    cluster.produce([(b"no event\xff", 1), (b"", 1)])
    cluster.worker("one").wait_ready()
    cluster.wait_applied(60)
    return visits


def test_attributes_of_ids_and_of_ids_from_stdin(worked: Visits) -> None:
    cluster = worked.cluster
    http = ("--http", f"127.0.0.1:{cluster.worker('one').port}")
    (found,) = json_lines(run(cluster, "attributes", KEY, "ann", "bob", "--json", *http))
    assert found["profiles"] == {"ann": expected(3), "bob": expected(3)}
    piped = run(cluster, "attributes", KEY, "-", "--json", *http, given="bob\n\nnobody\n")
    (found,) = json_lines(piped)
    assert found["profiles"] == {"bob": expected(3), "nobody": dict.fromkeys(expected(0))}
    (of_group,) = json_lines(
        run(cluster, "attributes", KEY, "ann", "--group", "visits", "--json", *http)
    )
    assert of_group["profiles"]["ann"]["visits_v1:views"] == 3
    plain = run(cluster, "attributes", KEY, "ann", *http)
    assert "ann\tvisits_v1:views\t3" in plain.stdout


def test_attributes_that_cannot_be_read_are_an_error_of_one_line(worked: Visits) -> None:
    cluster = worked.cluster
    http = ("--http", f"127.0.0.1:{cluster.worker('one').port}")
    unknown = run(cluster, "attributes", KEY, "ann", "--group", "nothing", *http)
    assert "nothing" in one_error(unknown, WRONG_USE)
    nobody = run(cluster, "attributes", KEY, "ann", "--http", "127.0.0.1:1")
    assert "no worker answers at http://127.0.0.1:1" in one_error(nobody, FAILED)
    both = run(cluster, "attributes", KEY, "a", "--group", "visits", "--service", "s", *http)
    assert "--service and --group" in one_error(both, WRONG_USE)


def by_target(found: list[Json]) -> list[Json]:
    return sorted(found, key=lambda one: one["target_attribute_key"]["id"])


def test_interventions_are_what_stands_on_the_topic(worked: Visits) -> None:
    lines = json_lines(run(worked.cluster, "interventions", "--json"))
    found = [one["data"] for one in lines]
    assert by_target(found) == by_target(fired(worked.cluster))
    targets = {one["data"]["target_attribute_key"]["id"] for one in lines}
    assert {"ann", "bob"} <= targets
    plain = run(worked.cluster, "interventions", "--name", "third")
    assert "third v1  for domain_userid ann" in plain.stdout
    assert run(worked.cluster, "interventions", "--name", "other").stdout == ""


def test_dead_letters_are_listed_and_shown(worked: Visits) -> None:
    cluster = worked.cluster
    listed = json_lines(run(cluster, "dead-letters", "list", "--json"))
    assert sorted(one["reason"] for one in listed) == ["empty", "utf8"]
    (utf8,) = json_lines(run(cluster, "dead-letters", "list", "--reason", "utf8", "--json"))
    (shown,) = json_lines(run(cluster, "dead-letters", "show", utf8["key"], "--json"))
    assert shown == utf8
    assert base64.b64decode(shown["value_base64"]) == b"no event\xff"
    plain = run(cluster, "dead-letters", "show", utf8["key"])
    assert "value: no event\\xff" in plain.stdout
    assert "reason: utf8" in plain.stdout
    unknown = run(cluster, "dead-letters", "show", "enriched-0-0")
    assert "enriched-0-0" in one_error(unknown, FAILED)


# --- everything in one command --------------------------------------------------------------------


def up(directory: Path, port: int, *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [
            sys.executable, "-m", "processor.cli.main", "up",
            "--data-dir", str(directory), "--kafka-port", "0", "--http", f"127.0.0.1:{port}",
            "--app-id", new_app_id(), *options,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )  # fmt: skip


def gone(processes: list[psutil.Process]) -> bool:
    return not any(
        process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes
    )


def test_up_says_one_line_and_leaves_no_process_behind_when_it_is_killed(tmp_path: Path) -> None:
    port = free_port()
    with up(tmp_path, port, "--partitions", "1") as running:
        assert running.stdout is not None
        assert running.stdout.readline() == f"ready http://127.0.0.1:{port}\n"
        assert httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200
        # It takes events from trackers, and says so when Kafka has them.
        assert httpx.get(f"http://127.0.0.1:{port}/i?e=pv").status_code == 200
        started = psutil.Process(running.pid).children(recursive=True)
        assert any("java" in process.name() for process in started)
        running.send_signal(signal.SIGKILL)
        assert running.wait(60) == -signal.SIGKILL
        eventually(lambda: gone(started), 20, what=lambda: f"left: {started}")
        assert running.stdout.read() == ""


def test_up_is_ready_when_all_its_workers_serve_below_any_directory(tmp_path: Path) -> None:
    """Each worker that joins takes partitions from those that were ready before it."""
    port, directory = free_port(3), tmp_path / "donn\u00e9es, 100% #1"
    with up(directory, port, "--partitions", "16", "--workers", "3") as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline() == f"ready http://127.0.0.1:{port}\n"
            ready = [f"http://127.0.0.1:{port + number}/health/ready" for number in range(3)]
            assert [httpx.get(url).status_code for url in ready] == [200] * 3
        finally:
            running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0
    assert list(tmp_path.iterdir()) == [directory]
    assert {path.name for path in directory.iterdir()} == {
        "kafka", "worker-1", "worker-2", "worker-3",
    }  # fmt: skip
    assert (directory / "kafka" / "data" / "meta.properties").exists()
