"""What a process must know of others that are no members of its own group.

*Older workers*: before each stage had a process and a group of its own, one group read all topics,
under the name that the source's group has now. While such a worker runs, both would write the same
profiles, so no gate opens here (processor/decisions/processes.md).

*Format levels*: frames of the source stage are read by the profile stage, so a process writes no
level that a process of the other stage cannot read: at first the level that every version with two
groups reads. A level that changes applies from the next generation on: the process joins again.
"""

import asyncio
from collections.abc import Callable, Iterable

import structlog

from processor.errors import BrokerError, NotAuthorizedError
from processor.limits import OTHERS_LOOK_S
from processor.settings import Settings
from processor.stages import Stage
from processor.streaming.fetch.gated_consumer import GatedConsumer
from processor.streaming.fetch.group_look import GroupLook, Member

log = structlog.get_logger(__name__)

# Between two looks until the first has succeeded, and while an older worker runs.
_FIRST_LOOK_S = 0.3
_QUIET_FAILURES = 10
# Looks at a group that rebalances, for whoever waits for an answer.
_SOURCES_LOOKS = 5


class OtherWorkers:
    """Looks at both groups every OTHERS_LOOK_S.

    Args:
        settings: the application.
        stage: the stage of this process.
        look: describes the groups.
    """

    def __init__(self, settings: Settings, stage: Stage, look: GroupLook) -> None:
        self._settings = settings
        self._stage = stage
        self._look = look
        self._gone = asyncio.Event()
        self._older: list[Member] = []

    @property
    def wait(self) -> str:
        """Why nothing may be opened now; empty if it may."""
        if self._older:
            ids = ", ".join(one.member_id for one in self._older)
            return (
                f"workers of an older version run in the group {self._settings.app_id!r} ({ids}): "
                "stop all of them; the new ones go on by themselves"
            )
        return "" if self._gone.is_set() else "looking for workers of an older version"

    async def gone(self) -> None:
        """Wait until no worker of an older version runs."""
        await self._gone.wait()

    async def sources(self) -> set[str]:
        """Return the URLs of the processes of the source stage, as far as they can be seen now.

        Raises:
            BrokerError: Kafka does not answer.
        """
        group = Stage.SOURCE.group(self._settings)
        for _ in range(_SOURCES_LOOKS):
            members = await self._look.members(group)
            if members is not None:
                return {one.url for one in self._newer(members)}
            await asyncio.sleep(_FIRST_LOOK_S)
        log.warning("source_processes_not_seen", why="their group rebalances")
        return set()

    async def follow_forever(self, consumer: GatedConsumer, older_came: Callable[[], None]) -> None:
        """Look again and again; call `older_came` if an older worker starts beside this one.

        Raises:
            NotAuthorizedError: the user in Kafka may not describe the groups.
        """
        failed = 0
        while True:
            try:
                await self._look_once(consumer, older_came)
                failed = 0
            except NotAuthorizedError:
                raise
            except BrokerError as error:
                failed += 1
                if failed > _QUIET_FAILURES:  # Kafka makes its own topics when they are first used
                    log.warning("groups_not_described", error=str(error))
            await asyncio.sleep(OTHERS_LOOK_S if self._gone.is_set() else _FIRST_LOOK_S)

    async def _look_once(self, consumer: GatedConsumer, older_came: Callable[[], None]) -> None:
        await self._note_level(consumer)
        members = await self._look.members(Stage.SOURCE.group(self._settings))
        if members is None:
            return  # the group rebalances: what was known of it holds
        newer = set(self._newer(members))
        before, self._older = self._older, [one for one in members if one not in newer]
        if self._older and not before:
            log.error("older_workers_run", members=[one.member_id for one in self._older])
            if self._gone.is_set():
                self._gone.clear()
                older_came()
        if not self._older and not self._gone.is_set():
            self._gone.set()
            if before and consumer.joined:
                await consumer.join_again()

    async def _note_level(self, consumer: GatedConsumer) -> None:
        members = await self._look.members(self._stage.other.group(self._settings))
        levels = (one.format_level for one in self._newer(members or ()))
        level = min(levels, default=consumer.other_level)  # as long as none is seen: as before
        changes = level != consumer.other_level
        consumer.other_level = level
        if changes and consumer.joined:
            await consumer.join_again()

    def _newer(self, members: Iterable[Member]) -> Iterable[Member]:
        """Return those that read the topics of one stage only."""
        contributions = self._settings.contributions_topic
        enriched = self._settings.enriched_topic
        return (one for one in members if not {contributions, enriched} <= one.topics)
