"""The fetch paths that pass test_fetch_path.py. A new one is a row of `FETCH_PATHS`."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from processor.settings import Settings
from processor.stages import Stage
from processor.streaming.faust_app import build_faust
from processor.streaming.fetch.gated_consumer import GatedConsumer
from processor.streaming.fetch.gates import Run
from processor.streaming.fetch.transport import Consumer
from tests.contracts.aiokafka_fetch import AiokafkaConsumer


class FetchPath(Protocol):
    """A consumer, and what makes it a member of the group `settings.app_id`."""

    consumer: GatedConsumer

    async def start(self) -> None:
        """Join the group."""
        ...

    async def stop(self) -> None:
        """Leave it."""
        ...


class FaustPath:
    """Faust's membership, and librdkafka's fetches as a worker has them, or aiokafka's."""

    def __init__(
        self,
        settings: Settings,
        topic: str,
        take: Callable[[Run], None],
        consumer: type[Consumer] = Consumer,
    ) -> None:
        settings.data_dir.mkdir(parents=True)
        read = settings.model_copy(update={"enriched_topic": topic})
        self._app: Any = build_faust(read, Stage.SOURCE)
        self._app.transport.Consumer = consumer
        self._app.consumer.fetch_from(read, Stage.SOURCE)
        self.consumer: GatedConsumer = self._app.consumer
        self.consumer.on_run = take
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._running = asyncio.create_task(self._app.start())

    async def stop(self) -> None:
        await self._app.stop()
        if self._running is not None and self._running.done():
            self._running.result()


FETCH_PATHS: dict[str, Callable[[Settings, str, Callable[[Run], None]], FetchPath]] = {
    "librdkafka": FaustPath,
    "aiokafka": partial(FaustPath, consumer=AiokafkaConsumer),
}
