"""How far the group is, looked at all the time: what it has taken, what waits, and each pause.

A partition pauses from one commit of its contributions to the next one.
"""

import threading
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, KafkaException, TopicPartition

from processor.settings import Settings
from tests.broker.cluster import group_of

LOOK_S = 0.2
TIMEOUT_S = 3.0


class Pauses:
    """The longest time without a commit of any partition since the last `begin`."""

    def __init__(self, partitions: Iterable[int]) -> None:
        self.applied = dict.fromkeys(partitions, 0)
        self.longest_s = 0.0
        self._moved_at = dict.fromkeys(self.applied, time.monotonic())

    def begin(self) -> None:
        """Measure anew; a pause that goes on counts from its beginning."""
        self.longest_s = 0.0

    def note(self, committed: dict[int, int], now: float) -> None:
        """What is committed by partition; a partition that has no commit is at 0."""
        for partition, offset in committed.items():
            if offset > self.applied[partition]:
                self.longest_s = max(self.longest_s, now - self._moved_at[partition])
                self.applied[partition] = offset
                self._moved_at[partition] = now


@dataclass
class Load:
    """Looks at the topics, and what was outstanding."""

    looks: int = 0
    idle: int = 0  # looks at which no event of the source waited
    caught_up: int = 0  # looks at which no contributions of some partition waited
    least_events: int | None = None

    def note(self, events: int, frames: Iterable[int]) -> None:
        """Events of the source and, by partition, frames that wait."""
        self.looks += 1
        self.idle += events <= 0
        self.caught_up += min(frames) <= 0
        self.least_events = min(events, events if self.least_events is None else self.least_events)


class Pulse:
    """A thread that looks at the commits of both groups and the ends of topics until it is left."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._source, self._frames = settings.enriched_topic, settings.contributions_topic
        self._partitions = range(settings.partitions)
        self._bootstrap = settings.bootstrap_servers
        self.pauses = Pauses(self._partitions)
        self.load = Load()
        self.taken = 0
        self.frames = 0  # that wait in the partition with the fewest
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        source, frames = (
            [TopicPartition(topic, number) for number in self._partitions]
            for topic in (self._source, self._frames)
        )
        with closing(self._consumer(source)) as of_source, closing(self._consumer(frames)) as of:
            while not self._stopping.wait(LOOK_S):
                with suppress(KafkaException):
                    ends = {
                        (one.topic, one.partition): of.get_watermark_offsets(one, TIMEOUT_S)[1]
                        for one in (*source, *frames)
                    }
                    committed = of_source.committed(source, TIMEOUT_S)
                    self._note(ends, [*committed, *of.committed(frames, TIMEOUT_S)])

    def _consumer(self, partitions: list[TopicPartition]) -> Consumer:
        """One that asks for what the group of these partitions has committed, and joins nothing.

        An admin client ends the process (an assertion of librdkafka) when a coordinator comes back
        while it is asked.
        """
        return Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": group_of(self._settings, partitions[0].topic),
                "isolation.level": "read_uncommitted",
                "log_level": 0,
                "reconnect.backoff.max.ms": 500,
            }
        )

    def _note(self, ends: dict[tuple[str, int], int], committed: Iterable[TopicPartition]) -> None:
        """Note a look; at least so much waits, as the ends were asked for first."""
        now = time.monotonic()
        at = {(one.topic, one.partition): max(0, one.offset) for one in committed}
        events, frames = (
            [ends[topic, number] - at[topic, number] for number in self._partitions]
            for topic in (self._source, self._frames)
        )
        self.frames = min(frames)
        self.taken = sum(at[self._source, number] for number in self._partitions)
        self.pauses.note({number: at[self._frames, number] for number in self._partitions}, now)
        self.load.note(sum(events), frames)
