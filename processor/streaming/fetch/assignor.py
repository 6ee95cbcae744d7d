"""Faust's partition assignor, but balanced; through it, a group's workers agree on a format level.

Faust lets each worker keep partitions up to ceil(partitions / workers), so a worker that joins may
get none. Here, the workers' numbers of partitions of a topic differ by at most one, and only the
partitions that must move to achieve this are moved.

At each rebalance, in order:
 1. each worker announces its URL and the highest format level it reads, beside what Faust sends
 2. the leader hands out all announcements with the assignment
 3. each worker uses the lowest announced level as the level of the generation

A worker that announces nothing reads level 1. A leader that hands out nothing is a live worker that
reads level 1. So versions older than format levels need not take part. Faust's messages are JSON
objects, and Faust ignores their unknown fields.

A static member that returns while its group is stable receives its predecessor's assignment,
without a rebalance: what was handed out differs from what it announces. It then joins once more,
with a new number in its metadata, which makes Kafka rebalance. It does so only once in the life of
its process: under a leader that hands out nothing, it would otherwise never stop.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

import structlog
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from faust.assignor.client_assignment import ClientAssignment, ClientMetadata
from faust.assignor.partition_assignor import PartitionAssignor as FaustAssignor

from processor.formats import FIRST_LEVEL, NEWEST_LEVEL
from processor.metrics import FORMAT_LEVEL

log = structlog.get_logger(__name__)


class Announcement(
    ClientMetadata,
    serializer="json",
    include_metadata=False,
    namespace="@Announcement",
):  # type: ignore[call-arg]  # these are of Faust's records
    """What a worker sends when it joins, and what the leader sends to it.

    `format_level` is the highest level that the worker reads. `joined_again` counts how often it
    has asked for a rebalance. `format_levels` are the levels of all workers, by URL.
    """

    format_level: int = FIRST_LEVEL
    joined_again: int = 0
    format_levels: Mapping[str, int] | None = None


class PartitionAssignor(FaustAssignor):
    """Assigns as Faust does, and finds the format level of the generation.

    `format_levels` are those that the leader handed out, by URL.
    """

    def __init__(self, app: Any, replicas: int = 0) -> None:
        super().__init__(app, replicas)
        self.format_level = FIRST_LEVEL
        self.format_levels: Mapping[str, int] = {}
        self._announced: dict[str, int] = {}
        self._joined_again = 0
        self._known = False
        self._noted_level = 0

    def joins_again(self) -> bool:
        """Whether to ask for a rebalance: the assignment ignores what this worker announces.

        True at most once: the caller must then ask.
        """
        if self._known or self._joined_again:
            return False
        self.announce_anew()
        log.info("joins_again", why="the assignment is a predecessor's, or of an older leader")
        return True

    def announce_anew(self) -> None:
        """Announce something new, so that joining causes a rebalance."""
        self._joined_again += 1

    def partitions_of(self, topic: str) -> int:
        """Return how many partitions of a topic the leader has handed out."""
        given = self.external_topic_distribution.values()
        return max((max(one[topic]) + 1 for one in given if one.get(topic)), default=0)

    @property
    def place(self) -> int:
        """The place of this worker among all, in the order of their URLs."""
        url = str(self._url)
        return sum(other < url for other in self.external_topic_distribution)

    def note_level(self, level: int) -> None:
        """Log the level of the generation that begins, and set its metric."""
        if level != self._noted_level:
            log.info(
                "format_level_changed", to=level, before=self._noted_level,
                workers=dict(self.format_levels),
            )  # fmt: skip
            self._noted_level = level
        FORMAT_LEVEL.set(level)

    # --- what is sent ------------------------------------------------------------------------

    @property
    def _metadata(self) -> Announcement:
        return Announcement(
            **super()._metadata.asdict(),
            format_level=NEWEST_LEVEL,
            joined_again=self._joined_again,
        )

    @classmethod
    def announced_by(cls, metadata: Any) -> Announcement:
        """Return what a member announced, from the metadata with which it joined."""
        found: Announcement = Announcement.loads(metadata.user_data)
        return found

    @classmethod
    def _get_client_metadata(cls, metadata: Any) -> Announcement:
        return cls.announced_by(metadata)

    def _update_member_urls(self, clients_metadata: MutableMapping[str, Announcement]) -> None:
        """Note, as the leader, what each member announces; the lower level if two share a URL."""
        super()._update_member_urls(clients_metadata)
        self._announced = {}
        for one in clients_metadata.values():
            level = self._announced.get(one.url, one.format_level)
            self._announced[one.url] = min(level, one.format_level)

    def _global_table_standby_assignments(
        self, assignments: MutableMapping[str, ClientAssignment], _partitions: Mapping[str, int]
    ) -> MutableMapping[str, ClientAssignment]:
        """Level the assignments, in place of Faust's last step on them, which is for tables."""
        level(assignments.values())
        return assignments

    def _protocol_assignments(self, *args: Any) -> Any:
        return {
            member: self._with_levels(given)
            for member, given in super()._protocol_assignments(*args).items()
        }

    def _with_levels(self, assignment: Any) -> Any:
        announcement = self._opened(assignment)
        announcement.format_levels = self._announced
        return self._closed(assignment, announcement)

    # --- what is received --------------------------------------------------------------------

    def on_assignment(self, assignment: Any) -> None:
        """Take an assignment, even one made for the URL of a predecessor."""
        found = self._opened(assignment)
        self.format_levels = found.format_levels or {}
        # No worker writes a level that it cannot read, whatever its predecessor announced.
        lowest = min(self.format_levels.values(), default=FIRST_LEVEL)
        self.format_level = min(max(lowest, FIRST_LEVEL), NEWEST_LEVEL)
        url = str(self._url)
        self._known = found.url == url and self.format_levels.get(url) == NEWEST_LEVEL
        found.url = url
        super().on_assignment(self._closed(assignment, found))

    def _opened(self, assignment: Any) -> Announcement:
        found: Announcement = Announcement.loads(self._decompress(assignment.user_data))
        return found

    def _closed(self, assignment: Any, announcement: Announcement) -> Any:
        return ConsumerProtocolMemberAssignment(
            assignment.version, assignment.assignment, self._compress(announcement.dumps())
        )


def level(assignments: Iterable[ClientAssignment]) -> None:
    """Move partitions to members that have at least two fewer than another; drop standbys.

    Topics whose partitions have the same owners stay together.
    """
    members = list(assignments)
    together: defaultdict[tuple[tuple[int, ...] | None, ...], list[str]] = defaultdict(list)
    for topic in sorted({topic for one in members for topic in one.actives}):
        owned = (one.actives.get(topic) for one in members)
        together[tuple(None if some is None else tuple(sorted(some)) for some in owned)].append(
            topic
        )
    for topics in together.values():
        owners = [one.actives for one in members if topics[0] in one.actives]
        _level_topics(owners, topics)
    for one in members:
        one.standbys = {}


def _level_topics(owners: list[MutableMapping[str, list[int]]], topics: list[str]) -> None:
    def size(owner: MutableMapping[str, list[int]]) -> int:
        return len(owner[topics[0]])

    while size(most := max(owners, key=size)) > size(fewest := min(owners, key=size)) + 1:
        partition = max(most[topics[0]])
        for topic in topics:
            most[topic].remove(partition)
            fewest[topic].append(partition)
