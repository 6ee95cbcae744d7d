"""What Faust's consumer does as a member of its group, through methods of our own."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from faust.transport.drivers import aiokafka as driver

from processor.errors import BrokerError
from processor.kafka.rights import no_right_to

# Between two checks whether group membership still works.
_LOOK_S = 1.0
_NOT_ALLOWED = (GroupAuthorizationFailedError, TopicAuthorizationFailedError)


class GroupMember(driver.Consumer):
    """Joins again, refreshes topic metadata, and raises the reason why it cannot be a member."""

    @property
    def crash_reason(self) -> BaseException | None:
        """Why Faust has ended; None while it works."""
        reason: BaseException | None = self.app.crash_reason
        return reason

    @property
    def place(self) -> int:
        """The place of this worker among all workers of the group, in the order of their URLs."""
        place: int = self.app.assignor.place
        return place

    def partitions_of(self, topic: str) -> int:
        """Return how many partitions of a topic the group's leader has assigned."""
        count: int = self.app.assignor.partitions_of(topic)
        return count

    async def _in_thread(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine in aiokafka's thread, beside its queue of calls.

        The queue has two places. Two calls that wait for a broker would block all fetches.
        """
        answer = asyncio.run_coroutine_threadsafe(work, self._thread.thread_loop)
        return await asyncio.wrap_future(answer)

    async def join_again(self) -> None:
        """Make Kafka rebalance the group."""
        self.app.assignor.announce_anew()
        await self._in_thread(self._join_in_thread())

    async def _join_in_thread(self) -> None:
        self._coordinator().request_rejoin()

    async def refresh_metadata(self) -> None:
        """Make the client request the partitions and leaders of its topics now."""
        await self._in_thread(self._refresh_in_thread())

    async def _refresh_in_thread(self) -> None:
        await self._client()._client.force_metadata_update()  # noqa: SLF001 - no public API

    async def watch_membership_forever(self) -> None:
        """Raise the error that ends group membership, even before a first assignment.

        Raises:
            BrokerError: the group cannot be joined, or can no longer be joined.
        """
        while True:
            await asyncio.sleep(_LOOK_S)
            if self._thread is not None and self._thread._consumer is not None:  # noqa: SLF001 - no public API
                await self._in_thread(self._check_in_thread())

    async def _check_in_thread(self) -> None:
        try:
            self._coordinator().check_errors()
        except KafkaError as error:
            raise _not_a_member(error, self.app.conf.id) from error

    def _coordinator(self) -> Any:
        return self._client()._coordinator  # noqa: SLF001 - aiokafka has no public API

    def _client(self) -> Any:
        return self._thread._ensure_consumer()  # noqa: SLF001 - Faust's driver has no public API


def _not_a_member(error: KafkaError, group: str) -> BrokerError:
    if isinstance(error, _NOT_ALLOWED):
        return no_right_to(f"be a member of the consumer group {group!r}", repr(error))
    message = f"the work on the consumer group {group!r} has ended"
    hint = "the worker starts again; if this repeats, read the broker's log"
    return BrokerError(message, detail=repr(error), hint=hint)
