"""Keeps the watermarks of the partitions that this worker owns, and shows their age."""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from processor.clock import steady_ms
from processor.errors import BrokerError
from processor.limits import WATERMARK_INTERVAL_S
from processor.metrics import WATERMARK_AGE
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.streaming.fetch.gated_consumer import GatedConsumer
from processor.streaming.messages.commit_metadata import CommitMetadata
from processor.streaming.profiles.group_commits import GroupCommits
from processor.streaming.profiles.ownership import Ownership
from processor.streaming.profiles.watermark import NEVER_MS, Observation

log = structlog.get_logger(__name__)

_MS_PER_S = 1000


class WatermarkKeeper:
    """Updates watermarks every WATERMARK_INTERVAL_S, or as often as sweeps if that is more often.

    Args:
        settings: the application.
        commits: reads the commits of both groups.
        owned: returns what this worker owns now, by partition.
    """

    def __init__(
        self,
        settings: Settings,
        commits: GroupCommits,
        owned: Callable[[], Mapping[int, Ownership]],
    ) -> None:
        self._commits = commits
        self._owned = owned
        self._contributions = settings.contributions_topic
        self._interval_s = min(WATERMARK_INTERVAL_S, settings.sweep_interval_s)

    async def follow_forever(self, consumer: GatedConsumer) -> None:
        """Update them again and again; while Kafka is unreachable, watermarks do not change."""
        while True:
            await asyncio.sleep(self._interval_s)
            if not consumer.joined:
                continue  # Kafka may be unreachable, and the consumer not yet started
            try:
                await self._look(consumer)
            except BrokerError as error:
                log.warning("watermarks_not_read", error=str(error))

    async def _look(self, consumer: GatedConsumer) -> None:
        owned = self._owned()
        observed = await self._commits.observe(list(owned))
        now_ms = steady_ms()
        for number, own in owned.items():
            own.watermark.note(number, observed, now_ms)
            own.advance_watermark()
            await own.note_read_under(observed.sources.definitions_offset)
            await self._tell(consumer, own, observed)
        self._show(owned, observed, now_ms)

    async def _tell(self, consumer: GatedConsumer, own: Ownership, observed: Observation) -> None:
        """Commit W for joint rules on other partitions, once everything before it is flushed."""
        if own.watermark.told_ms == NEVER_MS:
            return
        told = CommitMetadata(
            watermark_ms=own.watermark.told_ms, topic_id=observed.profiles.topic_id
        ).encode(own.format_level)
        first = ProfileInput.CONTRIBUTIONS
        if told != own.committed_metadata and await consumer.commit_offset(
            own.gates[first], own.table.flushed[first], told
        ):
            own.committed_metadata = told

    def _show(self, owned: Mapping[int, Ownership], observed: Observation, now_ms: int) -> None:
        """Show how old the oldest watermarks are, and which partition holds them."""
        WATERMARK_AGE.clear()
        if not owned:
            return
        number, own = min(owned.items(), key=lambda one: one[1].watermark.all_ms)
        least = observed.sources.least(now_ms)
        held_here = own.watermark.behind and least.ms != NEVER_MS
        holder = f"{self._contributions}-{number}" if held_here else least.holder
        self._set("events", holder, now_ms - _known(own, own.watermark.all_ms))
        own = min(owned.values(), key=lambda one: one.watermark.joint_ms)
        holder = observed.profiles.least(now_ms).holder
        self._set("rules", holder, now_ms - _known(own, own.watermark.joint_ms))

    def _set(self, kind: str, holder: str, age_ms: int) -> None:
        WATERMARK_AGE.labels(kind, holder).set(max(0, age_ms) / _MS_PER_S)


def _known(own: Ownership, watermark_ms: int) -> int:
    return own.owned_since_ms if watermark_ms == NEVER_MS else watermark_ms
