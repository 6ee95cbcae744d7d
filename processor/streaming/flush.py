"""The flush of one partition.

The order, numbered here and nowhere else:

 1. apply runs of frames and of parts to decoded profiles; collect changed profiles, interventions
    that fired, and parts (processor/streaming/profile_stage.py, joint_stage.py)
 2. begin a transaction; send the parts (to the partitions of their targets), the interventions (to
    the partition of their topic with the same number, so that a transaction that hangs delays only
    its own), the changelog records of the changed profiles, and the positions record
 3. commit the transaction
 4. write profiles into RocksDB, and after them positions and how far the changelog is followed
 5. let Kafka know the group offsets, for the lag; the truth is the positions in the state

The next run is applied while step 3 waits: what it changes belongs to the next flush. After a
commit that failed, or whose outcome is not known, the ownership is dropped and a takeover follows.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from processor.clock import monotonic_s, wall_ms
from processor.limits import CHANGED_PROFILES_MAX
from processor.metrics import FLUSH_SECONDS, FLUSHES, PARTS_SENT
from processor.streaming.outgoing import Outgoing
from processor.streaming.ownership import Ownership
from processor.streaming.positions import Offsets
from processor.streaming.takeover import TakeoverPlace
from processor.streaming.transport import Consumer

# An idle partition notes this often that its store still follows the changelog.
_REMARK_S = 300.0

# Called between the steps with the number of the one that is done; tests end the process there.
StepHook = Callable[[int], None]


def no_hook(_step: int) -> None:
    """Do nothing between the steps of a flush."""


class Flusher:
    """Flushes one ownership whenever something changed, at most once per commit interval."""

    def __init__(
        self,
        place: TakeoverPlace,
        ownership: Ownership,
        consumer: Consumer,
        executor: Executor,
        hook: StepHook = no_hook,
    ) -> None:
        self._place = place
        self._own = ownership
        self._consumer = consumer
        self._executor = executor
        self._hook = hook
        self._offsets = ownership.table.flushed
        self._told = [-1, -1]
        self._telling: asyncio.Task[None] | None = None
        self._interval_s = place.settings.commit_interval_ms / 1000

    async def run(self) -> None:
        """Flush until the gate dies.

        Raises:
            FencedError, BrokerError: the flush failed or its outcome is unknown.
        """
        own = self._own
        while own.alive:
            try:
                await asyncio.wait_for(own.dirty.wait(), _REMARK_S)
            except TimeoutError:
                await self._remark()
                continue
            begun = monotonic_s()
            if not await self.flush():
                continue
            left = self._interval_s - (monotonic_s() - begun)
            if own.table.changes < CHANGED_PROFILES_MAX // 2 and left > 0:
                await asyncio.sleep(left)

    async def flush(self) -> bool:
        """Do one flush, if anything changed; return whether it did."""
        own = self._own
        async with own.flushing:
            if not own.alive or not own.has_changes:
                own.dirty.clear()
                self._tell_group(own.table.positions.offsets)  # of markers, which are no change
                return False
            begun = monotonic_s()
            outgoing = await self._encode()
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
            self._tell_group(own.table.flushed)
        return True

    def _tell_group(self, offsets: Offsets) -> None:
        """Do step 5, without holding up the next flush: it is for the lag alone."""
        self._offsets = offsets
        if self._telling is None or self._telling.done():
            self._telling = asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        gates = (self._own.gates.contributions, self._own.gates.rules)
        while self._own.alive:
            wanted = self._offsets
            moved = [topic for topic in (0, 1) if self._told[topic] != wanted[topic]]
            if not moved:
                return
            for topic in moved:
                if not await self._consumer.commit_offset(gates[topic], wanted[topic]):
                    return  # the next flush tells it again
                self._told[topic] = wanted[topic]

    async def _encode(self) -> Outgoing:
        own = self._own
        async with own.work:  # ends step 1: nothing is applied until all that changed is encoded
            await own.slices.turn()
            for _ in own.table.begin_flush():
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
        """Note in an idle store that it is still up to date: nobody else could write meanwhile."""
        own = self._own
        async with own.flushing:
            if own.alive and self._consumer.heartbeat_at > monotonic_s() - _REMARK_S:
                await asyncio.get_running_loop().run_in_executor(
                    self._executor, own.table.remark, wall_ms()
                )
