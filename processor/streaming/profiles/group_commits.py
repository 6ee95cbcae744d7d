"""What both groups have committed, and where topics end: the input of a watermark."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor

from processor.kafka.cluster import Cluster
from processor.kafka.topics import Topics
from processor.settings import Settings
from processor.stages import Stage
from processor.streaming.fetch.group_look import GroupLook
from processor.streaming.messages.commit_metadata import decode_commit_metadata
from processor.streaming.profiles.watermark import Commits, Observation

# For each topic: how many partitions it has, and its id.
_Described = Mapping[str, tuple[int, str]]
_Ends = dict[str, dict[int, int]]


class GroupCommits:
    """Reads commits and ends. The executor runs blocking calls.

    Raises:
        BrokerError: Kafka does not answer.
    """

    def __init__(
        self, settings: Settings, topics: Topics, look: GroupLook, executor: Executor
    ) -> None:
        self._look = look
        self._groups = {
            settings.enriched_topic: Stage.SOURCE.group(settings),
            settings.contributions_topic: Stage.PROFILES.group(settings),
        }
        self._source = settings.enriched_topic
        self._contributions = settings.contributions_topic
        self._rules = settings.rules_topic
        self._topics = topics
        self._executor = executor
        self._cluster = Cluster(settings.kafka_client, f"{settings.app_id}-watermarks")

    async def observe(self, owned: Sequence[int]) -> Observation:
        """Return all commits of the groups, and the ends of owned partitions, read after these."""
        loop = asyncio.get_running_loop()
        before = await loop.run_in_executor(self._executor, self._describe)
        committed = {
            topic: await self._look.committed(self._groups[topic], topic, range(count))
            for topic, (count, _) in before.items()
        }
        described, ends = await loop.run_in_executor(self._executor, self._look_at, owned)

        def of(topic: str) -> Commits:
            count, topic_id = described.get(topic, (0, ""))
            known = committed.get(topic, {})
            metadata = {n: decode_commit_metadata(one.metadata) for n, one in known.items()}
            return Commits(topic, topic_id, count, metadata)

        return Observation(
            of(self._source), of(self._contributions), ends[self._contributions], ends[self._rules]
        )

    def _describe(self) -> _Described:
        return self._topics.described([self._source, self._contributions])

    def _look_at(self, owned: Sequence[int]) -> tuple[_Described, _Ends]:
        described = self._describe()
        topics = (self._contributions, self._rules)
        # These ends lie after records of open transactions, too.
        found = self._cluster.ends((topic, number) for topic in topics for number in owned)
        ends = {topic: {number: found[topic, number] for number in owned} for topic in topics}
        return described, ends
