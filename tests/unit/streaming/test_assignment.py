"""Faust gives both topics of a partition of profiles to one worker, whoever comes or goes."""

import random
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from faust.assignor.partition_assignor import PartitionAssignor

from processor.settings import Settings

SETTINGS = Settings(_env_file=None)
PAIRED = (SETTINGS.contributions_topic, SETTINGS.rules_topic)
TOPICS = {SETTINGS.enriched_topic, *PAIRED}


class Topology:
    """What an assignor asks of the cluster's metadata."""

    def __init__(self, partitions: dict[str, int]) -> None:
        self._partitions = partitions

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(range(self._partitions.get(topic, 0)))


class Member:
    """A worker of the group, with the assignor that remembers what it was given."""

    def __init__(self, name: str) -> None:
        sensors = SimpleNamespace(
            on_assignment_start=lambda _: None, on_assignment_completed=lambda *_: None
        )
        tables = SimpleNamespace(data={}, changelog_topics=set())
        conf = SimpleNamespace(canonical_url=f"http://{name}")
        app: Any = SimpleNamespace(tables=tables, conf=conf, sensors=sensors, tracer=None)
        self.name = name
        self.assignor = PartitionAssignor(app)

    def metadata(self) -> ConsumerProtocolMemberMetadata:
        return self.assignor.metadata(TOPICS)

    def owned(self, topic: str) -> set[int]:
        return {tp.partition for tp in self.assignor.assigned_actives() if tp.topic == topic}


def rebalance(members: list[Member], partitions: dict[str, int]) -> None:
    asked = {member.name: member.metadata() for member in members}
    given = members[0].assignor.assign(Topology(partitions), asked)
    for member in members:
        member.assignor.on_assignment(given[member.name])


@pytest.mark.parametrize("source", [1, 6, 12])
@pytest.mark.parametrize("seed", range(5))
def test_both_topics_of_a_partition_are_always_at_one_worker(source: int, seed: int) -> None:
    chance = random.Random(seed)
    partitions = {SETTINGS.enriched_topic: source, **dict.fromkeys(PAIRED, 6)}
    members = [Member("first")]
    for number in range(30):
        if len(members) > 1 and chance.random() < 0.5:
            members.pop(chance.randrange(len(members)))
        else:
            members.append(Member(f"worker-{number}"))
        chance.shuffle(members)
        rebalance(members, partitions)
        assert all(member.owned(PAIRED[0]) == member.owned(PAIRED[1]) for member in members)
        given = [one for member in members for one in member.owned(PAIRED[0])]
        assert sorted(given) == list(range(6))


def test_they_meet_again_after_the_leader_did_not_know_one_of_them() -> None:
    partitions = {SETTINGS.enriched_topic: 6, **dict.fromkeys(PAIRED, 6)}
    members = [Member("one"), Member("two")]
    rebalance(members, {**partitions, SETTINGS.rules_topic: 0})
    assert [member.owned(SETTINGS.rules_topic) for member in members] == [set(), set()]
    rebalance(members, partitions)
    assert all(member.owned(PAIRED[0]) == member.owned(PAIRED[1]) for member in members)
    assert {one for member in members for one in member.owned(PAIRED[1])} == set(range(6))
