"""What the HTTP API needs of the process of the profile stage (processor/api/backend.py).

It decides nothing: each call goes to the part of the worker that answers it.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

import structlog

from processor.api import Degraded, Readiness, Subscriptions
from processor.engine import Coverage, Plan, Profile
from processor.errors import BrokerError
from processor.interventions import Pushed
from processor.kafka.topics import Topics
from processor.settings import Settings
from processor.source_beside import SourceBeside
from processor.stages import Stage
from processor.streaming.definitions.registry import Registry
from processor.streaming.history import EventHistory
from processor.streaming.interventions.interventions_writer import InterventionsWriter
from processor.streaming.profile_worker import ProfileWorker
from processor.streaming.profiles.profile_table import ProfileTable
from processor.streaming.worker_urls import WorkerUrls

log = structlog.get_logger(__name__)


class WorkerBackend:
    """The worker, as the API sees it."""

    def __init__(
        self,
        settings: Settings,
        topics: Topics,
        streaming: ProfileWorker,
        urls: WorkerUrls,
        subscriptions: Subscriptions,
        beside: SourceBeside | None,
    ) -> None:
        self.registry = Registry(settings, streaming.definitions)
        self.subscriptions = subscriptions
        self._settings = settings
        self._topics = topics
        self._streaming = streaming
        self._urls = urls
        self._beside = beside
        self.stage: str = streaming.stage
        self._writer = InterventionsWriter(settings, streaming.partitioner)

    @property
    def plan(self) -> Plan:
        """The definitions in force."""
        return self._streaming.definitions.plan

    def other_urls(self) -> set[str]:
        """Return the URLs of the other processes of the stage, also of those without partitions."""
        return self._urls.others()

    async def users_of_definitions(self) -> set[str]:
        """Return the URLs of the processes of all other workers, as far as they can be seen."""
        try:
            found = self.other_urls() | await self._streaming.others.sources()
        except BrokerError as error:
            log.warning("groups_not_described", error=str(error))
            found = self.other_urls()
        return found if self._beside is None else found - {self._beside.url}

    async def beside_uses(self, offset: int, timeout_s: float) -> bool:
        """Wait until the source process of this worker uses the definitions up to an offset."""
        return self._beside is None or await self._beside.uses(offset, timeout_s)

    async def reach(self, offset: int) -> int:
        """Wait until this process uses the definitions up to `offset`; return what it uses."""
        return await self._streaming.definitions.use_up_to(offset)

    def owner_url(self, key: str, identifier: str) -> str | None:
        """Return the URL of the worker that owns a profile; None if it is this one."""
        return self._urls.owner(key, identifier)

    async def write_interventions(self, messages: Sequence[tuple[Pushed, bytes]]) -> None:
        """Write direct interventions, with their JSON, to the topic."""
        await self._writer.write(messages)

    def past_events(self, start_ms: int) -> EventHistory:
        """Return the events of the source from a record timestamp to its end; blocks."""
        name = self._settings.enriched_topic
        return EventHistory(self._settings, self._topics.partitions(name), start_ms)

    def committed_profile(
        self, key: str, identifier: str
    ) -> AbstractContextManager[Profile | None]:
        """Return a profile that this worker owns, as of the last committed transaction."""
        return self._table(key, identifier).committed_profile(key, identifier)

    def coverage(self, key: str, identifier: str) -> Coverage:
        """Return since when the state of the profile's partition is complete."""
        return self._table(key, identifier).coverage

    def _table(self, key: str, identifier: str) -> ProfileTable:
        return self._streaming.partition_of(key, identifier).committed

    def readiness(self) -> Readiness:
        """Return whether this worker serves."""
        own = self._own_readiness()
        return own if self._beside is None else self._beside.joined_with(own)

    def stages(self) -> Mapping[str, Readiness]:
        """Return the same of each process by stage."""
        found = {self.stage: self._own_readiness()}
        if self._beside is not None:
            found[Stage.SOURCE] = self._beside.found
        return found

    async def metrics_beside(self) -> bytes:
        """Return the metrics of the source process beside this one."""
        return b"" if self._beside is None else await self._beside.metrics()

    def _own_readiness(self) -> Readiness:
        reason = self._streaming.not_ready()
        degraded = tuple(Degraded(*one.told) for one in self._streaming.faults())
        restored = self._streaming.partitions.restored()
        offset = self.plan.definitions_offset
        return Readiness(not reason, reason, restored, degraded, definitions_offset=offset)
