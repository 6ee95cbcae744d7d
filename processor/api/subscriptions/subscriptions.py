"""The subscribers to interventions on this worker.

Every worker reads the whole topic and delivers each record to those of its own subscribers that
follow its target. The id of each event contains the subscriber's position: an offset for every
partition. A subscriber that reconnects with an id, to any worker, receives what it missed from the
records that are kept (recent.py); new ones wait meanwhile. If its position is ahead of what this
worker has read, it receives nothing twice.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from starlette.exceptions import HTTPException

from processor.api.http.admission import streams_max
from processor.api.subscriptions.event_ids import EventIds
from processor.api.subscriptions.recent import RecentInterventions
from processor.api.subscriptions.subscription import (
    INCOMPLETE,
    Missed,
    Reader,
    Subscription,
    Target,
    event,
    position,
)
from processor.api.subscriptions.turns import Turns
from processor.clock import monotonic_s, wall_ms
from processor.errors import NotReadyError
from processor.interventions import ClientForm, InterventionRecord, client_form
from processor.memory import replay_bytes
from processor.metrics import (
    INTERVENTIONS_UNREADABLE,
    SSE_CLIENTS,
    SSE_DELIVERED,
    SSE_REFUSED,
    SSE_REPLAYS_INCOMPLETE,
)
from processor.request_limits import SLICE_HEARTBEATS_MAX, SSE_PAGE_REPLAY_MS, SSE_READY_WAIT_S
from processor.settings import Settings

# Minimum time between two checks whether heartbeats are due.
_LOOK_S = 0.05
_TOO_MANY = 429
_RETRY_AFTER: Final = {"Retry-After": "5"}
_STOPS: Final = b": this worker stops; come back\n"


class Subscriptions:
    """The subscribers of one worker. Used in the event loop's thread."""

    def __init__(self, settings: Settings, topic_id: str, partitions: int) -> None:
        self._settings = settings
        self._most = streams_max(settings)
        self._ids = EventIds(topic_id, partitions)
        self._positions = [0] * partitions
        self._recent = RecentInterventions(settings.sse_replay_s * 1000, replay_bytes(settings))
        self._ready = asyncio.Event()
        self._closed = False
        self._by_id: dict[bytes, list[Subscription]] = {}
        self._by_address: Counter[str] = Counter()
        self._count = 0
        self._turns = Turns()
        self._due: deque[Subscription] = deque()
        self._heartbeat: bytes | None = None

    @property
    def kept_bytes(self) -> int:
        """Memory of the interventions kept for clients that reconnect."""
        return self._recent.bytes

    # --- records ----------------------------------------------------------------------------------

    def begin(self, positions: Sequence[int]) -> None:
        """Start reading at these offsets."""
        self._positions = list(positions)
        self._recent.begin(positions)

    def caught_up(self) -> None:
        """Admit subscribers from now on: the existing records of the topic have been read."""
        self._ready.set()

    def take(self, record: InterventionRecord) -> int:
        """Deliver a record to the subscribers of its target, and keep it for a while.

        Returns:
            How many subscribers follow its id, which is a measure of the work done.
        """
        self._positions[record.partition] = record.offset + 1
        self._heartbeat = None
        self._recent.add(record)
        subscribers = self._by_id.get(record.target_id, ())
        if subscribers:
            self._hand_out(record, subscribers)
        return len(subscribers)

    def _hand_out(self, record: InterventionRecord, subscribers: Iterable[Subscription]) -> None:
        try:
            form = client_form(record.value)
        except ValueError:
            INTERVENTIONS_UNREADABLE.inc()
            return
        target = form.target
        told = event(self._ids.encode(self._positions), form.line)
        delivered = 0
        for one in subscribers:
            if target not in one.targets:
                continue
            if one.ahead is None:
                delivered += one.put(self._respelled(told, one, form) if one.spellings else told)
            elif record.offset >= one.ahead[record.partition]:
                delivered += one.put(event(self._id_ahead(one), one.line_of(form)))
        SSE_DELIVERED.inc(delivered)

    def _respelled(self, told: bytes, one: Subscription, form: ClientForm) -> bytes:
        """Return an event for a subscriber that spells some of its ids differently."""
        line = one.line_of(form)
        return told if line is form.line else event(self._ids.encode(self._positions), line)

    def _id_ahead(self, one: Subscription) -> bytes:
        """Return the id for a subscriber whose position is ahead of this worker's."""
        assert one.ahead is not None, "only such a subscriber has an id of its own"
        reached = [max(pair) for pair in zip(self._positions, one.ahead, strict=True)]
        if reached == self._positions:
            one.ahead = None
        return self._ids.encode(reached)

    # --- subscribers ------------------------------------------------------------------------------

    async def admit(self, address: str) -> None:
        """Wait until this worker has caught up, and check whether there is room for one more.

        Raises:
            NotReadyError: it does not catch up in time, or stops.
            HTTPException: the maximum number of subscribers is reached.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ready.wait(), SSE_READY_WAIT_S)
        if self._closed or not self._ready.is_set():
            SSE_REFUSED.labels("not_ready").inc()
            message = "this worker does not read interventions at the moment"
            raise NotReadyError(message, hint="try again in a moment")
        if self._count >= self._most:
            SSE_REFUSED.labels("worker_full").inc()
            message = "this worker has reached its limit of subscribers - try another worker"
            raise HTTPException(_TOO_MANY, message, _RETRY_AFTER)
        most = self._settings.sse_clients_per_address
        if most and self._by_address[address] >= most:
            SSE_REFUSED.labels("address_full").inc()
            message = (
                "too many subscriptions from your address - follow several ids in one subscription"
            )
            raise HTTPException(_TOO_MANY, message, _RETRY_AFTER)

    def offsets_before(self, moment_ms: int, targets: Iterable[Target]) -> Sequence[int] | None:
        """Return the offsets from which a subscriber continues after a moment of the last minutes.

        None if nothing arrived for the targets since then.
        """
        ids = {id_.encode() for _, id_ in targets}
        kept = self._recent.after(self._recent.complete_from, ids)
        young = [record for record in kept if record.timestamp_ms > moment_ms]
        if not young:
            return None
        starts = list(self._positions)
        for record in young:
            starts[record.partition] = min(starts[record.partition], record.offset)
        return starts

    @contextmanager
    def opened(
        self,
        targets: frozenset[Target],
        address: str,
        last_event_id: str,
        spellings: Mapping[Target, str] | None = None,
        reader: Reader = Reader.PROGRAM,
    ) -> Iterator[Subscription]:
        """Subscribe while the context is open, from the last event on, or from now on.

        `spellings` are the ids of targets that the subscriber spells differently. A subscriber with
        an id that is not ours starts from now on, with a comment that something may be missing: a
        browser never reconnects after a refusal.
        """
        last = self._ids.decode(last_event_id) if last_event_id else None
        lost = bool(last_event_id) and last is None
        if last is None and reader is not Reader.PROGRAM:
            last = self.offsets_before(wall_ms() - SSE_PAGE_REPLAY_MS, targets)
        # Records written by a worker of an older version have the id in the spelling of the event.
        targets |= {(key, id_) for (key, _), id_ in (spellings or {}).items()}
        one = Subscription(targets, self._turns, spellings, reader)
        ids = {id_.encode() for _, id_ in targets}
        for id_ in ids:
            self._by_id.setdefault(id_, []).append(one)
        self._count += 1
        self._by_address[address] += 1
        SSE_CLIENTS.set(self._count)
        if last is not None:
            self._go_on(one, ids, last)
        else:
            one.put(self._beat(one))
        if lost:
            SSE_REPLAYS_INCOMPLETE.inc()
            one.put(INCOMPLETE)
        one.beat_at = monotonic_s() + self._settings.sse_heartbeat_s
        self._due.append(one)
        try:
            yield one
        finally:
            self._forget(one, ids, address)

    def _go_on(self, one: Subscription, ids: Iterable[bytes], last: Sequence[int]) -> None:
        self._recent.expire(wall_ms())
        kept_from = self._recent.complete_from
        complete = all(had >= kept for had, kept in zip(last, kept_from, strict=True))
        if not complete:
            SSE_REPLAYS_INCOMPLETE.inc()
        if any(had > read for had, read in zip(last, self._positions, strict=True)):
            one.ahead = list(last)
        one.catch_up(Missed(self._ids, last, self._recent.after(last, ids)), complete=complete)

    def _forget(self, one: Subscription, ids: Iterable[bytes], address: str) -> None:
        one.end(b"")
        self._count -= 1
        SSE_CLIENTS.set(self._count)
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
        for id_ in ids:
            followers = self._by_id[id_]
            followers.remove(one)
            if not followers:
                del self._by_id[id_]

    def listens(self, targets: Iterable[Target]) -> bool:
        """Return whether any of the targets has a subscriber here."""
        return any(
            target in one.targets and one.ended is None
            for target in targets
            for one in self._by_id.get(target[1].encode(), ())
        )

    def close(self) -> None:
        """End all streams, and admit no more subscribers."""
        self._closed = True
        for followers in self._by_id.values():
            for one in followers:
                one.end(_STOPS)

    # --- heartbeats -------------------------------------------------------------------------------

    async def beat_forever(self) -> None:
        """Send comment lines, so that clients and proxies see that the stream is alive.

        They contain the current id, so that a client without events for long has a recent position.
        """
        interval_s = self._settings.sse_heartbeat_s
        while True:
            now_s = monotonic_s()
            for _ in range(SLICE_HEARTBEATS_MAX):
                if not self._due or self._due[0].beat_at > now_s:
                    break
                one = self._due.popleft()
                if one.ended is None:
                    if not one.waiting:
                        one.put(self._beat(one))
                    one.beat_at = now_s + interval_s
                    self._due.append(one)
            self._recent.expire(wall_ms())
            wait_s = self._due[0].beat_at - now_s if self._due else interval_s
            await asyncio.sleep(0 if wait_s <= 0 else min(interval_s, max(_LOOK_S, wait_s)))

    def _beat(self, one: Subscription) -> bytes:
        if one.ahead is not None:
            return position(self._id_ahead(one), one.reader)
        if self._heartbeat is None:
            self._heartbeat = self._ids.encode(self._positions)
        return position(self._heartbeat, one.reader)
