"""One subscriber: its queue, and the interventions that it missed."""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum, auto
from typing import Final

from processor.api.subscriptions.event_ids import EventIds
from processor.api.subscriptions.turns import Turns
from processor.interventions import ClientForm, InterventionRecord, client_form, spelled
from processor.metrics import INTERVENTIONS_UNREADABLE, SSE_CUT_OFF, SSE_REPLAYED
from processor.request_limits import (
    SLICE_REPLAYED_MAX,
    SSE_CHUNK_BYTES_MAX,
    SSE_QUEUE_BYTES_MAX,
    SSE_QUEUE_ITEMS_MAX,
)

# An attribute key and an id.
Target = tuple[str, str]

_SLOW: Final = b": cut off, this client reads too slowly; come back with the last event's id\n"
INCOMPLETE: Final = b": some interventions since the last event are not kept any more\n"


class Reader(Enum):
    """What reads a stream: a program, a script of a page, or a browser's own EventSource."""

    PROGRAM = auto()
    PAGE = auto()
    EVENT_SOURCE = auto()


def event(event_id: bytes, line: bytes) -> bytes:
    """Return a server-sent event of the default kind."""
    return b"id: %b\ndata: %b\n\n" % (event_id, line)


def position(event_id: bytes, reader: Reader) -> bytes:
    """Return the position of a stream, for a reader that has received no event since.

    It is a comment, because most clients take a block without data for an event, or fail at it. An
    EventSource follows the standard and gets a block with an id: it can resume from nothing else.
    """
    if reader is Reader.EVENT_SOURCE:
        return b"id: %b\n\n" % event_id
    return b": id %b\n" % event_id


class Missed:
    """The interventions that a subscriber missed, formatted piece by piece as it reads."""

    def __init__(
        self, ids: EventIds, last: Sequence[int], records: Iterable[InterventionRecord]
    ) -> None:
        self._ids = ids
        self._positions = list(last)
        self._records = deque(records)

    def take(self, subscription: "Subscription") -> bytes:
        """Return the next events; empty if none of the next records is for the subscriber."""
        chunks = []
        for _ in range(min(SLICE_REPLAYED_MAX, len(self._records))):
            record = self._records.popleft()
            self._positions[record.partition] = record.offset + 1
            try:
                form = client_form(record.value)
            except ValueError:
                INTERVENTIONS_UNREADABLE.inc()
                continue
            if form.target in subscription.targets:
                line = subscription.line_of(form)
                chunks.append(event(self._ids.encode(self._positions), line))
        SSE_REPLAYED.inc(len(chunks))
        return b"".join(chunks)

    @property
    def left(self) -> bool:
        """Whether there is more."""
        return bool(self._records)


class Subscription:
    """The queue of a subscriber, within bounds. Used in the event loop's thread.

    `targets` are in the spelling of profiles; `spellings` are the ids that the subscriber spells
    differently, and receives so. `reader` is the kind of client. `ahead` are the subscriber's
    offsets as long as its worker has not read that far. `ended` is the comment with which its
    stream ends, None while it is open. `beat_at` is the time of its next heartbeat.
    """

    __slots__ = (
        "_bytes", "_missed", "_queue", "_turns", "_waiter", "ahead", "beat_at", "ended", "reader",
        "spellings", "targets",
    )  # fmt: skip

    def __init__(
        self,
        targets: frozenset[Target],
        turns: Turns,
        spellings: Mapping[Target, str] | None = None,
        reader: Reader = Reader.PROGRAM,
    ) -> None:
        self.targets = targets
        self.reader = reader
        self.spellings = spellings or {}
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
        """Send the missed interventions first, with a comment if some are no longer kept."""
        if missed.left:
            self._missed = missed
        if not complete:
            self.put(INCOMPLETE)

    def put(self, chunk: bytes) -> bool:
        """Queue a chunk; return whether it was queued. A full queue ends the stream."""
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
        """Return the next bytes to send; they can be empty even while `waiting`."""
        if self._missed is not None:
            chunk = self._missed.take(self)
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

    def line_of(self, form: ClientForm) -> bytes:
        """Return the line of an intervention for a target, with the id as it was requested."""
        spelling = self.spellings.get(form.target)
        return form.line if spelling is None else spelled(form.line, spelling)

    def end(self, comment: bytes) -> None:
        """End the stream with a comment, and drop the queue."""
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
