"""What-if runs in a worker: one at a time, in a thread, within bounds.

A run shares the worker's core and has its own memory. Its thread works in short slices with pauses
between them, so that the event loop's thread waits for it no longer than for a slice of other work.
"""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

from definitions.attribute_groups import AttributeGroup
from definitions.catalog import Catalog
from processor.aggregates import Result
from processor.api.backend import Backend, PastEvents
from processor.clock import monotonic_s, wall_ms
from processor.engine import Source, WhatIf, compile_plan
from processor.errors import BrokerError, NotReadyError, UsageError
from processor.request_limits import (
    READ_WAIT_S,
    TEST_BYTES_MAX,
    TEST_PROFILES_MAX,
    TEST_RUN_S,
    TEST_SAMPLE_IDS,
    TEST_SLICE_S,
)
from processor.settings import Settings

Row = dict[str, Result]

# Selects the returned ids if none are requested: the same ids for the same events.
_SEED = 1
# If a window was read in part, this share of that part should be readable in time.
_LESS = 0.8
_SECOND_MS = 1_000
_SHORTER = "use a shorter window, or run `processor test`, which has no such limit"


@dataclass(frozen=True, slots=True)
class Asked:
    """A valid group with its complete key, and which events and ids count.

    Empty app_ids: those of the settings. Empty ids: a sample.
    """

    group: AttributeGroup
    app_ids: tuple[str, ...]
    ids: tuple[str, ...]
    window_ms: int


class WhatIfRuns:
    """Runs one after the other. Used in the event loop's thread."""

    def __init__(self, backend: Backend, settings: Settings) -> None:
        self._backend = backend
        self._settings = settings
        self._thread = ThreadPoolExecutor(1, "what-if")
        self._turn = asyncio.Semaphore(1)
        self._stopped = threading.Event()

    async def rows(self, asked: Asked) -> list[Row]:
        """Return a row for each id that has a value.

        Raises:
            UsageError: more events, or larger windows, than fit a request.
            NotReadyError: another run is in progress, or the worker is stopping.
            BrokerError, TopicError: the events cannot be read.
        """
        try:
            async with asyncio.timeout(READ_WAIT_S):
                await self._turn.acquire()
        except TimeoutError:
            message = "another what-if run is in progress on this worker"
            raise NotReadyError(message, hint="try again in a moment") from None
        run = _Run(self._backend, self._settings, asked, self._stopped)
        running = asyncio.get_running_loop().run_in_executor(self._thread, run.rows)
        running.add_done_callback(self._done)
        try:
            done, _ = await asyncio.wait([running], timeout=TEST_RUN_S)
        finally:
            run.given_up = True
        if not done:
            raise run.too_long()
        return running.result()

    def close(self) -> None:
        """Abort the current run."""
        self._stopped.set()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _done(self, running: "asyncio.Future[list[Row]]") -> None:
        self._turn.release()
        if not running.cancelled():
            running.exception()  # perhaps nobody waits for it any longer


class _Run:
    """One run; `rows` is called in a thread, the rest from outside."""

    def __init__(
        self, backend: Backend, settings: Settings, asked: Asked, stopped: threading.Event
    ) -> None:
        self.given_up = False
        self._backend = backend
        self._settings = settings
        self._asked = asked
        self._stopped = stopped
        self._total = 0
        self._taken = 0

    def too_long(self) -> BrokerError | UsageError:
        """Return why the run did not finish in time."""
        if not self._taken:
            message = f"Kafka returned no events within {TEST_RUN_S:.0f} s"
            return BrokerError(message, hint="try again in a moment")
        message = f"the window has about {self._total} events: too many to compute in a request"
        detail = f"{self._taken} within {TEST_RUN_S:.0f} s"
        share = _LESS * self._taken / max(self._taken, self._total)
        seconds = max(1, int(self._asked.window_ms * share / _SECOND_MS))
        hint = f"{_SHORTER}; {seconds} s may be short enough"
        return UsageError(message, detail=detail, hint=hint)

    def rows(self) -> list[Row]:
        """Compute the rows."""
        asked = self._asked
        group = asked.group
        plan = compile_plan(
            Catalog.empty().with_objects([group]),
            **self._settings.counting(asked.app_ids),
        )
        what_if = WhatIf(plan, asked.ids, profiles_max=TEST_PROFILES_MAX)
        now_ms = wall_ms()
        with closing(self._backend.past_events(max(0, now_ms - asked.window_ms))) as events:
            self._total = events.total
            self._take(what_if, events)
        attributes = plan.group_attributes(group.name, group.version)
        key = group.attribute_key.name
        ids: Sequence[str] = asked.ids or what_if.sample(
            attributes, TEST_SAMPLE_IDS, seed=_SEED, now_ms=now_ms
        )
        rows = []
        for identifier in ids:
            values = what_if.values(key, identifier, attributes, now_ms)
            if any(value is not None for value in values):
                names = [attribute.name for attribute in attributes]
                rows.append({key: identifier, **dict(zip(names, values, strict=True))})
        return rows

    def _take(self, what_if: WhatIf, events: PastEvents) -> None:
        topic = self._settings.enriched_topic
        pause_at = monotonic_s() + TEST_SLICE_S
        for event in events:
            source = Source(topic, event.partition)
            what_if.take(event.value, source, event.offset, event.arrival_ms)
            if monotonic_s() < pause_at:
                continue
            self._taken = what_if.events
            if what_if.window_bytes > TEST_BYTES_MAX:
                message = "the windows of this group take too much memory for a request"
                detail = f"after {self._taken} of about {self._total} events"
                raise UsageError(message, detail=detail, hint=f"name fewer ids, or {_SHORTER}")
            if self._stopped.wait(TEST_SLICE_S) or self.given_up:
                message = "this worker is stopping"
                raise NotReadyError(message, hint="try again in a moment")
            pause_at = monotonic_s() + TEST_SLICE_S
