"""Watches the topics while the worker runs: partitions that were added, topics made anew.

Partitions added to the source are read after a rebalance. Kafka starts one if the group's leader
finds that a topic has changed. A static member that was the leader and returns does not check:
it gets its place back but is not told that it leads. So each worker compares the topic
with what the leader assigned. A worker joins again, with new metadata, after enough checks
have found more partitions: the later its place in the order of all workers, the more checks.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor

import structlog

from processor.errors import BrokerError
from processor.kafka.topics import Topics, TopicState
from processor.limits import TOPICS_LOOK_S
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.stages import Stage
from processor.streaming.fetch.gated_consumer import GatedConsumer

log = structlog.get_logger(__name__)

# A broker that lags may not have a topic for a moment, so this many checks must agree.
_LOOKS = 2
_DESCRIBE_RETRY_S = 0.5


class TopicWatch:
    """Describes all topics every TOPICS_LOOK_S.

    A source that was made anew is not reported: it is read from its beginning.

    Args:
        settings: the application.
        stage: the stage of this process: only the source's looks for added partitions.
        topics: describes them.
        states: the topics as they were when the worker started, by name.
        executor: runs what blocks.
    """

    def __init__(
        self,
        settings: Settings,
        stage: Stage,
        topics: Topics,
        states: Mapping[str, TopicState],
        executor: Executor,
    ) -> None:
        self._source = settings.enriched_topic
        self._reads_source = stage is Stage.SOURCE
        self._topics = topics
        self._executor = executor
        self._known = {name: state.topic_id for name, state in states.items()}
        # What the last checks found instead, and in how many checks.
        self._seen: dict[str, tuple[str, int]] = {}
        self._more = 0
        self._state = {
            *(one.topic(settings) for one in ProfileInput), settings.changelog_topic
        }  # fmt: skip
        # What is reported about topics that have changed.
        self._told: dict[str, str] = {}

    @property
    def made_anew(self) -> str:
        """The report of topics that were deleted or made anew; empty while all are unchanged."""
        return "; ".join(self._told.values())

    def are_known(self, ids: Mapping[str, str]) -> bool:
        """Return whether the topics that hold the application's state still have their old ids."""
        return all(ids.get(name) == self._known[name] for name in self._state)

    async def known_ids(self) -> dict[str, str]:
        """Return the ids of the topics; nothing if they are not the ids with which we began."""
        loop = asyncio.get_running_loop()
        while not self.made_anew:
            try:
                ids = await loop.run_in_executor(self._executor, self._topics.ids)
            except BrokerError as error:
                log.warning("topics_not_described", error=str(error))
            else:
                if self.are_known(ids):
                    return ids
            await asyncio.sleep(_DESCRIBE_RETRY_S)
        return {}

    async def follow_forever(self, consumer: GatedConsumer, changed: Callable[[], None]) -> None:
        """Check again and again; call `changed` when a topic is no longer the same."""
        while True:
            await asyncio.sleep(TOPICS_LOOK_S)
            try:
                found = await asyncio.get_running_loop().run_in_executor(
                    self._executor, self._topics.described, list(self._known)
                )
            except BrokerError as error:
                log.warning("topics_not_described", error=str(error))
                continue
            if not consumer.joined:
                continue
            was_told = bool(self._told)
            if self._note(found):
                await consumer.refresh_metadata()
                changed()
            elif was_told and not self._told:
                await consumer.join_again()
            if self._reads_source:
                await self._look_for_more(consumer, found.get(self._source, (0, ""))[0])

    def _note(self, found: Mapping[str, tuple[int, str]]) -> bool:
        """Note which topics have changed; return whether this check found a new one."""
        changed = []
        for name, known in self._known.items():
            _, now = found.get(name, (0, ""))
            before, looks = self._seen.get(name, (known, 0))
            self._seen[name] = now, looks + 1 if now == before else 1
            if now == known:
                # It was missing for a moment, or on a broker that did not have it yet.
                self._told.pop(name, None)
            elif self._seen[name][1] == _LOOKS:
                changed.append((name, now))
        for name, now in changed:
            log.error("topic_made_anew" if now else "topic_deleted", topic=name)
            if name != self._source:
                self._told[name] = self._text(
                    name, "deleted and created again" if now else "deleted"
                )
            elif now:
                self._known[name] = now
        return bool(changed)

    def _text(self, name: str, what: str) -> str:
        remedy = (
            "its records are lost: use a new PROCESSOR_APP_ID"
            if name in self._state
            else "restart all workers: they create it and read it from the beginning"
        )
        return f"{name} was {what} while this worker ran; {remedy}"

    async def _look_for_more(self, consumer: GatedConsumer, count: int) -> None:
        """Request a rebalance if the source has partitions that are assigned to no worker."""
        if not consumer.joined or count <= consumer.partitions_of(self._source):
            self._more = 0
            return
        self._more += 1
        await consumer.refresh_metadata()
        if self._more > consumer.place:
            log.info("partitions_added", topic=self._source, partitions=count)
            self._more = 0
            await consumer.join_again()
