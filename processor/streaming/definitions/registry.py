"""Definitions as requests read and change them: on every worker, as committed.

A read finds the end of the topic and waits until this worker has read up to it. Changes by one
worker are made one after another; changes by several workers fence each other and are tried again.
"""

import asyncio
import random
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor

from definitions.catalog import Catalog
from definitions.life_cycle import LifeCycleStep
from processor.clock import monotonic_s
from processor.errors import (
    BrokerError,
    ConflictError,
    NotAuthorizedError,
    NotReadyError,
    ProcessorError,
)
from processor.kafka.cluster import Cluster
from processor.metrics import DEFINITIONS_CHANGES
from processor.request_limits import (
    DEFINITIONS_CHANGE_S,
    DEFINITIONS_CONFLICT_S,
    DEFINITIONS_WAITING_MAX,
)
from processor.settings import Settings
from processor.streaming.definitions.definitions_topic import (
    DefinitionsReader,
    DefinitionsWriter,
    Written,
)

# How many lookups of the topic's end run at the same time; one takes a few milliseconds.
_LOOKS = 4
_LOOK_S = 5.0
# Two workers that fence each other wait for different times.
_RETRY_S = 0.05

Step = Callable[[Catalog, Collection[str]], LifeCycleStep]


class Registry:
    """The definitions of the topic. Used in the event loop's thread; waits in its own threads.

    Raises (all methods):
        NotReadyError: not done within the time limits; the message states what is known.
        BrokerError: Kafka does not answer.
    """

    def __init__(self, settings: Settings, reader: DefinitionsReader) -> None:
        self._settings = settings
        self._reader = reader
        self._writer = DefinitionsWriter(settings)
        self._cluster = Cluster(settings.kafka_client)
        self._writing = ThreadPoolExecutor(1, "definitions-change")
        self._looking = ThreadPoolExecutor(_LOOKS, "definitions-end")
        self._waiting = 0

    async def catalog(self) -> Catalog:
        """Return the definitions, with everything that was committed before the call."""
        loop = asyncio.get_running_loop()
        end = await loop.run_in_executor(self._looking, self._end)
        await self._reader.use_up_to(end - 1)
        return self._reader.catalog

    async def change(self, step: Step) -> Written:
        """Take a step under the lock of the topic; afterwards it is committed and in use here.

        Raises:
            InvalidDefinitionsError: the step refuses the change; nothing was written.
            ConflictError: other writers came first at every attempt; nothing was written.
        """
        if self._waiting >= DEFINITIONS_WAITING_MAX:
            message = f"{self._waiting} changes of definitions are already waiting"
            raise NotReadyError(message, hint="try again in a few seconds")
        self._waiting += 1
        change = asyncio.ensure_future(self._change(step))
        change.add_done_callback(self._changed)
        done, _ = await asyncio.wait([change], timeout=DEFINITIONS_CHANGE_S)
        if not done:
            message = "Kafka has not confirmed the change; it may still be carried out"
            raise NotReadyError(message, hint="check whether it was made before you try again")
        written = change.result()
        await self._reader.use_up_to(written.offset)
        return written

    def close(self) -> None:
        """Start no more work."""
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
        """Return the end of the topic's committed records."""
        where = self._settings.definitions_topic, 0
        try:
            return self._cluster.ends([where], committed=True, timeout_s=_LOOK_S)[where]
        except NotAuthorizedError:
            raise
        except BrokerError as error:
            message = f"cannot read the definitions topic at {self._settings.bootstrap_servers}"
            hint = "is Kafka running there?"
            raise BrokerError(message, detail=error.detail, hint=hint) from error
