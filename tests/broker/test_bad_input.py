"""What is no enriched event becomes a dead letter with its reason and bytes, and work goes on."""

import base64
import gzip
import json
import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cramjam
import jsonschema
import pytest
from confluent_kafka import Producer

from tests.broker.cluster import Cluster
from tests.broker.visits import (
    KEY,
    Visits,
    application,
    dead_letters,
    eventually,
    expected,
    visit,
)

pytestmark = pytest.mark.broker

SCHEMA = Path(__file__).parents[2] / "schemas" / "messages" / "dead_letter.json"
EVENT_BYTES_MAX = 1_000_000
KEPT_BYTES_MAX = 600_000
# What a topic of Kafka's default settings takes.
MESSAGE_BYTES_MAX = 1_048_000

OTHER_DIGITS = "202\u0666-01-01 00:00:00"
SURROGATE = '{"schema":"iglu:a/contexts/jsonschema/1-0-0","data":["\\ud800"]}'


def padded(user: str, size: int) -> bytes:
    """A page view of exactly so many bytes."""
    return visit(user, page_url="x" * (size - len(visit(user))))


def packed(events: Iterable[bytes]) -> bytes:
    """What Enrich puts into a packed record before it compresses it."""
    return b"\1\1" + b"".join(struct.pack(">I", len(one)) + one for one in events)


def zipped(content: bytes) -> bytes:
    """The same bytes in every process, so that all collect the same tests."""
    return gzip.compress(content, mtime=0)


def zstd(content: bytes) -> bytes:
    return bytes(cramjam.zstd.compress(content))


def bomb() -> bytes:
    """A gigabyte of zeros under gzip."""
    stream = zlib.compressobj(9, wbits=31)
    return b"".join(stream.compress(bytes(2**26)) for _ in range(16)) + stream.flush()


BAD: dict[str, tuple[bytes | None, str]] = {
    "a column too few": (visit("bad").rpartition(b"\t")[0], "column_count"),
    "a column too many": (visit("bad") + b"\t", "column_count"),
    "a line of text": ("gar kein Ereignis äöü".encode(), "column_count"),
    "json": (b'{"event": "page_view"}', "column_count"),
    "zeros": (b"\0" * 1000, "column_count"),
    "tabs only": (b"\t" * 130, "event_id"),
    "no event_id": (visit("bad", event_id=""), "event_id"),
    "no timestamps": (visit("bad", collector_tstamp="", derived_tstamp=""), "timestamp"),
    "no collector_tstamp": (visit("bad", collector_tstamp=""), "timestamp"),
    "a day that is none": (visit("bad", collector_tstamp="2026-02-30 10:00:00.000"), "timestamp"),
    "a time in words": (visit("bad", collector_tstamp="gestern \U0001f600 mittag"), "timestamp"),
    "a time in other digits": (visit("bad", collector_tstamp=OTHER_DIGITS), "timestamp"),
    "bad utf-8": (visit("bad", page_title="X").replace(b"X", b"\xff\xfe"), "utf8"),
    "compressed": (b"\x1f\x8b\x08" + b"\xff" * 50, "utf8"),
    "gzip that is cut off": (zipped(visit("bad"))[:-5], "utf8"),
    "zstd that is cut off": (zstd(visit("bad"))[:-5], "utf8"),
    "zstd and something behind": (zstd(visit("bad")) + b"bad", "utf8"),
    "a packed record that is cut off": (zipped(packed([visit("bad")])[:-1]), "utf8"),
    "a packed record of no events": (zstd(packed([])), "utf8"),
    "gzip of a gigabyte": (bomb(), "too_large"),
    "zstd of a gigabyte": (zstd(bytes(2**30)), "too_large"),
    "a packed record of a gigabyte": (zstd(packed([bytes(2**30)])), "too_large"),
    "gzip of a byte too many": (zipped(padded("bad", EVENT_BYTES_MAX + 1)), "too_large"),
    "broken json": (visit("bad", contexts='{"schema": "iglu:'), "json"),
    "json of another shape": (visit("bad", contexts='{"data": {"a": 1}}'), "json"),
    "json that is too deep": (visit("bad", contexts='{"data":' * 5_000 + "}" * 5_000), "json"),
    "half a surrogate": (visit("bad", contexts=SURROGATE), "json"),
    "no value": (None, "empty"),
    "an empty value": (b"", "empty"),
    "a byte too many": (padded("bad", EVENT_BYTES_MAX + 1), "too_large"),
    "as large as kafka takes": (padded("bad", MESSAGE_BYTES_MAX), "too_large"),
    "large and no event": (b"\xff" * EVENT_BYTES_MAX, "utf8"),
}  # fmt: skip


@pytest.fixture(scope="module")
def cluster(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Each bad record between good ones in one partition of the source; all are read."""
    with application(bootstrap_servers, tmp_path_factory.mktemp("bad")) as made:
        producer = Producer(
            {
                "bootstrap.servers": made.bootstrap_servers,
                "message.max.bytes": MESSAGE_BYTES_MAX + 10_000,
            }
        )
        for number, (value, _) in enumerate(BAD.values()):
            for one in (value, visit("good", number)):
                producer.produce(made.settings.enriched_topic, one, key=b"any", partition=1)
        for number in range(3):
            large = padded("large", EVENT_BYTES_MAX).replace(b"large-0", b"large-%d" % number)
            producer.produce(made.settings.enriched_topic, large, partition=1)
        unread = visit("unread", unstruct_event='{"no json', derived_contexts="")
        producer.produce(made.settings.enriched_topic, unread, partition=1)
        assert producer.flush(60) == 0
        made.worker("one").start().wait_ready()
        made.wait_applied(60)
        yield made


@pytest.fixture(scope="module")
def letters(cluster: Cluster) -> dict[int, dict[str, Any]]:
    """The dead letters of the bad records by their offsets, all in one partition."""
    found = [letter for letter in dead_letters(cluster) if letter["partition"] == 1]
    assert len(found) == len(BAD)
    return {letter["offset"]: letter for letter in found}


@pytest.mark.parametrize("name", BAD)
def test_a_record_that_is_no_event_is_a_dead_letter(
    cluster: Cluster, letters: dict[int, dict[str, Any]], name: str
) -> None:
    offset = list(BAD).index(name) * 2
    value, reason = BAD[name]
    letter = dict(letters[offset])
    topic = cluster.settings.enriched_topic
    assert letter.pop("key") == f"{topic}-1-{offset}"
    assert (letter["reason"], letter["topic"], letter["partition"]) == (reason, topic, 1)
    assert base64.b64decode(letter["value_base64"]) == (value or b"")[:KEPT_BYTES_MAX]
    if len(value or b"") > KEPT_BYTES_MAX:
        assert str(len(value or b"")) in letter["detail"]
    jsonschema.validate(letter, json.loads(SCHEMA.read_text()))


def test_what_stands_between_bad_records_counts(cluster: Cluster) -> None:
    found = cluster.read_profiles(KEY, ["good", "large", "unread"])["profiles"]
    assert found == {"good": expected(len(BAD)), "large": expected(3), "unread": expected(1)}


def test_dead_letters_are_counted_by_reason(cluster: Cluster) -> None:
    worker = cluster.worker("one")
    reasons = Counter(letter["reason"] for letter in dead_letters(cluster))
    assert reasons.keys() >= {reason for _, reason in BAD.values()}
    for reason, count in reasons.items():
        assert worker.metric("processor_dead_letters_total", reason=reason) == count, reason


def test_the_lag_of_a_source_with_bad_records_ends_at_zero(cluster: Cluster) -> None:
    assert cluster.lag(cluster.settings.enriched_topic) == 0


def test_ids_and_names_of_any_length_stop_nothing(cluster: Cluster) -> None:
    """An event_id or a name that is too long makes a dead letter, an id only skips its key."""
    long = "x" * 900_000
    before = {letter["key"] for letter in dead_letters(cluster)}
    for number in range(12):
        cluster.produce(
            [
                (visit("long", number, event_id=f"{number}{long}"), 0),
                (visit("long", 100 + number, event_name="page_view", event_version=long), 0),
                (visit(long, event_id=f"very-long-{number}"), 0),
                (visit("\U0001f600" * 128, number), 0),
            ]
        )
    visits = Visits(cluster)
    visits.send(["after"], 3)
    eventually(lambda: cluster.lag(cluster.settings.enriched_topic) == 0)
    cluster.wait_applied(60)
    found = cluster.read_profiles(KEY, ["long", "\U0001f600" * 128, "after"])["profiles"]
    nothing = dict.fromkeys(expected(0))
    assert found == {"long": nothing, "\U0001f600" * 128: expected(12), "after": expected(3)}
    letters = [letter for letter in dead_letters(cluster) if letter["key"] not in before]
    reasons = Counter(letter["reason"] for letter in letters)
    assert reasons == {"event_id": 12, "too_large": 12}
    assert cluster.worker("one").running


def test_events_of_packed_records_count_one_by_one(cluster: Cluster) -> None:
    settings, worker = cluster.settings, cluster.worker("one")
    before = {letter["key"] for letter in dead_letters(cluster)}
    unpacked = worker.metric("processor_records_unpacked_total", compression="zstd")
    many = [visit(f"many-{number % 3}", number) for number in range(6_000)]
    mixed = [visit("mixed", 1), b"no event", visit("mixed", 2), zstd(visit("mixed", 3)), b""]
    records = [
        zstd(visit("alone", 1)),
        zipped(visit("alone", 2)),
        zipped(visit("alone", 3)) + zipped(b""),
        visit("alone", 4),
        zstd(packed([visit("alone", 5), visit("alone", 6)])),
        zipped(packed([visit("alone", 7)])),
        zstd(packed(many)),
        zipped(packed(mixed)),
        visit("alone", 8),
        zstd(packed([padded("broad", EVENT_BYTES_MAX)] * 2)),
    ]
    cluster.produce([(value, 0) for value in records])
    eventually(lambda: cluster.lag(settings.enriched_topic) == 0)
    cluster.wait_applied(60)
    users = ["alone", "mixed", "broad", "many-0", "many-1", "many-2"]
    found = cluster.read_profiles(KEY, users)["profiles"]
    assert found == {
        "alone": expected(8),
        "mixed": expected(2),
        "broad": expected(1),
        **{f"many-{number}": expected(2_000) for number in range(3)},
    }
    letters = [letter for letter in dead_letters(cluster) if letter["key"] not in before]
    place = letters[0]["key"].rpartition("-")[0]
    assert {
        letter["key"].removeprefix(place): (letter["reason"], letter["value_base64"])
        for letter in letters
    } == {
        f"-{at}": (reason, base64.b64encode(mixed[at]).decode())
        for at, reason in ((1, "column_count"), (3, "utf8"), (4, "empty"))
    }
    now = worker.metric("processor_records_unpacked_total", compression="zstd")
    assert now == unpacked + 4
    assert worker.running
