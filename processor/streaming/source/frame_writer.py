"""Collects sections into frames and sends a frame when it is large enough or a few ms old."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from processor.limits import FRAME_BYTES_TARGET, FRAME_LINGER_MS
from processor.streaming.messages.frames import encode_frame
from processor.streaming.messages.producers import IdempotentProducer

# The array header of a frame counts to 65535; a frame of the target size holds far fewer.
_SECTIONS_MAX = 1_000


class Delivery(Protocol):
    """Something that waits for acknowledgements."""

    pending: int

    def delivered(self) -> None:
        """Count one acknowledgement."""
        ...


@dataclass(slots=True)
class _OpenFrame:
    level: int
    sections: list[bytes] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    size: int = 0


class FrameWriter:
    """Frames under construction, one for each target partition. Used in the event loop's thread.

    `wrote` receives the number of bytes of each frame.
    """

    def __init__(
        self, topic: str, producer: IdempotentProducer, wrote: Callable[[int], None]
    ) -> None:
        self._topic = topic
        self._wrote = wrote
        self._producer = producer
        self._open: dict[int, _OpenFrame] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, target: int, section: bytes, level: int, delivery: Delivery) -> None:
        """Put a section, encoded at a format level, into the target's frame.

        `delivery` is notified when Kafka has it.
        """
        frame = self._open.get(target)
        if frame is None:
            frame = self._open[target] = _OpenFrame(level)
        elif frame.size + len(section) > FRAME_BYTES_TARGET:
            self._send(target)
            frame = self._open[target] = _OpenFrame(level)
        assert frame.level == level, "a rebalance clears what the generation before left open"
        frame.sections.append(section)
        frame.deliveries.append(delivery)
        frame.size += len(section)
        delivery.pending += 1
        if frame.size >= FRAME_BYTES_TARGET or len(frame.sections) >= _SECTIONS_MAX:
            self._send(target)
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(
                FRAME_LINGER_MS / 1000, self.send_all
            )

    def send_all(self) -> None:
        """Send every open frame now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for target in list(self._open):
            self._send(target)

    def clear(self) -> None:
        """Forget what is not sent: this worker no longer owns its source partitions."""
        self._open.clear()

    def _send(self, target: int) -> None:
        frame = self._open.pop(target)
        deliveries = frame.deliveries

        def delivered() -> None:
            for delivery in deliveries:
                delivery.delivered()

        value = encode_frame(frame.sections, frame.level)
        self._wrote(len(value))
        self._producer.send(self._topic, target, None, value, delivered)
