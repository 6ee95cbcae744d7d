"""What the HTTP API needs of the worker that it runs in (processor/api/backend.py).

It decides nothing: each call goes to the part of the worker that answers it.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from processor.api import Degraded, Readiness, Subscriptions
from processor.engine import Coverage, Plan, Profile
from processor.interventions import Pushed
from processor.kafka.topics import Topics
from processor.settings import Settings
from processor.streaming.definitions.registry import Registry
from processor.streaming.history import EventHistory
from processor.streaming.interventions.interventions_writer import InterventionsWriter
from processor.streaming.profiles.profile_table import ProfileTable
from processor.streaming.source.native_code import code_in_use
from processor.streaming.worker import StreamingWorker
from processor.streaming.worker_urls import WorkerUrls


class WorkerBackend:
    """The worker, as the API sees it."""

    def __init__(
        self,
        settings: Settings,
        topics: Topics,
        streaming: StreamingWorker,
        urls: WorkerUrls,
        subscriptions: Subscriptions,
    ) -> None:
        self.registry = Registry(settings, streaming.definitions)
        self.subscriptions = subscriptions
        self._settings = settings
        self._topics = topics
        self._streaming = streaming
        self._urls = urls
        self._writer = InterventionsWriter(settings, streaming.partitioner)

    @property
    def plan(self) -> Plan:
        """The definitions in force."""
        return self._streaming.definitions.plan

    def other_urls(self) -> set[str]:
        """Return the URLs of the other workers of the group, including those without partitions."""
        return self._urls.others()

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
        reason = self._streaming.not_ready()
        degraded = tuple(Degraded(*one.told) for one in self._streaming.faults())
        restored = self._streaming.partitions.restored()
        return Readiness(not reason, reason, restored, degraded, code_in_use())
