"""The interventions topic, followed as a whole by every worker for its subscribers.

It is followed from the start of a worker, not from its first subscriber: what came in the minutes
before is read then, once, for clients that come back from a worker that went away; and a first
subscriber waits for nothing. What it costs without subscribers is one idle fetch, and a few
microseconds for each intervention.

Each record is handed on once, in the order of its partition: the offsets that were read are kept
here, so that a consumer that had to be made anew goes on where the one before it stopped.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from processor.clock import wall_ms
from processor.errors import TopicError
from processor.interventions import InterventionRecord
from processor.limits import FETCHED_INTERVENTIONS_MAX, KEPT_RECORDS_READ_MAX, SLICE_HANDED_MAX
from processor.settings import Settings

log = structlog.get_logger(__name__)

_POLL_S = 0.5
_CALL_S = 30.0
# Between two attempts to read where Kafka refused.
_RETRY_S = 1.0
_END = KafkaError._PARTITION_EOF  # noqa: SLF001 - its public name
_NO_SUCH_OFFSET = KafkaError._AUTO_OFFSET_RESET  # noqa: SLF001 - its public name


class RecordSink(Protocol):
    """Who gets the records. Called in the event loop's thread."""

    def begin(self, positions: Sequence[int]) -> None:
        """Know where reading starts in each partition."""
        ...

    def take(self, record: InterventionRecord) -> int:
        """Take the next record; return how many subscribers that was work for."""
        ...

    def caught_up(self) -> None:
        """Know that what was in the topic is read."""
        ...


class InterventionsFeed:
    """Follows the topic and hands its records on."""

    def __init__(self, settings: Settings, partitions: int, sink: RecordSink) -> None:
        self._settings = settings
        self._topic = settings.interventions_topic
        self._sink = sink
        self._positions: list[int] = []
        self._behind = set(range(partitions))
        self._partitions = partitions
        self._executor = ThreadPoolExecutor(1, "interventions")

    async def follow_forever(self) -> None:
        """Read as long as the worker runs; where Kafka refuses, try again.

        Raises:
            TopicError: the topic was deleted or made anew.
        """
        while True:
            try:
                await self._follow()
            except KafkaException as error:
                log.warning("interventions_not_read", error=str(error.args[0]))
                await asyncio.sleep(_RETRY_S)

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        consumer = await loop.run_in_executor(self._executor, self._open)
        try:
            if not self._positions:
                starts = await loop.run_in_executor(self._executor, self._starts, consumer)
                self._positions = starts
                self._sink.begin(starts)
            self._assign(consumer)
            while True:
                records = await loop.run_in_executor(self._executor, self._read, consumer)
                await self._hand_on(records)
                if not self._behind:
                    self._sink.caught_up()
        finally:
            await asyncio.shield(loop.run_in_executor(self._executor, consumer.close))

    async def _hand_on(self, records: Sequence[InterventionRecord]) -> None:
        """Give records to the sink; others get the event loop in between."""
        work = 0
        for record in records:
            work += 1 + self._sink.take(record)
            if work > SLICE_HANDED_MAX:
                work = 0
                await asyncio.sleep(0)

    def _open(self) -> Consumer:
        return Consumer(
            {
                **self._settings.kafka_client,
                "group.id": "unused-no-group-is-joined",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                "fetch.queue.backoff.ms": 50,
                "queued.max.messages.kbytes": 16 * 1024,
            }
        )

    def _starts(self, consumer: Consumer) -> list[int]:
        """Return where to begin: as far back as is kept for clients that come back."""
        since_ms = wall_ms() - self._settings.sse_replay_s * 1000
        asked = [
            TopicPartition(self._topic, number, since_ms) for number in range(self._partitions)
        ]
        found = consumer.offsets_for_times(asked, timeout=_CALL_S)
        starts = []
        for one in sorted(found, key=lambda one: int(one.partition)):
            if one.error is not None:
                raise KafkaException(one.error)
            low, high = consumer.get_watermark_offsets(one, timeout=_CALL_S)
            young = one.offset if one.offset >= 0 else high  # negative: no record is that young
            starts.append(max(low, young, high - KEPT_RECORDS_READ_MAX // self._partitions))
        return starts

    def _assign(self, consumer: Consumer) -> None:
        """Let the consumer go on where reading has come to."""
        consumer.assign(
            [
                TopicPartition(self._topic, number, offset)
                for number, offset in enumerate(self._positions)
            ]
        )

    # --- in the thread that polls -----------------------------------------------------------------

    def _read(self, consumer: Consumer) -> list[InterventionRecord]:
        """Return what is there, or what comes first within a moment."""
        first = consumer.poll(_POLL_S)
        if first is None:
            return []
        # `consume` alone would wait until there are so many.
        messages = [first, *consumer.consume(FETCHED_INTERVENTIONS_MAX - 1, 0)]
        return [record for one in messages if (record := self._record(consumer, one))]

    def _record(self, consumer: Consumer, message: Any) -> InterventionRecord | None:
        """Return a message as a record; None for what is none, or was handed on already."""
        error, partition, offset = message.error(), message.partition(), message.offset()
        if error is None:
            if offset < self._positions[partition]:
                return None
            self._positions[partition] = offset + 1
            _, timestamp_ms = message.timestamp()
            return InterventionRecord(
                partition, offset, timestamp_ms, message.key() or b"", message.value() or b""
            )
        if error.code() == _END:
            self._behind.discard(partition)
        elif error.code() == _NO_SUCH_OFFSET:
            self._go_to_first(consumer, partition)
        elif error.fatal():
            raise KafkaException(error)
        else:
            log.warning("interventions_topic", error=str(error))
        return None

    def _go_to_first(self, consumer: Consumer, partition: int) -> None:
        """Go on with the first record that there is: retention was faster than this worker."""
        where = TopicPartition(self._topic, partition)
        low, high = consumer.get_watermark_offsets(where, timeout=_CALL_S)
        position = self._positions[partition]
        if position > high:
            message = f"{self._topic} was deleted or made anew while this worker ran"
            raise TopicError(message, hint="start the worker again; subscribers come back")
        log.warning(
            "interventions_missed", partition=partition, offset=position, first=low,
            hint="raise retention.ms of the topic",
        )  # fmt: skip
        self._positions[partition] = max(position, low)
        self._assign(consumer)
