"""What follows when the group assigns partitions to this worker, or takes them away.

A rebalance closes all gates and makes new ones. Each gate of the source is started by a task of its
own, and so are the gates of each partition of profiles; gates open when that task is ready.

Invariant: nothing is started before Kafka has confirmed that the topics are those with which the
worker began, and nothing after the stop has begun.
"""

import asyncio
from collections.abc import Awaitable

import structlog

from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.streaming.fetch.gated_consumer import GatedConsumer
from processor.streaming.fetch.gates import Gate, ProfileGates
from processor.streaming.fetch.topic_watch import TopicWatch
from processor.streaming.profiles.profile_partitions import ProfilePartitions
from processor.streaming.source.source_stage import SourceStage
from processor.streaming.tasks import Tasks

log = structlog.get_logger(__name__)


class GateAssignment:
    """Gives gates to the partitions that they belong to."""

    def __init__(
        self,
        settings: Settings,
        consumer: GatedConsumer,
        watch: TopicWatch,
        source: SourceStage,
        partitions: ProfilePartitions,
        tasks: Tasks,
    ) -> None:
        self._settings = settings
        self._consumer = consumer
        self._watch = watch
        self._source = source
        self._partitions = partitions
        self._tasks = tasks

    async def gates_closed(self) -> None:
        """Forget what is read of the source: a rebalance begins."""
        self._source.stop_all()

    async def gates_made(self, gates: list[Gate]) -> None:
        """Start what the group has assigned; release the partitions that it has taken away."""
        if self._tasks.stopping:
            return
        profiles, sources = self._sorted(gates)
        for number, partition in self._partitions.by_number.items():
            if number not in profiles:
                self._tasks.spawn(partition.release())
        ids = self._known_ids()
        for one in profiles.values():
            self._tasks.spawn(self._own(one, ids))
        for gate in sources:
            self._tasks.spawn(self._start_source(gate, ids))

    def fail(self, gate: Gate, error: Exception) -> None:
        """Close the partition of a gate at a fault; what waits behind it waits on."""
        if gate.topic == self._settings.enriched_topic:
            self._tasks.spawn(self._source.partitions.fail(self._consumer, gate, error))
            return
        own = self._partitions.ownership(gate.partition)
        if own is not None and gate in own.gates.all:
            own.fail(error)

    def topic_made_anew(self) -> None:
        """Read a new source from its beginning; where another topic is not the same, stop all."""
        self._source.stop_all()
        if self._watch.made_anew:
            self._consumer.close_gates()
            for partition in self._partitions.by_number.values():
                self._tasks.spawn(partition.release())
            return
        ids = self._known_ids()
        _, sources = self._sorted(list(self._consumer.gates.values()))
        for gate in filter(None, map(self._consumer.renew_gate, sources)):
            self._tasks.spawn(self._start_source(gate, ids))

    def _known_ids(self) -> Awaitable[dict[str, str]]:
        """Ask once for the ids of the topics; each of those that are started waits for them."""
        return asyncio.get_running_loop().create_task(self._watch.known_ids())

    def _sorted(self, gates: list[Gate]) -> tuple[dict[int, ProfileGates], list[Gate]]:
        """Return the gates of partitions of profiles, by number, and those of the source.

        The group gives all topics of a partition to one worker, except for a moment when its leader
        does not know one of them yet: a part of a partition stays closed until the next rebalance.
        """
        by_topic: dict[str, dict[int, Gate]] = {}
        for gate in gates:
            by_topic.setdefault(gate.topic, {})[gate.partition] = gate
        inputs = {one: by_topic.get(one.topic(self._settings), {}) for one in ProfileInput}
        whole = set.intersection(*map(set, inputs.values()))
        for number in sorted(set().union(*inputs.values()) - whole):
            log.warning(
                "half_a_partition", partition=number, hint="all workers need the same version"
            )
        profiles = {
            number: ProfileGates({one: gates[number] for one, gates in inputs.items()})
            for number in sorted(whole)
        }
        return profiles, list(by_topic.get(self._settings.enriched_topic, {}).values())

    async def _own(self, gates: ProfileGates, ids: Awaitable[dict[str, str]]) -> None:
        if await ids:
            await self._partitions.get(gates.partition).own(self._consumer, gates)

    async def _start_source(self, gate: Gate, ids: Awaitable[dict[str, str]]) -> None:
        topic_id = (await ids).get(self._settings.enriched_topic)
        if topic_id:
            await self._source.partitions.own(self._consumer, gate, topic_id)
