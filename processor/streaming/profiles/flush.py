"""The flush of one partition.

The order, numbered here and nowhere else:

 1. apply runs of frames and of parts to decoded profiles; collect changed profiles, interventions
    that fired, and parts (processor/streaming/profiles/input_stage.py, and each stage)
 2. begin a transaction; send the parts (to the partitions of their targets), the interventions (to
    the partition of their topic with the same number, so that a transaction that hangs delays only
    its own), dead letters of what could not be applied, the changelog records of the changed
    profiles, and the positions record
 3. commit the transaction
 4. write profiles into RocksDB, and after them positions and how far the changelog is followed
 5. commit the group's offsets, for the lag (processor/streaming/profiles/group_lag.py); the truth
    is the positions in the state

The next run is applied while step 3 waits: its changes belong to the next flush. If a commit fails
or its outcome is not known, the ownership is dropped and a takeover follows.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field

from processor.clock import monotonic_s, wall_ms
from processor.errors import DeadLetterReason
from processor.metrics import DEAD_LETTERS, FLUSH_SECONDS, FLUSHES, PARTS_SENT
from processor.profile_inputs import ProfileInput
from processor.streaming.fetch.gated_consumer import GatedConsumer
from processor.streaming.messages.outgoing import Outgoing
from processor.streaming.profiles.flush_pace import FlushPace, Lag
from processor.streaming.profiles.group_lag import GroupLag
from processor.streaming.profiles.ownership import Ownership
from processor.streaming.profiles.takeover import TakeoverPlace

# How often an idle partition notes that its store still follows the changelog.
_REMARK_S = 300.0

# Called between the steps with the number of the finished step; tests end the process there.
StepHook = Callable[[int], None]


def no_hook(_step: int) -> None:
    """Do nothing between the steps of a flush."""


@dataclass(frozen=True, slots=True)
class Flushing:
    """What the flushes of all partitions of a worker share with each other."""

    hook: StepHook = no_hook
    pace: FlushPace = field(default_factory=FlushPace)


class Flusher:
    """Flushes one ownership when something has changed, at most once per commit interval.

    Where many partitions have changes, or contributions wait, less often
    (processor/streaming/profiles/flush_pace.py).
    """

    def __init__(
        self,
        place: TakeoverPlace,
        ownership: Ownership,
        consumer: GatedConsumer,
        executor: Executor,
        flushing: Flushing,
    ) -> None:
        self._place = place
        self._own = ownership
        self._consumer = consumer
        self._executor = executor
        self._hook = flushing.hook
        self._pace = flushing.pace
        self._group_lag = GroupLag(ownership, consumer)
        self._lags = {one: Lag() for one in ProfileInput}
        self._interval_s = place.settings.commit_interval_ms / 1000
        self._interval_max_s = place.settings.commit_interval_max_ms / 1000

    async def run(self) -> None:
        """Flush until the gate dies; at a fault of data, once more, and end the ownership.

        Raises:
            FencedError, BrokerError: the flush failed, or its outcome is not known.
        """
        own = self._own
        self._group_lag.stands_at(own.table.flushed)  # its predecessor may have ended before step 5
        while own.applies:
            try:
                await asyncio.wait_for(own.dirty.wait(), _REMARK_S)
            except TimeoutError:
                await self._remark()
                continue
            self._pace.busy += 1
            try:
                begun = monotonic_s()
                if await self.flush():
                    await self._pause(begun)
            finally:
                self._pace.busy -= 1
        if own.alive:
            await self.flush()
            own.end()

    async def _pause(self, begun: float) -> None:
        """Wait until the next flush is due, after one that began at `begun`."""
        own = self._own
        left = begun + self._interval_now_s(begun) - monotonic_s()
        if left > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(own.hurry.wait(), left)
        if own.hurry.is_set() and own.alive and not own.crowded:
            left = begun + self._pace.sends_interval_s(self._interval_s) - monotonic_s()
            await asyncio.sleep(max(left, 0))

    def _interval_now_s(self, begun: float) -> float:
        own, waited_s = self._own, 0.0
        for one, lag in self._lags.items():
            position = own.table.positions.next_offsets[one]
            end = self._consumer.end_offset(own.gates[one]) or 0
            waited_s = max(waited_s, lag.waited_s(position, end, begun))
        return max(self._pace.interval_s(self._interval_s), min(waited_s, self._interval_max_s))

    async def flush(self) -> bool:
        """Do one flush, if anything changed; return whether it did."""
        own = self._own
        async with own.flushing:
            if not own.alive or not own.has_changes:
                own.dirty.clear()
                self._group_lag.stands_at(own.table.positions.offsets)  # past markers: no change
                return False
            begun = monotonic_s()
            outgoing = await self._encode()
            if outgoing is None:
                return False
            try:
                await asyncio.get_running_loop().run_in_executor(
                    self._executor, self._commit, outgoing
                )
            except BaseException:
                own.gates.close()
                FLUSHES.labels("failed").inc()
                raise
            own.table.end_flush()
            own.room.set()
            FLUSHES.labels("committed").inc()
            FLUSH_SECONDS.observe(monotonic_s() - begun)
            PARTS_SENT.inc(sum(map(len, outgoing.parts.values())))
            if outgoing.dead_letters:
                refused = len(outgoing.dead_letters)
                DEAD_LETTERS.labels(DeadLetterReason.UNEXPECTED.value).inc(refused)
            self._group_lag.stands_at(own.table.flushed)  # step 5
        return True

    async def _encode(self) -> Outgoing | None:
        """End step 1; return what to send, or None if half of a contribution is applied."""
        own = self._own
        async with own.work:  # nothing is applied until all changes are encoded
            if own.torn:
                return None
            await own.slices.turn()
            for _ in own.table.begin_flush(own.format_level):
                if own.slices.over:
                    await own.slices.turn()
            outgoing = own.take_outgoing()
        self._hook(1)
        return outgoing

    def _commit(self, outgoing: Outgoing) -> None:
        own = self._own
        own.producer.send_all(own.table.flush_records.items(), outgoing)  # step 2
        self._hook(2)
        last_offset = own.producer.commit()  # step 3
        own.table.publish()
        self._hook(3)
        own.table.write(self._place.changelog_id, last_offset + 1, wall_ms())  # step 4
        self._hook(4)

    async def _remark(self) -> None:
        """Note in an idle store that it is still up to date: only the owner could have written."""
        own = self._own
        async with own.flushing:
            if own.alive and self._consumer.heartbeat_at > monotonic_s() - _REMARK_S:
                await asyncio.get_running_loop().run_in_executor(
                    self._executor, own.table.remark, wall_ms()
                )
