"""Keeps events coming into the source: at a rate, in gusts, and whole batches once more."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from typing import Self

from confluent_kafka import Producer

from tests.storm.hostilities import Hostilities
from tests.storm.visitors import SKEWS_MS, Visitors

TICK_S = 0.02
# Lines from which a batch is taken that is sent again, and the bounds of a batch.
REMEMBERED = 200_000
BATCH = (100, 500)
AT_ONCE_MAX = 2_000
FLUSH_S = 60.0


@dataclass
class Sending:
    """What has been sent so far."""

    events: int = 0
    resent: int = 0
    batches: int = 0


@dataclass
class Feed:
    """A thread that writes to the source topic until it is left."""

    bootstrap: str
    topic: str
    partitions: int
    seed: str
    hostilities: Hostilities
    # How many more may be sent when so many have been, where that is not a matter of time.
    room: Callable[[int], int]
    sending: Sending = field(default_factory=Sending)

    def __post_init__(self) -> None:
        self._random = Random(f"feed:{self.seed}")
        self._visitors = Visitors(self.seed, self.hostilities)
        self._again: list[tuple[float, list[bytes]]] = []
        # When each of them was sent first, by the monotonic clock.
        self._recent: deque[tuple[float, bytes]] = deque(maxlen=REMEMBERED)
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="feed")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Write what is due and wait until Kafka has all of it."""
        self._stopping.set()
        self._thread.join()

    def check(self) -> None:
        """Raise what ended the thread."""
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            self._feed()
        except BaseException as error:  # raised where somebody waits for it
            self._failure = error

    def _feed(self) -> None:
        producer = Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "log_level": 0,
                "linger.ms": 10,
                "enable.idempotence": True,
                "message.timeout.ms": 0,
                "queue.buffering.max.messages": 1_000_000,
                "reconnect.backoff.max.ms": 500,
            }
        )
        on = self.hostilities
        last = time.monotonic()
        owed = 0.0
        next_batch = last + self._pause(on.resend_every_s)
        next_gust = last + self._pause(on.gust_every_s)
        while not self._stopping.is_set():
            now = time.monotonic()
            owed += (now - last) * on.rate
            last = now
            if now >= next_gust:
                owed += on.gust
                next_gust = now + self._pause(on.gust_every_s)
            if on.ahead:
                owed = min(AT_ONCE_MAX, self.room(self.sending.events))
            for _ in range(int(owed)):
                self._send_next(producer)
            owed -= int(owed)
            if now >= next_batch:
                self._choose_batch(now)
                next_batch = now + self._pause(on.resend_every_s)
            self._send_due(producer, now)
            producer.poll(0)
            self._stopping.wait(TICK_S)
        if producer.flush(FLUSH_S):
            raise TimeoutError(f"{self.topic}: Kafka does not take the last events")

    def _pause(self, mean_s: float) -> float:
        return mean_s * (0.5 + self._random.random())

    def _send_next(self, producer: Producer) -> None:
        sent = self._visitors.next(int(time.time() * 1_000))
        self._produce(producer, sent.line, sent.collector)
        self._recent.append((time.monotonic(), sent.line))

    def _choose_batch(self, now: float) -> None:
        """Take lines that were sent one after another, to be sent again at once or later."""
        size = self._random.randint(*BATCH)
        if len(self._recent) < 2 * BATCH[1]:
            return
        # Most batches are sent again within seconds, some of them minutes later.
        age_s = self._random.random() ** 3 * self.hostilities.resend_after_max_s
        first = next(
            (place for place, (at, _) in enumerate(self._recent) if at >= now - age_s),
            len(self._recent),
        )
        first = min(first, len(self._recent) - size)
        lines = [line for _, line in islice(self._recent, first, first + size)]
        if self._random.random() < 0.4:
            lines.reverse()
        self._again.append((now + self._random.random() * 2, lines))
        self.sending.batches += 1

    def _send_due(self, producer: Producer, now: float) -> None:
        for one in [one for one in self._again if one[0] <= now]:
            self._again.remove(one)
            self.sending.resent += len(one[1])
            for line in one[1]:
                self._produce(producer, line, None)

    def _produce(self, producer: Producer, line: bytes, collector: int | None) -> None:
        """Write a line; a collector with a wrong clock has a partition that it prefers."""
        partition = self._random.randrange(self.partitions)
        wrong = collector is not None and SKEWS_MS[collector] != 0
        if wrong and self._random.random() < 0.7:
            partition = collector % self.partitions
        while True:
            try:
                producer.produce(self.topic, line, partition=partition)
            except BufferError:
                producer.poll(0.1)
            else:
                break
        self.sending.events += 1
