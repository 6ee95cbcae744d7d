"""From an event to its intervention: events at an even rate, and when a reader gets what fired.

The events are those of the other runs, each with the time at which it is written. The reader is
another consumer, which reads committed messages only.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles
from threading import Event, Thread
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from tests.benchmarks.bench.feed import Feed, Writer
from tests.benchmarks.bench.system import System

# Between two bursts of the feed.
TICK_S = 0.005
# Written at first, and waited for: a system has started when it has read them.
FIRST_EVENTS = 1_000
# After the last event, for what fires at it.
DRAIN_S = 3.0
ENOUGH = 100
# Of the events of the topic at most this share is written, as a rate is never kept exactly.
SHARE = 0.95


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from event to intervention, over `firings`, at so many events/s."""

    p50_ms: float
    p99_ms: float
    firings: int
    events_s: float


class Reader:
    """Notes when interventions arrive, in a thread of its own."""

    def __init__(self, servers: str, topic: str, partitions: int) -> None:
        self.arrived: list[tuple[float, bytes]] = []
        self._consumer = Consumer(
            {"bootstrap.servers": servers, "group.id": f"{topic}-reader", "log_level": 0,
             "enable.auto.commit": False, "isolation.level": "read_committed",
             "fetch.wait.max.ms": 20}
        )  # fmt: skip
        self._consumer.assign([TopicPartition(topic, one, 0) for one in range(partitions)])
        self._ended = Event()
        self._thread = Thread(target=self._read, daemon=True)

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._consumer.close()

    def _read(self) -> None:
        while not self._ended.is_set():
            for message in self._consumer.consume(500, timeout=0.02):
                if message.error() is None:
                    self.arrived.append((time.time() * 1000, message.value()))


class PacedFeed:
    """Writes events into another topic, and notes when."""

    def __init__(self, servers: str, feed: Feed, topic: str) -> None:
        self._values = feed.values()
        self._writer = Writer(servers, topic)
        self.times: dict[str, int] = {}
        self.written = 0

    def write(self, count: int, *, noted: bool = False) -> None:
        """Write so many events now."""
        now_ms = int(time.time() * 1000)
        for _ in range(count):
            value, partition = next(self._values)
            self._writer.put(value, partition, now_ms)
            if noted:
                self.times[value.split(b"\t", 7)[6].decode()] = now_ms
        self.written += count
        self._writer.poll()

    def at_rate(self, rate: float, seconds: float, check: Callable[[], None], **how: bool) -> float:
        """Write at a rate for a time; return the rate that came out."""
        begun, count = time.monotonic(), 0
        while (now := time.monotonic() - begun) < seconds:
            due = int(now * rate) - count
            self.write(due, **how)
            count += due
            check()
            time.sleep(TICK_S)
        self._writer.flush()
        return count / (time.monotonic() - begun)

    def close(self) -> None:
        """Write what waits, close the file."""
        self._writer.flush()
        self._values.close()


def times_within(events: int, rate: float, warm_up_s: float, seconds: float) -> tuple[float, float]:
    """Both times, shorter by one factor if the topic has too few events for them."""
    factor = min(1.0, SHARE * (events - FIRST_EVENTS) / (rate * (warm_up_s + seconds)))
    return warm_up_s * factor, seconds * factor


def measure_latency(
    system: System,
    feed: PacedFeed,
    reader: Reader,
    *,
    rate: float,
    warm_up_s: float,
    seconds: float,
) -> Latency | None:
    """Warm up, then measure for so many seconds; None if too little fired to say anything."""
    feed.write(FIRST_EVENTS)
    system.wait(FIRST_EVENTS)
    feed.at_rate(rate, warm_up_s, system.check)
    begun_ms = int(time.time() * 1000)
    came_out = feed.at_rate(rate, seconds, system.check, noted=True)
    time.sleep(DRAIN_S)
    took = delays(system, list(reader.arrived), feed.times, begun_ms)
    return summary(took, came_out)


def delays(
    system: System,
    arrived: Sequence[tuple[float, bytes]],
    times: Mapping[str, int],
    begun_ms: int,
) -> list[float]:
    """Milliseconds from event to intervention, of the events written since a time."""
    found = []
    for at_ms, value in arrived:
        message: dict[str, Any] = json.loads(value)
        produced_ms = system.produced_ms(message, times)
        if produced_ms is not None and produced_ms >= begun_ms:
            found.append(at_ms - produced_ms)
    return found


def summary(took: Sequence[float], rate: float) -> Latency | None:
    """The median and the 99th percentile; None for too few."""
    if len(took) < ENOUGH:
        return None
    cuts = quantiles(took, n=100, method="inclusive")
    return Latency(cuts[49], cuts[98], len(took), rate)
