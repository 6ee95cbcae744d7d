"""All visits together: one endless stream of enriched events in the order of the collector.

A heap holds the visits under way by the time of their next event. As many are under way as make
the wanted rate; where the users are too few for that, everybody is quicker instead.
"""

import heapq
import math
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from processor.errors import UsageError
from processor.local.shop.session import Session
from processor.local.shop.visit import Hit
from processor.local.shop.visitors import Crowd

# Mean time between two hits of a visit, the pause before the next visit included. It follows from
# the shares in visit.py; a test compares.
_MEAN_GAP_MS = 7_400
# Users for each visit in progress: with fewer, nobody would come more often than the others.
_USERS_PER_VISIT = 5
# Between a visit's last event and the first of the visit that takes its place, on average.
_PAUSE_MEAN_MS = 5_000
# From the device to the collector.
_TRANSIT_LEAST_MS = 20
_TRANSIT_SPREAD_MS = 400
# Late events waited on their device for two minutes to six hours, short waits more often.
_LATE_LEAST_MS = 120_000
_LATE_FACTOR = 180
# A duplicate follows its original after at most this many events.
_DUPLICATE_DISTANCE = 200


class GeneratedEvent(NamedTuple):
    """An enriched event, and what a test needs to know about it without parsing it."""

    value: bytes
    user_id: str
    domain_userid: str
    domain_sessionid: str
    time_ms: int  # event time
    late: bool
    duplicate: bool


class Shop:
    """Events of a shop with many visitors; two shops with equal arguments give equal bytes.

    `rate` is events per second of event time, copies not counted. `late_rate` and `duplicate_rate`
    are the shares of events that arrive late, and that arrive twice. Each iteration starts anew.
    """

    def __init__(
        self,
        seed: int,
        users: int,
        *,
        start_ms: int,
        rate: float = 50.0,
        duplicate_rate: float = 0.0,
        late_rate: float = 0.0,
    ) -> None:
        if users < 1 or rate <= 0:
            message = f"a shop needs a user and a rate: users={users}, rate={rate}"
            raise UsageError(message, hint="give at least 1 user and a rate above 0")
        self._seed = seed
        self._users = users
        self._start_ms = start_ms
        self._rate = rate
        self._duplicate_rate = duplicate_rate
        self._late_rate = late_rate

    def __iter__(self) -> Iterator[GeneratedEvent]:
        random = Random(self._seed)  # noqa: S311 - repeatable, not secret
        waiting: list[tuple[int, int, GeneratedEvent]] = []
        for number, event in enumerate(self._originals(random)):
            while waiting and waiting[0][0] <= number:
                yield heapq.heappop(waiting)[2]
            yield event
            if random.random() < self._duplicate_rate:
                due = number + 1 + int(random.random() * _DUPLICATE_DISTANCE)
                heapq.heappush(waiting, (due, number, event._replace(duplicate=True)))

    def _originals(self, random: Random) -> Iterator[GeneratedEvent]:
        crowd = Crowd(random, self._users)
        visits = self._visits_under_way()
        # If there are too few users for the rate, they act faster.
        pace = visits * 1_000 / (self._rate * _MEAN_GAP_MS)
        spread_ms = _MEAN_GAP_MS * pace
        heap: list[tuple[float, int, tuple[Session, Hit] | None]] = [
            (self._start_ms + spread_ms * random.random(), number, None) for number in range(visits)
        ]
        heapq.heapify(heap)
        while True:
            now, number, due = heap[0]
            if due is None:
                session = Session(crowd.next_visitor(), random)
                hit = session.next_hit()
            else:
                session, hit = due
            if hit is not None:
                yield self._event(session, hit, int(now), random)
                hit = session.next_hit()
            if hit is None:
                pause_ms = -math.log(1 - random.random()) * _PAUSE_MEAN_MS * pace
                heapq.heapreplace(heap, (now + pause_ms, number, None))
            else:
                heapq.heapreplace(heap, (now + hit.gap_ms * pace, number, (session, hit)))

    def _visits_under_way(self) -> int:
        wanted = math.ceil(self._rate * _MEAN_GAP_MS / 1_000)
        return max(1, min(self._users // _USERS_PER_VISIT, wanted))

    def _event(
        self, session: Session, hit: Hit, collector_ms: int, random: Random
    ) -> GeneratedEvent:
        late = random.random() < self._late_rate
        if late:
            behind_ms = int(_LATE_LEAST_MS * _LATE_FACTOR ** random.random())
        else:
            behind_ms = _TRANSIT_LEAST_MS + int(random.random() * _TRANSIT_SPREAD_MS)
        derived_ms = collector_ms - behind_ms
        value = session.line(hit, collector_ms=collector_ms, derived_ms=derived_ms)
        visitor = session.visitor
        return GeneratedEvent(
            value,
            visitor.user_id,
            visitor.domain_userid,
            session.domain_sessionid,
            derived_ms,
            late,
            duplicate=False,
        )
