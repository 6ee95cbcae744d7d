"""One subscriber: what waits for it, and what it missed."""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from processor.api.event_ids import EventIds
from processor.api.turns import Turns
from processor.interventions import InterventionRecord, client_form
from processor.limits import (
    SLICE_REPLAYED_MAX,
    SSE_CHUNK_BYTES_MAX,
    SSE_QUEUE_BYTES_MAX,
    SSE_QUEUE_ITEMS_MAX,
)
from processor.metrics import INTERVENTIONS_UNREADABLE, SSE_CUT_OFF, SSE_REPLAYED

# An attribute key and an id of it.
Target = tuple[str, str]

_SLOW: Final = b": cut off, this client reads too slowly; come back with the last event's id\n\n"
_INCOMPLETE: Final = b": some interventions since the last event are not kept any more\n\n"


def event(event_id: bytes, line: bytes) -> bytes:
    """Return a server-sent event of the default kind."""
    return b"id: %b\ndata: %b\n\n" % (event_id, line)


class Missed:
    """What a subscriber missed, brought into its form piece by piece as it reads."""

    def __init__(
        self, ids: EventIds, last: Sequence[int], records: Iterable[InterventionRecord]
    ) -> None:
        self._ids = ids
        self._positions = list(last)
        self._records = deque(records)

    def take(self, targets: frozenset[Target]) -> bytes:
        """Return the next events; empty where none of the next records was for the targets."""
        chunks = []
        for _ in range(min(SLICE_REPLAYED_MAX, len(self._records))):
            record = self._records.popleft()
            self._positions[record.partition] = record.offset + 1
            try:
                form = client_form(record.value)
            except ValueError:
                INTERVENTIONS_UNREADABLE.inc()
                continue
            if (form.target_key, form.target_id) in targets:
                chunks.append(event(self._ids.encode(self._positions), form.line))
        SSE_REPLAYED.inc(len(chunks))
        return b"".join(chunks)

    @property
    def left(self) -> bool:
        """Whether there is more."""
        return bool(self._records)


class Subscription:
    """What waits for a subscriber, within bounds. Used in the event loop's thread.

    `ahead` are the offsets that it has come to, as long as its worker has not read so far. `ended`
    is the comment with which its stream ends, None as long as it goes on. `beat_at` is when its
    next heartbeat is due.
    """

    __slots__ = (
        "_bytes", "_missed", "_queue", "_turns", "_waiter", "ahead", "beat_at", "ended", "targets",
    )  # fmt: skip

    def __init__(self, targets: frozenset[Target], turns: Turns) -> None:
        self.targets = targets
        self._turns = turns
        self.ahead: list[int] | None = None
        self.ended: bytes | None = None
        self.beat_at = 0.0
        self._missed: Missed | None = None
        self._queue: deque[bytes] = deque()
        self._bytes = 0
        self._waiter: asyncio.Future[None] | None = None

    @property
    def waiting(self) -> bool:
        """Whether something waits for the subscriber."""
        return bool(self._queue) or self._missed is not None

    def catch_up(self, missed: Missed, *, complete: bool) -> None:
        """Let the subscriber have what it missed before anything else, and hear if some is gone."""
        if missed.left:
            self._missed = missed
        if not complete:
            self.put(_INCOMPLETE)

    def put(self, chunk: bytes) -> bool:
        """Let a chunk wait; return whether it does. Too much of it ends the stream."""
        if self.ended is not None:
            return False
        full = len(self._queue) >= SSE_QUEUE_ITEMS_MAX
        if full or (self._queue and self._bytes + len(chunk) > SSE_QUEUE_BYTES_MAX):
            SSE_CUT_OFF.inc()
            self.end(_SLOW)
            return False
        self._queue.append(chunk)
        self._bytes += len(chunk)
        self._wake()
        return True

    def take(self) -> bytes:
        """Return what is to be sent next; it may be nothing while `waiting`."""
        if self._missed is not None:
            chunk = self._missed.take(self.targets)
            if not self._missed.left:
                self._missed = None
            return chunk
        chunks: list[bytes] = []
        size = 0
        while self._queue and (not chunks or size + len(self._queue[0]) <= SSE_CHUNK_BYTES_MAX):
            chunks.append(self._queue.popleft())
            size += len(chunks[-1])
        self._bytes -= size
        return b"".join(chunks)

    def end(self, comment: bytes) -> None:
        """End the stream with a comment, and drop what waits."""
        if self.ended is None:
            self.ended = comment
            self._missed = None
            self._queue.clear()
            self._bytes = 0
        self._wake()

    async def wait(self) -> None:
        """Wait until there is something to send, or the end."""
        if not self.waiting and self.ended is None:
            waiter = self._waiter = asyncio.get_running_loop().create_future()
            await waiter

    def _wake(self) -> None:
        if self._waiter is not None:
            self._turns.add(self._waiter)
            self._waiter = None
