"""The interventions topic: every worker reads all of it for its sinks.

A worker follows it from its start, not from its first subscriber. At the start, it reads the
interventions of the last minutes once, for clients that reconnect after another worker ended. So a
first subscriber does not wait. Without subscribers, the cost is one idle fetch, and a few
microseconds for each intervention.

Each sink receives each record once, in the order of its partition. The offsets that were read are
kept here, so that a new reader continues where its predecessor stopped.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from processor.clock import wall_ms
from processor.errors import BrokerError, TopicError
from processor.interventions import InterventionRecord, Sink
from processor.kafka.reader import Fetching, Reader
from processor.kafka.record import FetchedRecord
from processor.limits import FETCHED_INTERVENTIONS_MAX
from processor.metrics import INTERVENTIONS_UNREADABLE
from processor.request_limits import KEPT_RECORDS_READ_MAX, SLICE_HANDED_MAX
from processor.settings import Settings

log = structlog.get_logger(__name__)

_POLL_S = 0.5
# Between two attempts to read, if Kafka refuses.
_RETRY_S = 1.0
_FETCHING = Fetching(wait_ms=None, queue_bytes=16 * 1024 * 1024)


class InterventionsFeed:
    """Follows the topic and passes its records to the sinks."""

    def __init__(self, settings: Settings, partitions: int, sinks: Sequence[Sink]) -> None:
        self._settings = settings
        self._topic = settings.interventions_topic
        self._sinks = sinks
        self._positions: dict[int, int] = {}
        self._behind = set(range(partitions))
        self._partitions = partitions
        # The sinks that failed when they were last told that they have caught up.
        self._failing: set[int] = set()
        self._executor = ThreadPoolExecutor(1, "interventions")

    async def follow_forever(self) -> None:
        """Read as long as the worker runs; if Kafka refuses, try again.

        Raises:
            TopicError: the topic was deleted or made anew.
        """
        while True:
            try:
                await self._follow()
            except BrokerError as error:
                log.warning("interventions_not_read", error=str(error))
                await asyncio.sleep(_RETRY_S)

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        reader = await loop.run_in_executor(self._executor, self._open)
        try:
            if not self._positions:
                self._positions = await loop.run_in_executor(self._executor, self._starts, reader)
                self._begin_sinks()
            await loop.run_in_executor(self._executor, reader.begin, self._positions)
            while True:
                records = await loop.run_in_executor(
                    self._executor, reader.poll, FETCHED_INTERVENTIONS_MAX, _POLL_S
                )
                await self._hand_on([_record(one) for one in records])
                self._positions = dict(reader.positions)
                self._behind &= reader.behind
                if not self._behind:
                    self._tell_caught_up()
        finally:
            reader.stop()
            await asyncio.shield(loop.run_in_executor(self._executor, reader.close))

    def _begin_sinks(self) -> None:
        """Tell each sink where records begin. One that fails still gets all of them."""
        for sink in self._sinks:
            try:
                sink.begin(list(self._positions.values()))
            except Exception as error:
                log.error("sink_failed", sink=type(sink).__name__, method="begin", exc_info=error)

    def _tell_caught_up(self) -> None:
        """Tell each sink that it has caught up; log once for each that fails in this again."""
        for number, sink in enumerate(self._sinks):
            try:
                sink.caught_up()
            except Exception as error:
                if number not in self._failing:
                    log.error(
                        "sink_failed", sink=type(sink).__name__, method="caught_up", exc_info=error
                    )
                self._failing.add(number)
            else:
                self._failing.discard(number)

    async def _hand_on(self, records: Sequence[InterventionRecord]) -> None:
        """Pass records to the sinks; yield to the event loop in between."""
        work = 0
        for record in records:
            work += 1 + sum(self._take(sink, record) for sink in self._sinks)
            if work > SLICE_HANDED_MAX:
                work = 0
                await asyncio.sleep(0)

    def _take(self, sink: Sink, record: InterventionRecord) -> int:
        """Pass one record to a sink. Whatever it contains, the feed continues with the next one."""
        try:
            return sink.take(record)
        except Exception as error:
            INTERVENTIONS_UNREADABLE.inc()
            log.error(
                "intervention_not_handed_on", partition=record.partition, offset=record.offset,
                sink=type(sink).__name__, exc_info=error,
            )  # fmt: skip
            return 0

    # --- in the thread that polls -----------------------------------------------------------------

    def _open(self) -> Reader:
        reader = Reader(
            self._settings.kafka_client, self._topic, _FETCHING, follow=True, on_error=_warn,
            on_missing=lambda partition: self._go_to_first(reader, partition),
        )  # fmt: skip
        return reader

    def _starts(self, reader: Reader) -> dict[int, int]:
        """Return where to begin: as far back as records are kept for clients that reconnect."""
        since_ms = wall_ms() - self._settings.sse_replay_s * 1000
        most = KEPT_RECORDS_READ_MAX // self._partitions
        starts = {}
        for partition, young in reader.offsets_at(range(self._partitions), since_ms).items():
            low, high = reader.bounds(partition)
            starts[partition] = max(low, high if young is None else young, high - most)
        return starts

    def _go_to_first(self, reader: Reader, partition: int) -> None:
        """Go on with the first existing record: retention removed records before they were read.

        Raises:
            TopicError: the topic was deleted and made anew.
        """
        low, high = reader.bounds(partition)
        position = reader.positions[partition]
        if position > high:
            message = f"{self._topic} was deleted or created again while this worker ran"
            raise TopicError(message, hint="restart the worker; subscribers reconnect")
        log.warning(
            "interventions_missed", partition=partition, offset=position, first=low,
            hint="raise retention.ms of the topic",
        )  # fmt: skip
        reader.go_on(partition, max(position, low))


def _record(record: FetchedRecord) -> InterventionRecord:
    return InterventionRecord(
        record.partition, record.offset, record.timestamp, record.key or b"", record.value or b""
    )


def _warn(error: BrokerError) -> None:
    log.warning("interventions_topic", error=str(error))
