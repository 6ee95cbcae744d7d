"""Keeps the group's offsets of one partition at what is flushed, so that its lag is visible.

Nothing is read from these offsets: the positions in the state are authoritative. The group is
behind if a worker ends between a flush and this commit, or if the group has no coordinator. The
offsets are then sent again, whether or not another flush follows.
"""

import asyncio

from processor.profile_inputs import ProfileInput
from processor.streaming.fetch.gated_consumer import GatedConsumer
from processor.streaming.profiles.ownership import Ownership
from processor.streaming.profiles.positions import Offsets

# After a commit that the group did not accept.
RETRY_S = 1.0


class GroupLag:
    """Commits the offsets of one ownership, beside its flushes: no flush waits for it."""

    def __init__(self, ownership: Ownership, consumer: GatedConsumer) -> None:
        self._own = ownership
        self._consumer = consumer
        self._wanted = ownership.table.flushed
        self._committed = dict.fromkeys(ProfileInput, 0)
        self._committing: asyncio.Task[None] | None = None

    def stands_at(self, offsets: Offsets) -> None:
        """Note how far the partition is flushed; the group receives it in a moment."""
        self._wanted = offsets
        if self._committing is None or self._committing.done():
            self._committing = asyncio.get_running_loop().create_task(self._commit())

    async def _commit(self) -> None:
        while self._own.alive and self._behind():
            if not await self._commit_once():
                await asyncio.sleep(RETRY_S)

    def _behind(self) -> list[ProfileInput]:
        return [one for one in ProfileInput if self._committed[one] != self._wanted[one]]

    async def _commit_once(self) -> bool:
        """Commit offsets that are behind; return whether the group accepted all of them."""
        own, wanted = self._own, self._wanted
        for one in self._behind():
            metadata = own.committed_metadata if one is ProfileInput.CONTRIBUTIONS else ""
            if not await self._consumer.commit_offset(own.gates[one], wanted[one], metadata):
                return False
            self._committed[one] = wanted[one]
        return True
