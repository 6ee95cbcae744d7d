"""Dead letters put into the source once more: each once, whatever happens to the command."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import NewTopic

from processor.errors import DeadLetterReason
from processor.streaming.messages.dead_letters import Refused, encode_dead_letter
from tests.broker.cluster import Cluster
from tests.broker.visits import (
    KEY,
    Json,
    application,
    attribute,
    dead_letters,
    group,
    records,
    stamp,
    visit,
)

pytestmark = pytest.mark.broker

HOUR_MS = 3_600_000
NOW_MS = int(time.time() * 1000)
OLD_MS = NOW_MS - 3 * HOUR_MS
DEFINITIONS: dict[str, Json] = {
    "attribute_group/pv/1": group(
        "pv",
        [
            attribute("all", "int32", "counter"),
            attribute("hour", "int32", "counter", period="PT1H"),
        ],
    )
}


@pytest.fixture(params=["LogAppendTime", "CreateTime"])
def cluster(
    request: pytest.FixtureRequest, bootstrap_servers: str, tmp_path: Path
) -> Iterator[Cluster]:
    with application(bootstrap_servers, tmp_path, {}) as made:
        name = f"{made.settings.enriched_topic}-{request.param}"
        made.settings = made.settings.model_copy(update={"enriched_topic": name})
        made.environment["PROCESSOR_ENRICHED_TOPIC"] = name
        topic = NewTopic(name, 2, config={"message.timestamp.type": request.param})
        made.admin.create_topics([topic])[name].result(30)
        made.publish(DEFINITIONS.items())
        yield made


def refuse(cluster: Cluster, letters: list[Refused]) -> None:
    """Write dead letters, as a worker that could not read these records."""
    producer = Producer({"bootstrap.servers": cluster.bootstrap_servers})
    for letter in letters:
        topic, value = cluster.settings.dead_letter_topic, encode_dead_letter(letter)
        producer.produce(topic, value, letter.key)
    assert producer.flush(30) == 0


def letter(
    cluster: Cluster, offset: int, value: bytes, at_ms: int = OLD_MS, reason: str = "unexpected"
) -> Refused:
    source = cluster.settings.enriched_topic
    return Refused(source, offset % 2, offset, at_ms, value, DeadLetterReason(reason), "a fault")


def view(user: str, number: int) -> bytes:
    """A page view whose device and collector are two days ahead."""
    ahead = stamp(NOW_MS + 48 * HOUR_MS)
    times = {"derived_tstamp": ahead, "collector_tstamp": ahead}
    return visit(user, event_id=f"{user}-{number}", **times)


def replay(cluster: Cluster, *arguments: str) -> str:
    """What the command says; it must succeed."""
    done = run(cluster, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def run(cluster: Cluster, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(*arguments), env=environment(cluster), capture_output=True, text=True, timeout=120
    )


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "processor.cli.main", "dead-letters", "replay", *arguments]


def environment(cluster: Cluster) -> dict[str, str]:
    return {**os.environ, **cluster.environment}


def values(cluster: Cluster) -> list[bytes | None]:
    return sorted(one.value or b"" for one in records(cluster, cluster.settings.enriched_topic))


def test_what_is_replayed_counts_once_and_when_it_first_arrived(cluster: Cluster) -> None:
    lines = [view("late", number) for number in range(5)]
    letters = [letter(cluster, n, line) for n, line in enumerate(lines)]
    young = [view("young", number) for number in range(3)]
    refuse(cluster, [*letters, *letters[:2]])  # after a crash one may be written twice
    refuse(cluster, [letter(cluster, 10 + n, line, NOW_MS) for n, line in enumerate(young)])
    cluster.worker("one").start().wait_ready()
    assert replay(cluster, "--dry-run") == "would replay 8 records"
    assert replay(cluster) == "replayed 8 records"
    assert replay(cluster) == "replayed 0 records; not replayed: 8 already replayed"
    assert values(cluster) == sorted([*lines, *young])
    cluster.wait_applied(60)
    found = cluster.read_profiles(KEY, ["late", "young"])["profiles"]
    assert {user: [told["pv_v1:all"], told["pv_v1:hour"]] for user, told in found.items()} == {
        "late": [5, None],
        "young": [3, 3],
    }
    if cluster.settings.enriched_topic.endswith("CreateTime"):
        source = records(cluster, cluster.settings.enriched_topic)
        assert sorted(one.timestamp_ms for one in source) == [OLD_MS] * 5 + [NOW_MS] * 3


def test_one_that_is_refused_again_is_a_dead_letter_of_its_own_with_its_first_time(
    cluster: Cluster,
) -> None:
    refuse(cluster, [letter(cluster, 7, b"no event\xff", reason="utf8")])
    cluster.worker("one").start().wait_ready()
    for _ in range(2):
        before = len(dead_letters(cluster))
        assert "replayed 1 record" in replay(cluster)
        cluster.wait_applied(60)
        assert len(dead_letters(cluster)) == before + 2  # and a mark
    written = [one for one in dead_letters(cluster) if "reason" in one]
    assert [one["timestamp"] for one in written] == [OLD_MS] * 3
    assert len({(one["partition"], one["offset"]) for one in written}) == 3


def test_only_what_is_asked_for_is_replayed(cluster: Cluster) -> None:
    source = cluster.settings.enriched_topic
    cut = view("cut", 0) + b"x" * 600_000
    refuse(
        cluster,
        [
            letter(cluster, 0, b"0", NOW_MS, "json"),
            letter(cluster, 1, b"1", OLD_MS, "utf8"),
            letter(cluster, 2, b"2", OLD_MS - 1, "utf8"),
            letter(cluster, 3, b"3", -1, "timestamp"),
            letter(cluster, 4, cut, NOW_MS, "too_large"),
            Refused("collector", -1, -1, NOW_MS, b"c", DeadLetterReason.PAYLOAD, ""),
            Refused("definitions", 0, 1, NOW_MS, b"d", DeadLetterReason.DEFINITION, ""),
        ],
    )
    old = stamp(OLD_MS).replace(" ", "T")
    assert "replayed 1 record" in replay(
        cluster, "--reason", "json", "--reason", "timestamp", f"{source}-0-0"
    )
    assert values(cluster) == [b"0"]
    assert "replayed 1 record" in replay(cluster, "--to", old)
    assert "replayed 1 record" in replay(cluster, "--from", old, "--reason", "utf8")
    assert values(cluster) == [b"0", b"1", b"2"]
    unknown = run(cluster, f"{source}-0-99")
    assert (unknown.returncode, "no dead letter" in unknown.stderr) == (1, True)
    assert unknown.stdout == ""
    wrong = run(cluster, "--reason", "none")
    assert (wrong.returncode, "--reason 'none'" in wrong.stderr) == (2, True)
    assert replay(cluster) == (
        "replayed 1 record; not replayed: 3 already replayed, 1 cut off, "
        "2 not of the enriched topic"
    )
    assert values(cluster) == [b"0", b"1", b"2", b"3"]
    letters = [one for one in dead_letters(cluster) if "reason" in one]
    assert len(letters) == 7


def test_a_topic_that_was_made_anew_has_letters_of_its_own(cluster: Cluster) -> None:
    refuse(cluster, [letter(cluster, 0, b"before")])
    assert replay(cluster) == "replayed 1 record"
    refuse(cluster, [letter(cluster, 0, b"after", NOW_MS)])
    assert replay(cluster) == "replayed 1 record; not replayed: 1 already replayed"
    assert values(cluster) == [b"after", b"before"]


@pytest.mark.timeout(280)
def test_killed_at_any_moment_and_run_at_two_places_each_is_replayed_once(cluster: Cluster) -> None:
    lines = [b"%05d" % number for number in range(4_000)]
    refuse(cluster, [letter(cluster, n, line) for n, line in enumerate(lines)])
    for wanted in (1, 600, 1_700):
        with subprocess.Popen(
            command(), env=environment(cluster), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as killed:
            assert killed.stdout is not None
            for _ in range(wanted):
                assert killed.stdout.readline()
            killed.send_signal(signal.SIGKILL)
            killed.stdout.read()
    assert 0 < len(values(cluster)) < len(lines)
    both = [
        subprocess.Popen(
            command(), env=environment(cluster), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    ended = [(one.communicate(timeout=120)[1], one.returncode) for one in both]
    for told, status in ended:
        assert (told, status) == (b"", 0) or (
            status == 1 and told.startswith(b"error: another replay") and told.count(b"\n") == 1
        ), ended
    replay(cluster)
    assert values(cluster) == lines
    marks = [one for one in dead_letters(cluster) if "reason" not in one]
    assert len(marks) == len({json.dumps(one) for one in marks}) == len(lines)
