"""What follows when a group assigns partitions to this process, or takes them away.

A rebalance closes all gates and makes new ones. Each gate of the source is started by a task of its
own, and so are the gates of each partition of profiles; gates open when that task is ready.

Invariant: nothing is started before Kafka has confirmed that the topics are those with which the
process began, and that no worker of an older version runs; and nothing after the stop has begun.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Collection
from typing import Generic, TypeVar

import structlog

from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.streaming.fetch.gated_consumer import GatedConsumer
from processor.streaming.fetch.gates import Gate, ProfileGates
from processor.streaming.fetch.other_workers import OtherWorkers
from processor.streaming.fetch.topic_watch import TopicWatch
from processor.streaming.profiles.profile_partitions import ProfilePartitions
from processor.streaming.source.source_stage import SourceStage
from processor.streaming.tasks import Tasks

log = structlog.get_logger(__name__)


Owner = TypeVar("Owner")


class GateAssignment(ABC, Generic[Owner]):
    """Gives the gates of one stage to the partitions that they belong to, which `owner` has."""

    def __init__(
        self,
        settings: Settings,
        consumer: GatedConsumer,
        watch: TopicWatch,
        others: OtherWorkers,
        tasks: Tasks,
        owner: Owner,
    ) -> None:
        self._settings = settings
        self._consumer = consumer
        self._watch = watch
        self._others = others
        self._tasks = tasks
        self._owner = owner

    async def gates_closed(self) -> None:
        """Note that a rebalance begins."""
        self._stop_reading()

    async def gates_made(self, gates: Collection[Gate]) -> None:
        """Start what the group has assigned; release the partitions that it has taken away."""
        if not self._tasks.stopping:
            self._start(gates, asyncio.get_running_loop().create_task(self._confirmed_ids()))

    @abstractmethod
    def fail(self, gate: Gate, error: Exception) -> None:
        """Close the partition of a gate at a fault; what waits behind it waits on."""

    def topic_made_anew(self) -> None:
        """Stop all where a topic is not the same; but read a new source from its beginning."""
        if self._watch.made_anew:
            self.stop_all()
        else:
            self._source_made_anew()

    def stop_all(self) -> None:
        """Close all gates until the next rebalance."""
        self._stop_reading()
        self._consumer.close_gates()
        self._release()

    @abstractmethod
    def _source_made_anew(self) -> None:
        """Do what follows from a source that begins anew."""

    @abstractmethod
    def _stop_reading(self) -> None:
        """Forget what is read and not processed."""

    @abstractmethod
    def _release(self) -> None:
        """Let go of the partitions."""

    @abstractmethod
    def _start(self, gates: Collection[Gate], ids: Awaitable[dict[str, str]]) -> None:
        """Start the partitions of these gates when the ids of the topics are there."""

    async def _confirmed_ids(self) -> dict[str, str]:
        """Return the ids of the topics, once nothing speaks against it; asked once for all."""
        await self._others.gone()
        return await self._watch.known_ids()


class SourceAssignment(GateAssignment[SourceStage]):
    """Starts partitions of the source."""

    def fail(self, gate: Gate, error: Exception) -> None:
        """Close the partition of a gate at a fault, and start it again when that is allowed."""
        self._tasks.spawn(self._owner.partitions.fail(self._consumer, gate, error))

    def _stop_reading(self) -> None:
        self._owner.stop_all()

    def _release(self) -> None:
        """Do nothing: a partition of the source holds nothing but what is read."""

    def _source_made_anew(self) -> None:
        self._owner.stop_all()
        fresh = map(self._consumer.renew_gate, list(self._consumer.gates.values()))
        ids = asyncio.get_running_loop().create_task(self._confirmed_ids())
        self._start([gate for gate in fresh if gate is not None], ids)

    def _start(self, gates: Collection[Gate], ids: Awaitable[dict[str, str]]) -> None:
        for gate in gates:
            self._tasks.spawn(self._start_one(gate, ids))

    async def _start_one(self, gate: Gate, ids: Awaitable[dict[str, str]]) -> None:
        topic_id = (await ids).get(self._settings.enriched_topic)
        if topic_id:
            await self._owner.partitions.own(self._consumer, gate, topic_id)


class ProfileAssignment(GateAssignment[ProfilePartitions]):
    """Takes over partitions of profiles."""

    def fail(self, gate: Gate, error: Exception) -> None:
        """Close the partition of profiles of a gate at a fault."""
        own = self._owner.ownership(gate.partition)
        if own is not None and gate in own.gates.all:
            own.fail(error)

    def _source_made_anew(self) -> None:
        """Do nothing: positions in the source are known under its topic's id."""

    def _stop_reading(self) -> None:
        """Do nothing: a partition lets go of what it has not applied when it is released."""

    def _release(self) -> None:
        for partition in self._owner.by_number.values():
            self._tasks.spawn(partition.release())

    def _start(self, gates: Collection[Gate], ids: Awaitable[dict[str, str]]) -> None:
        profiles = self._sorted(gates)
        for number, partition in self._owner.by_number.items():
            if number not in profiles:
                self._tasks.spawn(partition.release())
        for one in profiles.values():
            self._tasks.spawn(self._own(one, ids))

    def _sorted(self, gates: Collection[Gate]) -> dict[int, ProfileGates]:
        """Return the gates of partitions of profiles, by number.

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
        return {
            number: ProfileGates({one: gates[number] for one, gates in inputs.items()})
            for number in sorted(whole)
        }

    async def _own(self, gates: ProfileGates, ids: Awaitable[dict[str, str]]) -> None:
        if await ids:
            await self._owner.get(gates.partition).own(self._consumer, gates)
