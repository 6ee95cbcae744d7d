"""Direct interventions, written to their topic."""

import asyncio
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from confluent_kafka import KafkaException, Producer

from processor.errors import BrokerError
from processor.interventions import Pushed
from processor.limits import PROFILE_BYTES_MAX, PUSH_DELIVERY_MS
from processor.settings import Settings
from processor.streaming.partitioner import Partitioner

_POLL_S = 0.002
_OVERHEAD_BYTES = 64 * 1024
_BUFFER_KBYTES = 64 * 1024


class InterventionsWriter:
    """Writes beside the flushes, outside of their transactions. Used in the event loop's thread.

    Its producer is made with the first push: few workers ever see one.
    """

    def __init__(self, settings: Settings, partitioner: Partitioner) -> None:
        self._settings = settings
        self._partitioner = partitioner

    @cached_property
    def _producer(self) -> Producer:
        return Producer(
            {
                **self._settings.kafka_client,
                "client.id": f"{self._settings.app_id}-pushes",
                "enable.idempotence": True,
                "acks": "all",
                "message.timeout.ms": PUSH_DELIVERY_MS,
                "linger.ms": 0,
                "compression.type": "lz4",
                "message.max.bytes": PROFILE_BYTES_MAX + _OVERHEAD_BYTES,
                "queue.buffering.max.kbytes": _BUFFER_KBYTES,
            }
        )

    async def write(self, messages: Iterable[tuple[Pushed, bytes]]) -> None:
        """Write to the partitions in which rules fire for the same targets.

        Raises:
            BrokerError: Kafka has not taken all of them in time.
        """
        waiting = 0
        failed = ""

        def report(error: Any, _message: Any) -> None:
            nonlocal waiting, failed
            waiting -= 1
            if error is not None:
                failed = str(error)

        for pushed, value in messages:
            headers = [
                ("name", pushed.name.encode()),
                ("version", str(pushed.version).encode()),
                ("content-type", b"application/json"),
            ]
            try:
                self._producer.produce(
                    self._settings.interventions_topic, value, pushed.target_id.encode(),
                    self._partitioner.partition(pushed.target_key, pushed.target_id),
                    on_delivery=report, headers=headers,
                )  # fmt: skip
            except (KafkaException, BufferError) as error:
                failed = str(error)
                break
            waiting += 1
        while waiting:
            self._producer.poll(0)
            if waiting:
                await asyncio.sleep(_POLL_S)
        if failed:
            message = "the interventions were not all written"
            raise BrokerError(message, detail=failed, hint="is Kafka reachable? push again")
