"""Direct interventions, written to their topic."""

from collections.abc import Iterable
from functools import cached_property

from processor.errors import BrokerError, NotAuthorizedError
from processor.interventions import Pushed
from processor.kafka.partitioner import Partitioner
from processor.kafka.sender import Message, Sender
from processor.limits import MESSAGE_OVERHEAD_BYTES, PROFILE_BYTES_MAX
from processor.request_limits import PUSH_DELIVERY_MS
from processor.settings import Settings

_BUFFER_KBYTES = 64 * 1024


class InterventionsWriter:
    """Writes beside the flushes, outside their transactions. Used in the event loop's thread.

    Its producer is made at the first push: few workers ever receive one.
    """

    def __init__(self, settings: Settings, partitioner: Partitioner) -> None:
        self._settings = settings
        self._partitioner = partitioner

    @cached_property
    def _sender(self) -> Sender:
        return Sender(
            self._settings.kafka_client,
            {
                "client.id": f"{self._settings.app_id}-pushes",
                "message.timeout.ms": PUSH_DELIVERY_MS,
                "linger.ms": 0,
                "message.max.bytes": PROFILE_BYTES_MAX + MESSAGE_OVERHEAD_BYTES,
                "queue.buffering.max.kbytes": _BUFFER_KBYTES,
            },
        )

    async def write(self, messages: Iterable[tuple[Pushed, bytes]]) -> None:
        """Write to the partitions to which rules write for the same targets.

        Raises:
            BrokerError: Kafka has not acknowledged all of them in time; NotAuthorizedError if a
                right is missing.
        """
        try:
            await self._sender.send_all([self._message(*one) for one in messages])
        except NotAuthorizedError:
            raise
        except BrokerError as error:
            message = "not all interventions were written"
            hint = "is Kafka reachable? push again"
            raise BrokerError(message, detail=error.detail, hint=hint) from error

    def _message(self, pushed: Pushed, value: bytes) -> Message:
        headers = [
            ("name", pushed.name.encode()),
            ("version", str(pushed.version).encode()),
            ("content-type", b"application/json"),
        ]
        partition = self._partitioner.partition(pushed.target_key, pushed.target_id)
        topic = self._settings.interventions_topic
        return Message(topic, value, pushed.target_id.encode(), partition, headers)
