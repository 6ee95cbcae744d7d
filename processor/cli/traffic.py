"""Writes events of the shop to the enriched topic or a file."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from processor.cli.signals import ended_by_signals
from processor.clock import monotonic_s
from processor.errors import BrokerError
from processor.kafka.sender import Failure, Message, Sender, not_delivered
from processor.local.shop import GeneratedEvent
from processor.settings import Settings

# The column of the id that every visitor of the shop has.
_NETWORK_USERID = 17
_FLUSH_S = 60.0
# An event that is early by less than this is on time.
_EARLY_S = 0.002
# Events between two looks at the producer's deliveries.
_SERVE_EVENTS = 200

Sink = Callable[[GeneratedEvent], None]


@dataclass(slots=True)
class Traffic:
    """What was written."""

    events: int = 0
    late: int = 0
    duplicates: int = 0
    bytes: int = 0

    def count(self, event: GeneratedEvent) -> None:
        """Count one more event."""
        self.events += 1
        self.late += event.late
        self.duplicates += event.duplicate
        self.bytes += len(event.value)


def paced(events: Iterable[GeneratedEvent], rate: float) -> Iterator[GeneratedEvent]:
    """Yield `rate` events a second; 0: as fast as the caller takes them."""
    begun = monotonic_s()
    for number, event in enumerate(events):
        if rate and (ahead_s := begun + number / rate - monotonic_s()) > _EARLY_S:
            time.sleep(ahead_s)
        yield event


def write(
    events: Iterable[GeneratedEvent],
    sinks: Iterable[Sink],
    *,
    limit: int,
    on_written: Callable[[Traffic], None],
) -> Traffic:
    """Write `limit` events (0: all) to each sink; return the counts, also after Ctrl-C."""
    traffic = Traffic()
    targets = list(sinks)
    try:
        with ended_by_signals():
            for event in islice(events, limit or None):
                for sink in targets:
                    sink(event)
                traffic.count(event)
                on_written(traffic)
    except KeyboardInterrupt:
        pass
    return traffic


class EnrichedTopic:
    """The enriched topic as a sink; keyed by visitor, partitioned as Kafka's own clients do."""

    def __init__(self, settings: Settings, *, keyed: bool = False) -> None:
        self._topic = settings.enriched_topic
        self._keyed = keyed
        self._errors: list[BrokerError] = []
        self._sent = 0
        self._sender = Sender(
            settings.kafka_client, {"partitioner": "murmur2_random", "linger.ms": 20}
        )

    def __call__(self, event: GeneratedEvent) -> None:
        """Send one event.

        Raises:
            BrokerError: Kafka refused an earlier one; NotAuthorizedError if a right is missing.
        """
        key = event.value.split(b"\t", _NETWORK_USERID + 1)[_NETWORK_USERID]
        message = Message(self._topic, event.value, key if self._keyed else None)
        self._sender.put(message, self._delivered)
        self._sent += 1
        if self._sent % _SERVE_EVENTS == 0:
            self._sender.poll()
            self._raise_refused()

    def close(self) -> None:
        """Wait until Kafka has acknowledged everything.

        Raises:
            BrokerError: it has not.
        """
        waiting = self._sender.flush(_FLUSH_S)
        if waiting:
            unanswered = f"{waiting} events were not acknowledged in {_FLUSH_S:.0f} s"
            self._errors.append(not_delivered(self._topic, unanswered))
        self._raise_refused()

    def _delivered(self, error: Failure) -> None:
        if error is not None:
            self._errors.append(not_delivered(self._topic, error))

    def _raise_refused(self) -> None:
        if self._errors:
            raise self._errors[0]


class EventFile:
    """A file as a sink: one event per line."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def __call__(self, event: GeneratedEvent) -> None:
        """Write one event."""
        self._file.write(event.value + b"\n")

    def close(self) -> None:
        """Write the rest and close the file."""
        self._file.close()
