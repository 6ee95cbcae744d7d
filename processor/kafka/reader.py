"""Partitions of one topic, read outside any consumer group.

In order:
 1. `begin` requests the end of each partition, and assigns
 2. `collect` and `poll` return records, each once and in the order of its partition
 3. `at_end` is true once every partition has been read up to the end of step 1

Invariants:
- The end of step 1 is the only end. If a fetch finds an end, that only moves `positions`
  past control records: a new leader may not yet have the true end of the partition.
- A read that does not follow returns only records before that end.
- Before the end, it is an error if Kafka stays silent; after the end, it is normal. Only progress
  of a partition that is not yet at its end breaks a silence: records of the others do not.

Only one thread may use a reader at a time. All of it blocks. Any thread may call `stop`,
which ends a call that waits for Kafka.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from processor.clock import monotonic_s
from processor.errors import BrokerError, NotAuthorizedError
from processor.kafka.cluster import WITHOUT_GROUP, WRONG_LEADER
from processor.kafka.record import FetchedRecord, fetched_record
from processor.kafka.rights import not_authorized

_END = KafkaError._PARTITION_EOF  # noqa: SLF001 - its public name
_NO_SUCH_OFFSET = KafkaError._AUTO_OFFSET_RESET  # noqa: SLF001 - its public name
_UNKNOWN_PARTITION = KafkaError._UNKNOWN_PARTITION  # noqa: SLF001 - its public name
_NO_LEADER = WRONG_LEADER | frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        _UNKNOWN_PARTITION,
    }
)
_NO_ANSWER = KafkaError._TIMED_OUT  # noqa: SLF001 - its public name
# How long a partition may be without a leader, and the time between two checks.
_LEADER_S = 20.0
_LOOK_S = 0.1
_CALL_S = 30.0
# A call is made of requests that wait this long, so that `stop` ends it soon.
_REQUEST_S = 3.0
# If nothing arrives from Kafka for this long before the end is reached, that is an error.
_STALL_S = 60.0
_BATCH_RECORDS = 500
_WAIT_S = 0.1
_KILOBYTE = 1024
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Fetching:
    """How a reader fetches.

    `wait_ms` is how long a fetch waits at the broker, None for librdkafka's default. `fetch_bytes`
    bounds one fetch of a partition, and `queue_bytes` bounds the records that wait to be read.
    """

    isolation: str = "read_committed"
    wait_ms: int | None = 50
    pause_ms: int = 50
    fetch_bytes: int | None = None
    queue_bytes: int | None = None

    def properties(self) -> dict[str, Any]:
        """Return these settings under librdkafka's names."""
        named = {
            "isolation.level": self.isolation,
            "fetch.wait.max.ms": self.wait_ms,
            "fetch.queue.backoff.ms": self.pause_ms,
            "max.partition.fetch.bytes": self.fetch_bytes,
            "queued.max.messages.kbytes": self.queue_bytes and self.queue_bytes // _KILOBYTE,
        }
        return {name: value for name, value in named.items() if value is not None}


class Reader:
    """Reads partitions of one topic with its own consumer.

    `on_error` receives errors that librdkafka reports for a partition and from which it continues,
    a missing right among them; without `on_error`, such an error is raised. `on_missing` receives a
    partition whose next offset was removed, and calls `go_on`; without it, reading continues with
    the first existing record.

    Args:
        client: librdkafka properties of the connection.
        topic: the topic to read.
        follow: continue to read after the end.

    Raises (all methods):
        BrokerError: Kafka does not answer, or reports an error; NotAuthorizedError if a right is
            missing.
    """

    def __init__(
        self,
        client: Mapping[str, Any],
        topic: str,
        fetching: Fetching | None = None,
        *,
        follow: bool = False,
        on_error: Callable[[BrokerError], None] | None = None,
        on_missing: Callable[[int], None] | None = None,
    ) -> None:
        self.topic = topic
        self.positions: dict[int, int] = {}
        self.ends: dict[int, int] = {}
        self.behind: set[int] = set()
        self._follow = follow
        self._on_error = on_error
        self._on_missing = on_missing
        self._silent_s = 0.0
        # Why Kafka is silent, if it said that a right is missing.
        self._refusal: BrokerError | None = None
        self._stopped = False
        self._consumer = Consumer(
            {
                **client,
                **WITHOUT_GROUP,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest" if on_missing is None else "error",
                **(fetching or Fetching()).properties(),
            }
        )

    # --- where to begin ---------------------------------------------------------------------------

    def bounds(self, partition: int) -> tuple[int, int]:
        """Return the broker's current (first offset, end offset) of a partition."""
        where = TopicPartition(self.topic, partition)

        def ask() -> tuple[int, int]:
            low, high = self._consumer.get_watermark_offsets(where, timeout=_REQUEST_S)
            return low, high

        return self._answer(ask, partition)

    def offsets_at(self, partitions: Iterable[int], time_ms: int) -> dict[int, int | None]:
        """Return each partition's first offset at or after a time; None if there is none."""
        return {one: self._offset_at(one, time_ms) for one in sorted(partitions)}

    def _offset_at(self, partition: int, time_ms: int) -> int | None:
        asked = [TopicPartition(self.topic, partition, time_ms)]

        def ask() -> int | None:
            (found,) = self._consumer.offsets_for_times(asked, timeout=_REQUEST_S)
            if found.error is not None:
                raise KafkaException(found.error)
            return int(found.offset) if found.offset >= 0 else None

        return self._answer(ask, partition)

    def _answer(self, ask: Callable[[], _T], partition: int) -> _T:
        """Return the answer to a request about a partition, which is repeated for a while.

        A partition that was just made or is moving has no leader for a moment. If a partition's
        leader has changed, requests use the old leader epoch until librdkafka has read the metadata
        again. This method waits until such a state is over.
        """
        begun = monotonic_s()
        while True:
            try:
                return ask()
            except KafkaException as error:
                reason, now = error.args[0], monotonic_s()
                if reason.code() == _NO_ANSWER:
                    over = now > begun + _CALL_S
                else:
                    over = reason.code() not in _NO_LEADER or now > begun + _LEADER_S
                if reason.code() == _UNKNOWN_PARTITION:
                    reason = self._topic_error() or reason
                if over or self._stopped or not_authorized([reason], self.topic):
                    raise self._error(reason, partition, "describe") from error
                if reason.code() != _NO_ANSWER:
                    time.sleep(_LOOK_S)

    def _topic_error(self) -> Any:
        """Return what the broker says is wrong with the topic; None if nothing, or no answer.

        A partition of a topic that this client may not see is just an unknown one to librdkafka.
        """
        try:
            found = self._consumer.list_topics(self.topic, timeout=_REQUEST_S)
        except KafkaException:
            return None
        return found.topics[self.topic].error

    def begin(self, starts: Mapping[int, int | None]) -> None:
        """Read each partition from an offset on; None means its first offset.

        A read that does not follow leaves out partitions that have nothing from that offset on.
        """
        self.positions, self.ends, self._silent_s, self._refusal = {}, {}, 0.0, None
        beginnings: dict[int, int] = {}
        for partition, start in starts.items():
            low, end = self.bounds(partition)
            self.positions[partition] = low if start is None else start
            self.ends[partition] = end
            if self.positions[partition] <= low and self._on_missing is None:
                # Retention may remove records before the first fetch.
                beginnings[partition] = OFFSET_BEGINNING
        self.behind = {one for one, end in self.ends.items() if self.positions[one] < end}
        self._assign(beginnings)

    def go_on(self, partition: int, offset: int) -> None:
        """Continue at another offset of one partition."""
        self.positions[partition] = offset
        self._assign({})

    def _assign(self, beginnings: Mapping[int, int]) -> None:
        assigned = [
            TopicPartition(self.topic, partition, beginnings.get(partition, position))
            for partition, position in self.positions.items()
            if self._follow or partition in self.behind
        ]
        if assigned:
            self._consumer.assign(assigned)

    # --- reading ----------------------------------------------------------------------------------

    @property
    def at_end(self) -> bool:
        """Whether every partition has been read to the end that it had when reading began."""
        return not self.behind

    def collect(self, count: int = _BATCH_RECORDS, wait_s: float = _WAIT_S) -> list[FetchedRecord]:
        """Return `count` records, or those that arrive within `wait_s`."""
        begun = self._begin_wait()
        return self._records(self._consumer.consume(count, wait_s), begun)

    def poll(self, count: int = _BATCH_RECORDS, wait_s: float = _WAIT_S) -> list[FetchedRecord]:
        """Return the available records, or the first ones that arrive within `wait_s`."""
        begun = self._begin_wait()
        first = self._consumer.poll(wait_s)
        if first is None:
            return self._records([], begun)
        return self._records([first, *self._consumer.consume(count - 1, 0)], begun)

    def to_end(
        self, count: int = _BATCH_RECORDS, wait_s: float = _WAIT_S
    ) -> Iterator[list[FetchedRecord]]:
        """Yield records in batches until the end is reached."""
        while self.behind:
            records = self.collect(count, wait_s)
            if records:
                yield records

    def pause(self, partitions: Iterable[int]) -> None:
        """Stop fetching partitions for now."""
        self._consumer.pause([TopicPartition(self.topic, one) for one in partitions])

    def resume(self, partitions: Iterable[int]) -> None:
        """Continue to read partitions that were paused."""
        self._consumer.resume([TopicPartition(self.topic, one) for one in partitions])

    def stop(self) -> None:
        """Let a call that waits for Kafka in another thread fail within a few seconds."""
        self._stopped = True

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close()

    def _records(self, messages: list[Any], begun: float) -> list[FetchedRecord]:
        """Return the records among confluent's messages, and note their positions."""
        waited_s = monotonic_s() - begun
        before = {one: self.positions[one] for one in self.behind}
        records: list[FetchedRecord] = []
        topic, follow, positions, ends = self.topic, self._follow, self.positions, self.ends
        moves = self._on_missing is not None
        for message in messages:
            error = message.error()
            partition, offset = message.partition(), message.offset()
            if error is not None:
                self._take_error(error, partition, offset)
            elif moves and offset < positions[partition]:
                pass  # fetched before `go_on`
            elif follow or offset < ends[partition]:
                positions[partition] = offset + 1
                records.append(fetched_record(message, topic, partition, offset))
            else:
                positions[partition] = ends[partition]
        heard = any(positions[one] != position for one, position in before.items())
        # Time spent in the caller does not count.
        self._silent_s = 0.0 if heard else self._silent_s + waited_s
        self._refusal = None if heard else self._refusal
        self.behind = {one for one in self.behind if positions[one] < ends[one]}
        return records

    def _take_error(self, error: Any, partition: int, offset: int) -> None:
        code = error.code()
        if code == _END:
            self.positions[partition] = max(self.positions[partition], offset)
        elif code == _NO_SUCH_OFFSET and self._on_missing is not None:
            self._on_missing(partition)
        else:
            failure = self._error(error, partition)
            if self._on_error is None or error.fatal():
                raise failure
            if isinstance(failure, NotAuthorizedError):
                self._refusal = failure
            self._on_error(failure)

    def _begin_wait(self) -> float:
        """Return the time at which a wait begins.

        The silence before the wait is judged here: an error after it would lose the wait's records.

        Raises:
            BrokerError: Kafka has been silent for too long; NotAuthorizedError if it said why.
        """
        if self.behind and self._silent_s > _STALL_S:
            partition = min(self.behind)
            detail = (
                f"no answer for {_STALL_S:.0f} s at offset {self.positions[partition]} of "
                f"{self.ends[partition]}"
            )
            raise self._refusal or self._error(detail, partition)
        return monotonic_s()

    def _error(self, reason: Any, partition: int, right: str = "read") -> BrokerError:
        """Return the error for a reason: NotAuthorizedError if `right` on the topic is missing."""
        refused = not_authorized([reason], f"{right} {self.topic!r}")
        if refused is not None:
            return refused
        message = f"cannot read {self.topic}-{partition}"
        return BrokerError(message, detail=str(reason), hint="is Kafka reachable?")
