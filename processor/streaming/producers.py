"""Producers on librdkafka.

One idempotent producer sends frames and dead letters; each partition that this worker owns has a
transactional producer of its own.

Deliveries never time out (`message.timeout.ms` 0): what was handed over arrives, in order, or the
process ends. librdkafka's guarantee of no gaps does not cover time-outs.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from confluent_kafka import KafkaException, Producer

from processor.errors import BrokerError, FencedError
from processor.limits import FRAME_BYTES_MAX, PROFILE_BYTES_MAX, TRANSACTION_TIMEOUT_MS
from processor.settings import Settings
from processor.streaming.outgoing import Outgoing

# How often delivery reports are collected while messages are under way.
_POLL_INTERVAL_S = 0.002
# A call that may have to wait for a broker that is away is repeated after this.
_RETRY_S = 10.0
# Overhead of headers and record framing above the value.
_OVERHEAD_BYTES = 64 * 1024


def close_producer(producer: Producer) -> None:
    """Drop a producer with whatever it holds.

    One that was fenced cannot abort what it has open; that error concerns nobody any more.
    """
    producer.purge()
    with suppress(KafkaException, SystemError):
        producer.close()


class DeliveryFailedError(BrokerError):
    """A message was not delivered; nothing may be sent after it."""

    code = "delivery_failed"


class IdempotentProducer:
    """Sends messages in order and tells when they are acknowledged.

    Delivery reports come in the event loop's thread, so callers need no locks. `on_failure` is
    called at most once, with the first failure; the caller ends the process there.
    """

    def __init__(self, settings: Settings, on_failure: Callable[[BaseException], None]) -> None:
        self._producer = Producer(
            {
                **settings.kafka_client,
                "client.id": f"{settings.app_id}-frames",
                "enable.idempotence": True,
                "acks": "all",
                "message.timeout.ms": 0,
                "linger.ms": 1,
                "compression.type": "lz4",
                "message.max.bytes": FRAME_BYTES_MAX + _OVERHEAD_BYTES,
                "queue.buffering.max.messages": 100_000,
                "batch.size": 512 * 1024,
            }
        )
        self._on_failure = on_failure
        self._outstanding = 0
        self._outstanding_some = asyncio.Event()

    @property
    def outstanding(self) -> int:
        """Messages handed over and not yet acknowledged."""
        return self._outstanding

    def send(
        self, topic: str, partition: int | None, key: bytes | None, value: bytes,
        on_delivered: Callable[[], None],
    ) -> None:  # fmt: skip
        """Hand one message over; `on_delivered` runs when all replicas have it."""

        def report(error: Any, _message: Any) -> None:
            self._outstanding -= 1
            if error is not None:
                self._on_failure(
                    DeliveryFailedError(f"a message to {topic} failed", detail=str(error))
                )
            else:
                on_delivered()

        where = {} if partition is None else {"partition": partition}
        self._producer.produce(topic, value=value, key=key, on_delivery=report, **where)
        self._outstanding += 1
        self._outstanding_some.set()

    async def poll_forever(self) -> None:
        """Collect delivery reports as long as messages are under way."""
        while True:
            await self._outstanding_some.wait()
            self._producer.poll(0)
            if self._outstanding:
                await asyncio.sleep(_POLL_INTERVAL_S)
            else:
                self._outstanding_some.clear()

    def close(self, timeout_s: float) -> int:
        """Wait for what is under way; return how many messages are left."""
        left: int = self._producer.flush(timeout_s)
        return left


class TransactionalProducer:
    """The producer of one partition of the profile table. Blocking: call it in a thread.

    Raises (all methods):
        FencedError: another worker has taken the partition over.
        BrokerError: the transaction was aborted, or its outcome is not known.
    """

    def __init__(self, settings: Settings, partition: int) -> None:
        self.name = f"{settings.app_id}-{partition}"
        self._settings = settings
        self._partition = partition
        self._last_offset = -1
        self._error: Any = None
        self._producer = Producer(
            {
                **settings.kafka_client,
                "client.id": self.name,
                "transactional.id": self.name,
                "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
                "acks": "all",
                "linger.ms": 0,
                "compression.type": "lz4",
                "message.max.bytes": PROFILE_BYTES_MAX + _OVERHEAD_BYTES,
                "queue.buffering.max.messages": 1_000_000,
                "queue.buffering.max.kbytes": 1_048_576,
                "batch.size": 512 * 1024,
            }
        )

    def init(self) -> None:
        """Fence every earlier producer of this partition, and end what it left open."""
        self._repeat(self._producer.init_transactions, "init_transactions")

    def send_all(self, records: Iterable[tuple[bytes, bytes | None]], outgoing: Outgoing) -> None:
        """Begin a transaction; send parts, interventions and the changelog's records.

        Changelog and interventions go to the producer's own partition of their topics.
        """
        self._last_offset = -1
        self._error = None
        try:
            self._producer.begin_transaction()
            for partition, parts in outgoing.parts.items():
                messages: list[dict[str, Any]] = [{"key": key, "value": one} for key, one in parts]
                self._send(self._settings.rules_topic, partition, messages)
            for key, value, headers in outgoing.interventions:
                self._producer.produce(
                    self._settings.interventions_topic, value=value, key=key,
                    partition=self._partition, headers=headers, on_delivery=self._report,
                )  # fmt: skip
            batch: list[dict[str, Any]] = [{"key": key, "value": value} for key, value in records]
            batch[-1]["callback"] = self._report_changelog
            self._send(self._settings.changelog_topic, self._partition, batch)
        except (KafkaException, BufferError) as error:
            raise self._failure(error) from error

    def _send(self, topic: str, partition: int, batch: list[dict[str, Any]]) -> None:
        # All of a batch to one partition: a partition that a message names is not heeded.
        self._producer.produce_batch(topic, batch, partition=partition)
        refused = [record["_error"] for record in batch if "_error" in record]
        if refused:
            raise KafkaException(refused[0])

    def commit(self) -> int:
        """Commit the transaction; return the offset of the last changelog record."""
        self._repeat(self._producer.commit_transaction, "commit_transaction")
        assert self._last_offset >= 0, "the commit waits for every delivery report"
        return self._last_offset

    def abort(self) -> None:
        """Give the transaction up; errors do not matter any more."""
        try:
            self._producer.abort_transaction(1.0)
        except KafkaException:
            return

    def close(self) -> None:
        """Drop the producer with whatever it holds."""
        close_producer(self._producer)

    def _report(self, error: Any, _message: Any) -> None:
        if error is not None and self._error is None:
            self._error = error

    def _report_changelog(self, error: Any, message: Any) -> None:
        self._report(error, message)
        if error is None:
            self._last_offset = message.offset()

    def _repeat(self, call: Callable[[float], Any], what: str) -> None:
        while True:
            try:
                call(_RETRY_S)
            except KafkaException as error:
                if not error.args[0].retriable():
                    raise self._failure(error, what) from error
            else:
                return

    def _failure(self, error: Exception, what: str = "produce") -> BrokerError | FencedError:
        reason = error.args[0]
        if isinstance(error, KafkaException) and reason.fatal():
            return FencedError(f"{self.name} was fenced in {what}", detail=str(reason))
        return BrokerError(f"{self.name} failed in {what}", detail=str(reason))
