"""`processor partitions move`: on behind what is lost, with what is passed over in a file."""

import base64
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.broker.cluster import Cluster
from tests.broker.frames_by_hand import contribution, frame, section, write_frames
from tests.broker.visits import (
    KEY,
    Done,
    Visits,
    application,
    delete_before,
    eventually,
    expected,
    partition_of,
    processor,
    visit,
)

pytestmark = pytest.mark.broker

WRONG_USE = 2


@pytest.fixture
def cluster(
    bootstrap_servers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cluster]:
    monkeypatch.chdir(tmp_path)
    with application(bootstrap_servers, tmp_path) as made:
        yield made


def obey(cluster: Cluster, remedy: str) -> str:
    """Run the command that a remedy names; return what it says."""
    command = re.search(r"processor (partitions move .*--accept-loss)", remedy)
    assert command is not None, remedy
    done = processor(*shlex.split(command[1]), environment=cluster.environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def move(cluster: Cluster, *arguments: str) -> Done:
    given = ("partitions", "move", *arguments, "--accept-loss")
    return processor(*given, environment=cluster.environment)


def passed_over(topic: str, partition: int) -> list[dict[str, Any]]:
    (path,) = Path().glob(f"{topic}-{partition}-*.jsonl")
    assert path.stat().st_mode & 0o777 == 0o600
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_frame_that_cannot_be_read_is_passed_over_and_kept(cluster: Cluster) -> None:
    topic = cluster.settings.contributions_topic
    worker = cluster.worker("one").start().wait_ready()
    visits = Visits(cluster)
    visits.send([f"u{number}" for number in range(20)])
    cluster.wait_applied(60)
    broken = frame(section(cluster, [contribution(0, "x")]), damage=1)
    write_frames(cluster, 1, broken)
    fault = worker.wait_degraded(f"{topic}-1")
    visits.send([f"u{number}" for number in range(20)], 2)
    assert "1 records in" in obey(cluster, fault["remedy"])
    (kept,) = passed_over(topic, 1)
    assert base64.b64decode(kept["value_base64"]) == broken
    worker.wait_degraded()
    visits.check_exact()


def test_whole_frames_before_a_damaged_one_are_not_given_up(cluster: Cluster) -> None:
    """They are read together with it, and nothing of them is flushed when it is met."""
    topic, worker = cluster.settings.contributions_topic, cluster.worker("one")
    worker.start().wait_ready()
    name = next(one for one in map(str, range(99)) if partition_of(cluster, one) == 1)
    Visits(cluster).send([f"u{number}" for number in range(20)])
    cluster.wait_applied(60)
    worker.stop()
    whole = [
        frame(section(cluster, [contribution(number, name)], epoch=10**15, sequence=number))
        for number in range(5)
    ]
    broken = frame(section(cluster, [contribution(5, name)]), damage=1)
    write_frames(cluster, 1, *whole, broken)
    worker.start()
    fault = worker.wait_degraded(f"{topic}-1")
    assert ": 1 records in" in obey(cluster, fault["remedy"])
    (kept,) = passed_over(topic, 1)
    assert base64.b64decode(kept["value_base64"]) == broken
    worker.wait_degraded()


def test_frames_that_are_gone_are_given_up_and_what_follows_counts(cluster: Cluster) -> None:
    """Their source goes on in the same epoch: what follows has a gap before it."""
    topic, worker = cluster.settings.contributions_topic, cluster.worker("one")
    lost = next(name for name in map(str, range(99)) if partition_of(cluster, name) == 1)
    visits = Visits(cluster)
    worker.start().wait_ready()
    visits.send([f"u{number}" for number in range(20)])
    cluster.wait_applied(60)
    write_frames(cluster, 1, b"no frame")
    worker.wait_degraded(f"{topic}-1")
    cluster.produce([(visit(lost, number), number % 2) for number in range(4)])
    eventually(lambda: cluster.lag(cluster.settings.enriched_topic) == 0)
    delete_before(cluster, topic, {1: -1})
    end = move(cluster, topic, "1", "--to", "0").stderr.partition("and ends at ")[2].split(";")[0]
    done = move(cluster, topic, "1", "--to", end)
    assert ": 0 records in" in done.stdout, done.stderr
    worker.wait_degraded()
    visits.send([f"u{number}" for number in range(20)], 2)
    visits.check_exact()
    found = cluster.read_profiles(KEY, [lost])["profiles"]
    assert found == {lost: dict.fromkeys(expected(0))}


def test_a_source_partition_goes_on_where_it_is_moved_while_the_worker_runs(
    cluster: Cluster,
) -> None:
    source, worker = cluster.settings.enriched_topic, cluster.worker("one")
    worker.start().wait_ready()
    cluster.produce([(visit("u", number), 0) for number in range(10)])
    cluster.wait_applied(60)
    worker.stop()
    cluster.produce([(visit("u", number), 0) for number in range(10, 20)])
    delete_before(cluster, source, {0: 17})
    worker.start()
    fault = worker.wait_degraded(f"{source}-0")
    assert "from 10 to 17: 0 records" in obey(cluster, fault["remedy"])
    worker.wait_degraded()
    cluster.produce([(visit("u", 20), 0)])
    cluster.wait_applied(60)
    assert cluster.read_profiles(KEY, ["u"])["profiles"] == {"u": expected(14)}


def test_nothing_is_given_up_by_mistake(cluster: Cluster) -> None:
    topic = cluster.settings.contributions_topic
    write_frames(cluster, 0, b"one", b"two", b"three")

    def refused(*arguments: str) -> str:
        done = processor("partitions", "move", *arguments, environment=cluster.environment)
        assert done.returncode == WRONG_USE, done.stdout
        return done.stderr

    assert "--accept-loss" in refused(topic, "0", "--to", "1")
    beyond = refused(topic, "0", "--to", "4", "--accept-loss")
    assert "and ends at 3" in beyond
    assert "choose an offset from 0 to 3" in beyond
    assert "no partition 7" in refused(topic, "7", "--to", "1", "--accept-loss")
    assert "use one of" in refused("another", "0", "--to", "1", "--accept-loss")
    there = Path("there.jsonl")
    there.write_text("precious")
    assert "--file" in refused(topic, "0", "--to", "1", "--accept-loss", "--file", str(there))
    assert there.read_text() == "precious"
    done = move(cluster, topic, "0", "--to", "2")
    assert done.returncode == 0, done.stderr
    assert [one["offset"] for one in passed_over(topic, 0)] == [0, 1]
    before = refused(topic, "0", "--to", "1", "--accept-loss")
    assert "cannot go on" in before
    assert "choose an offset from 2 to 3" in before
