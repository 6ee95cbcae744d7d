"""The events: made once, kept in a file, written to a topic for each run.

All events of a visitor are in one partition, so every profile gets its events in one order whatever
the partitions do beside each other: runs over windows agree to the last firing.
"""

import struct
import time
import zlib
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from rich.console import Console
from rich.progress import Progress

from processor.events import ATOMIC_COLUMNS
from processor.local.shop import Shop
from tests.benchmarks.bench.expected import Expected
from tests.benchmarks.bench.jobs import Job

NETWORK_USERID = list(ATOMIC_COLUMNS).index("network_userid")
# Events of a second of event time.
RATE = 50.0
# The last event lies this far back, so that none is of the future.
MARGIN_MS = 600_000
SHOWN_EVERY = 1_000
TIMEOUT_S = 60
# Before each event in the file: its partition and its length.
HEAD = struct.Struct(">BI")
READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job must find: contributions, those of the warm-up, and firings if they are known."""

    contributions: int
    warm_up: int
    firings: int | None


@dataclass(frozen=True, slots=True)
class Feed:
    """A file of events, the first of them to warm up, and what each job must find in it."""

    path: Path
    partitions: int
    events: int
    warm_up: int
    size: int
    expected: dict[str, Outcome]

    @property
    def event_bytes(self) -> float:
        """Mean size of an event."""
        return self.size / self.events

    def values(self) -> Generator[tuple[bytes, int], None, None]:
        """The events with their partitions, in the order in which they were made."""
        with self.path.open("rb", buffering=READ_BYTES) as file:
            while head := file.read(HEAD.size):
                partition, length = HEAD.unpack(head)
                yield file.read(length), partition


def shop_values(events: int, users: int, now_ms: int) -> Iterable[bytes]:
    """Events of a shop, of the last hours, the same for the same `now_ms`."""
    start_ms = now_ms - MARGIN_MS - int(events / RATE * 1000)
    return (event.value for event in islice(Shop(1, users, start_ms=start_ms, rate=RATE), events))


def create_topic(servers: str, topic: str, partitions: int) -> None:
    """Make a topic that keeps everything, and wait for its leaders."""
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    wanted = NewTopic(topic, partitions, 1, config={"retention.ms": "-1"})
    admin.create_topics([wanted])[topic].result(TIMEOUT_S)
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        found = admin.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions
        if len(found) == partitions and all(one.leader >= 0 for one in found.values()):
            return
        time.sleep(0.05)
    raise TimeoutError(topic)


class Writer:
    """Writes events to partitions of a topic; waits where librdkafka has enough."""

    def __init__(self, servers: str, topic: str, transaction_ms: int = 0) -> None:
        """With a time, everything is written in transactions that take that long at most."""
        settings: dict[str, str | int] = {
            "bootstrap.servers": servers, "linger.ms": 5, "log_level": 0,
            "queue.buffering.max.messages": 100_000, "batch.size": 1_000_000,
        }  # fmt: skip
        if transaction_ms:
            settings |= {"transactional.id": topic, "transaction.timeout.ms": transaction_ms}
        self._topic = topic
        self._producer = Producer(settings)
        self._transaction = bool(transaction_ms)
        if transaction_ms:
            self._producer.init_transactions(TIMEOUT_S)
            self._producer.begin_transaction()

    def put(self, value: bytes, partition: int, when_ms: int = 0) -> None:
        """Write one; `when_ms` is its timestamp, now if 0."""
        while True:
            try:
                self._producer.produce(self._topic, value, partition=partition, timestamp=when_ms)
            except BufferError:
                self._producer.poll(0.1)
            else:
                return

    def commit(self, *, more: bool) -> None:
        """Commit what was written; begin another transaction if there is more."""
        self._producer.commit_transaction(TIMEOUT_S)
        self._transaction = more
        if more:
            self._producer.begin_transaction()

    def abort(self) -> None:
        """End a transaction that is not committed."""
        if self._transaction:
            self._producer.abort_transaction(TIMEOUT_S)
            self._transaction = False

    def poll(self) -> None:
        """Let librdkafka report what it has written."""
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait until everything is written."""
        left = self._producer.flush(TIMEOUT_S)
        if left:
            message = f"{left} events could not be written"
            raise TimeoutError(message)


def make_feed(
    path: Path,
    partitions: int,
    values: Iterable[bytes],
    jobs: Iterable[Job],
    *,
    total: int,
    warm_up: int,
    console: Console,
) -> Feed:
    """Keep the values in a file; count what the jobs must find."""
    expected: dict[str, Expected] = {job.letter: job.expected() for job in jobs}
    warm = dict.fromkeys(expected, 0)
    events = size = 0
    with (
        Progress(console=console, disable=not console.is_terminal) as progress,
        path.open("wb", buffering=READ_BYTES) as file,
    ):
        task = progress.add_task("making events", total=total)
        for value in values:
            columns = value.split(b"\t")
            file.write(HEAD.pack(zlib.crc32(columns[NETWORK_USERID]) % partitions, len(value)))
            file.write(value)
            for one in expected.values():
                one.take(columns)
            events += 1
            size += len(value)
            if events == warm_up:
                warm = {letter: one.contributions for letter, one in expected.items()}
            if events % SHOWN_EVERY == 0:
                progress.update(task, completed=events)
    found = {
        letter: Outcome(one.contributions, warm[letter], one.firings)
        for letter, one in expected.items()
    }
    return Feed(path, partitions, events, warm_up, size, found)
