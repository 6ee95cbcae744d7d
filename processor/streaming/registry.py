"""Definitions as requests read and change them: what is committed counts, on every worker.

A read looks where the topic ends and waits until this worker has read that far. Changes of one
worker follow each other; those of several push each other aside and are tried again.
"""

import asyncio
import random
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor

from confluent_kafka import IsolationLevel, KafkaException
from confluent_kafka import TopicPartition as KafkaPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from definitions.catalog import Catalog
from definitions.life_cycle import LifeCycleStep
from processor.clock import monotonic_s
from processor.errors import BrokerError, ConflictError, NotReadyError, ProcessorError
from processor.limits import (
    DEFINITIONS_CHANGE_S,
    DEFINITIONS_CONFLICT_S,
    DEFINITIONS_WAITING_MAX,
    READ_WAIT_S,
)
from processor.metrics import DEFINITIONS_CHANGES
from processor.settings import Settings
from processor.streaming.definitions_topic import DefinitionsReader, DefinitionsWriter, Written

_AGAIN = "try again in a moment"
# Looks at the end of the topic beside each other; one takes a few milliseconds.
_LOOKS = 4
_LOOK_S = 5.0
# Two workers that push each other aside wait for times that differ.
_RETRY_S = 0.05

Step = Callable[[Catalog, Collection[str]], LifeCycleStep]


class Registry:
    """The definitions of the topic. Used in the event loop's thread; waits in threads of its own.

    Raises (all methods):
        NotReadyError: not within the bounds; the message says what is known.
        BrokerError: Kafka does not answer.
    """

    def __init__(self, settings: Settings, reader: DefinitionsReader) -> None:
        self._settings = settings
        self._reader = reader
        self._writer = DefinitionsWriter(settings)
        self._admin = AdminClient(settings.kafka_client)
        self._writing = ThreadPoolExecutor(1, "definitions-change")
        self._looking = ThreadPoolExecutor(_LOOKS, "definitions-end")
        self._waiting = 0

    async def catalog(self) -> Catalog:
        """Return the definitions with everything that was committed before the call."""
        loop = asyncio.get_running_loop()
        end = await loop.run_in_executor(self._looking, self._end)
        await self.reach(end - 1)
        return self._reader.catalog

    async def reach(self, offset: int) -> None:
        """Wait until this worker uses the definitions up to `offset`."""
        deadline = monotonic_s() + READ_WAIT_S
        while not await self._reader.reach(offset):
            if monotonic_s() > deadline:
                message = f"this worker has not read the definitions up to offset {offset}"
                raise NotReadyError(message, hint=_AGAIN)

    async def change(self, step: Step) -> Written:
        """Take a step under the lock of the topic; it is committed and in use here afterwards.

        Raises:
            InvalidDefinitionsError: the step refuses it; nothing was written.
            ConflictError: other writers came first all the time; nothing was written.
        """
        if self._waiting >= DEFINITIONS_WAITING_MAX:
            message = f"{self._waiting} changes of definitions wait already"
            raise NotReadyError(message, hint="try again in a few seconds")
        self._waiting += 1
        change = asyncio.ensure_future(self._change(step))
        change.add_done_callback(self._changed)
        done, _ = await asyncio.wait([change], timeout=DEFINITIONS_CHANGE_S)
        if not done:
            message = "Kafka has not confirmed the change; it may still be carried out"
            raise NotReadyError(message, hint="look whether it is there before you try again")
        written = change.result()
        await self.reach(written.offset)
        return written

    def close(self) -> None:
        """Start nothing more."""
        self._writing.shutdown(wait=False, cancel_futures=True)
        self._looking.shutdown(wait=False, cancel_futures=True)

    def _changed(self, change: "asyncio.Future[Written]") -> None:
        self._waiting -= 1
        error = None if change.cancelled() else change.exception()
        result = "done" if error is None else "failed"
        if isinstance(error, ProcessorError):
            result = error.code
        DEFINITIONS_CHANGES.labels(result).inc()

    async def _change(self, step: Step) -> Written:
        loop = asyncio.get_running_loop()
        deadline = monotonic_s() + DEFINITIONS_CONFLICT_S
        pause_s = _RETRY_S
        while True:
            try:
                return await loop.run_in_executor(self._writing, self._writer.apply, step)
            except ConflictError:
                if monotonic_s() > deadline:
                    raise
            await asyncio.sleep(pause_s * (1 + random.random()))  # noqa: S311 - spread
            pause_s = min(2 * pause_s, 1.0)

    def _end(self) -> int:
        """Return where the committed records of the topic end."""
        where = KafkaPartition(self._settings.definitions_topic, 0)
        try:
            asked = self._admin.list_offsets(
                {where: OffsetSpec.latest()},
                isolation_level=IsolationLevel.READ_COMMITTED,
                request_timeout=_LOOK_S,
            )
            return int(asked[where].result(_LOOK_S).offset)
        except (KafkaException, TimeoutError) as error:
            message = f"cannot look at the definitions topic at {self._settings.bootstrap_servers}"
            raise BrokerError(message, detail=str(error), hint="is Kafka running there?") from error
