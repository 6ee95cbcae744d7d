"""Who follows which interventions on this worker.

Every worker reads the whole topic and hands each record to those of its own subscribers that
follow its target. The id of each event tells a subscriber how far it has come: an offset for every
partition. One that comes back with an id, to any worker, gets what it missed from the records that
are kept (recent.py); new ones wait meanwhile. One that has come further than this worker has read
gets nothing twice.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from starlette.exceptions import HTTPException

from processor.api.event_ids import EventIds
from processor.api.recent import RecentInterventions
from processor.api.subscription import Missed, Subscription, Target, event
from processor.api.turns import Turns
from processor.clock import monotonic_s, wall_ms
from processor.errors import NotReadyError
from processor.interventions import InterventionRecord, client_form
from processor.limits import SLICE_HEARTBEATS_MAX, SSE_READY_WAIT_S
from processor.metrics import (
    INTERVENTIONS_UNREADABLE,
    SSE_CLIENTS,
    SSE_DELIVERED,
    SSE_REFUSED,
    SSE_REPLAYS_INCOMPLETE,
)
from processor.settings import Settings

# Between two looks whether heartbeats are due, at least.
_LOOK_S = 0.05
_TOO_MANY = 429
_RETRY_AFTER: Final = {"Retry-After": "5"}
_STOPS: Final = b": this worker stops; come back\n\n"


class Subscriptions:
    """The subscribers of one worker. Used in the event loop's thread."""

    def __init__(self, settings: Settings, topic_id: str, partitions: int) -> None:
        self._settings = settings
        self._ids = EventIds(topic_id, partitions)
        self._positions = [0] * partitions
        self._recent = RecentInterventions(settings.sse_replay_s * 1000, settings.sse_replay_bytes)
        self._ready = asyncio.Event()
        self._closed = False
        self._by_id: dict[bytes, list[Subscription]] = {}
        self._by_address: Counter[str] = Counter()
        self._count = 0
        self._turns = Turns()
        self._due: deque[Subscription] = deque()
        self._heartbeat: bytes | None = None

    # --- records ----------------------------------------------------------------------------------

    def begin(self, positions: Sequence[int]) -> None:
        """Start reading at these offsets."""
        self._positions = list(positions)
        self._recent.begin(positions)

    def caught_up(self) -> None:
        """Let subscribers come: what was in the topic is read."""
        self._ready.set()

    def take(self, record: InterventionRecord) -> int:
        """Hand a record to those who follow its target, and keep it for a while.

        Returns:
            How many subscribers follow its id: the work that it was.
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
        target = (form.target_key, form.target_id)
        told = event(self._ids.encode(self._positions), form.line)
        delivered = 0
        for one in subscribers:
            if target not in one.targets:
                continue
            if one.ahead is None:
                delivered += one.put(told)
            elif record.offset >= one.ahead[record.partition]:
                delivered += one.put(event(self._id_ahead(one), form.line))
        SSE_DELIVERED.inc(delivered)

    def _id_ahead(self, one: Subscription) -> bytes:
        """Return the id for a subscriber that has come further than this worker had read."""
        assert one.ahead is not None, "only such a subscriber has an id of its own"
        reached = [max(pair) for pair in zip(self._positions, one.ahead, strict=True)]
        if reached == self._positions:
            one.ahead = None
        return self._ids.encode(reached)

    # --- subscribers ------------------------------------------------------------------------------

    async def admit(self, address: str) -> None:
        """Wait until this worker has caught up, and see whether there is room for one more.

        Raises:
            NotReadyError: it does not catch up in time, or stops.
            HTTPException: there are as many subscribers as there may be.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ready.wait(), SSE_READY_WAIT_S)
        if self._closed or not self._ready.is_set():
            SSE_REFUSED.labels("not_ready").inc()
            message = "this worker does not read interventions now"
            raise NotReadyError(message, hint="try again in a moment")
        if self._count >= self._settings.sse_clients:
            SSE_REFUSED.labels("worker_full").inc()
            message = "this worker has all the subscribers that it takes - try another one"
            raise HTTPException(_TOO_MANY, message, _RETRY_AFTER)
        most = self._settings.sse_clients_per_address
        if most and self._by_address[address] >= most:
            SSE_REFUSED.labels("address_full").inc()
            message = "too many subscriptions from your address - follow several ids with one"
            raise HTTPException(_TOO_MANY, message, _RETRY_AFTER)

    def id_before(self, moment_ms: int, targets: Iterable[Target]) -> str:
        """Return an event id with which a subscriber goes on from a moment of the last minutes.

        It is empty where nothing came for the targets since then.
        """
        ids = {id_.encode() for _, id_ in targets}
        kept = self._recent.after(self._recent.complete_from, ids)
        young = [record for record in kept if record.timestamp_ms > moment_ms]
        if not young:
            return ""
        starts = list(self._positions)
        for record in young:
            starts[record.partition] = min(starts[record.partition], record.offset)
        return self._ids.encode(starts).decode()

    @contextmanager
    def opened(
        self, targets: frozenset[Target], address: str, last_event_id: str
    ) -> Iterator[Subscription]:
        """Subscribe for as long as the context lasts: to what came after an event, or comes now.

        Raises:
            UsageError: the id is none.
        """
        last = self._ids.decode(last_event_id) if last_event_id else None
        one = Subscription(targets, self._turns)
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
            if last_event_id:
                SSE_REPLAYS_INCOMPLETE.inc()
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
        """Return whether somebody follows any of the targets here."""
        return any(
            target in one.targets and one.ended is None
            for target in targets
            for one in self._by_id.get(target[1].encode(), ())
        )

    def close(self) -> None:
        """End all streams, and admit nobody any more."""
        self._closed = True
        for followers in self._by_id.values():
            for one in followers:
                one.end(_STOPS)

    # --- heartbeats -------------------------------------------------------------------------------

    async def beat_forever(self) -> None:
        """Send lines that mean nothing, so that clients and proxies see that the stream lives.

        They carry the id of the moment: a client that had nothing for long has missed nothing.
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
            return b":\nid: %b\n\n" % self._id_ahead(one)
        if self._heartbeat is None:
            self._heartbeat = b":\nid: %b\n\n" % self._ids.encode(self._positions)
        return self._heartbeat
