"""Both topics of a partition of profiles go to one worker, and all workers agree on a level."""

import random
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.coordinator.protocol import ConsumerProtocol, ConsumerProtocolMemberMetadata
from faust.assignor.partition_assignor import PartitionAssignor as FirstAssignor

from processor.formats import NEWEST_LEVEL
from processor.settings import Settings
from processor.streaming.fetch.assignor import PartitionAssignor

SETTINGS = Settings(_env_file=None)
PAIRED = (SETTINGS.contributions_topic, SETTINGS.rules_topic)
TOPICS = {SETTINGS.enriched_topic, *PAIRED}
# What Faust gives its assignor unless it is set.
FAUST_REPLICAS = 1


class Topology:
    """What an assignor asks of the cluster's metadata."""

    def __init__(self, partitions: dict[str, int]) -> None:
        self._partitions = partitions

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(range(self._partitions.get(topic, 0)))


class Member:
    """A worker of the group, with the assignor that remembers what it was given.

    The first version of the processor has Faust's own.
    """

    def __init__(self, name: str, kind: Any = PartitionAssignor) -> None:
        sensors = SimpleNamespace(
            on_assignment_start=lambda _: None, on_assignment_completed=lambda *_: None
        )
        tables = SimpleNamespace(data={}, changelog_topics=set())
        conf = SimpleNamespace(canonical_url=f"http://{name}")
        app: Any = SimpleNamespace(tables=tables, conf=conf, sensors=sensors, tracer=None)
        self.name = name
        self.assignor = kind(app, replicas=FAUST_REPLICAS)

    def metadata(self) -> ConsumerProtocolMemberMetadata:
        return self.assignor.metadata(TOPICS)

    def owned(self, topic: str) -> set[int]:
        return {tp.partition for tp in self.assignor.assigned_actives() if tp.topic == topic}


def rebalance(members: list[Member], partitions: dict[str, int]) -> dict[str, Any]:
    """Let the first member lead; return what each is given, as it comes out of Kafka."""
    asked = {
        member.name: through_kafka(ConsumerProtocol.METADATA, member.metadata())
        for member in members
    }
    assigned = members[0].assignor.assign(Topology(partitions), asked)
    given = {
        name: through_kafka(ConsumerProtocol.ASSIGNMENT, one) for name, one in assigned.items()
    }
    for member in members:
        member.assignor.on_assignment(given[member.name])
    return given


def through_kafka(kind: Any, message: Any) -> Any:
    return kind.decode(message.encode())


def generations(seed: int, partitions: dict[str, int]) -> Iterator[list[Member]]:
    """The members of a group after each of 30 rebalances, led by any of them."""
    chance = random.Random(seed)
    members = [Member("first")]
    for number in range(30):
        if len(members) > 1 and chance.random() < 0.5:
            members.pop(chance.randrange(len(members)))
        else:
            members.append(Member(f"worker-{number}"))
        chance.shuffle(members)
        rebalance(members, partitions)
        yield members


@pytest.mark.parametrize("source", [1, 6, 12])
@pytest.mark.parametrize("seed", range(5))
def test_both_topics_of_a_partition_are_always_at_one_worker(source: int, seed: int) -> None:
    partitions = {SETTINGS.enriched_topic: source, **dict.fromkeys(PAIRED, 6)}
    for members in generations(seed, partitions):
        assert all(member.owned(PAIRED[0]) == member.owned(PAIRED[1]) for member in members)
        given = [one for member in members for one in member.owned(PAIRED[0])]
        assert sorted(given) == list(range(6))


@pytest.mark.parametrize("source", [4, 6, 9])
@pytest.mark.parametrize("seed", range(5))
def test_no_worker_has_two_partitions_more_than_another(source: int, seed: int) -> None:
    partitions = {SETTINGS.enriched_topic: source, **dict.fromkeys(PAIRED, 6)}
    for members in generations(seed, partitions):
        for topic, count in partitions.items():
            owned = [member.owned(topic) for member in members]
            assert sorted(one for some in owned for one in some) == list(range(count))
            sizes = [len(some) for some in owned]
            assert max(sizes) - min(sizes) <= 1


def test_a_worker_that_joins_takes_no_more_than_its_share() -> None:
    partitions = {SETTINGS.enriched_topic: 4, **dict.fromkeys(PAIRED, 4)}
    one, two = Member("one"), Member("two")
    rebalance([one, two], partitions)
    before = [member.owned(PAIRED[0]) for member in (one, two)]
    three = Member("three")
    rebalance([one, two, three], partitions)
    after = [member.owned(PAIRED[0]) for member in (one, two)]
    assert len(three.owned(PAIRED[0])) == 1
    assert all(now <= then for now, then in zip(after, before, strict=True))


def test_a_rebalance_without_a_change_moves_nothing() -> None:
    partitions = {SETTINGS.enriched_topic: 8, **dict.fromkeys(PAIRED, 8)}
    members = [Member(name) for name in ("one", "two", "three")]
    rebalance(members, partitions)
    before = {member.name: member.owned(PAIRED[0]) for member in members}
    for _ in range(3):
        members.reverse()
        rebalance(members, partitions)
        assert {member.name: member.owned(PAIRED[0]) for member in members} == before


def test_they_meet_again_after_the_leader_did_not_know_one_of_them() -> None:
    partitions = {SETTINGS.enriched_topic: 6, **dict.fromkeys(PAIRED, 6)}
    members = [Member("one"), Member("two")]
    rebalance(members, {**partitions, SETTINGS.rules_topic: 0})
    assert [member.owned(SETTINGS.rules_topic) for member in members] == [set(), set()]
    rebalance(members, partitions)
    assert all(member.owned(PAIRED[0]) == member.owned(PAIRED[1]) for member in members)
    assert {one for member in members for one in member.owned(PAIRED[1])} == set(range(6))


# --- format levels -------------------------------------------------------------------------------

PARTITIONS = {SETTINGS.enriched_topic: 6, **dict.fromkeys(PAIRED, 6)}


class NextAssignor(PartitionAssignor):
    """That of a later version, which reads a level more."""

    @property
    def _metadata(self) -> Any:
        announced = super()._metadata
        announced.format_level = NEWEST_LEVEL + 1
        return announced


def first(name: str) -> Member:
    return Member(name, FirstAssignor)


def levels(members: list[Member]) -> set[int]:
    """The levels of those members that know of levels."""
    found = (getattr(member.assignor, "format_level", None) for member in members)
    return {one for one in found if one is not None}


def test_workers_of_one_version_take_their_own_level() -> None:
    members = [Member("one"), Member("two"), Member("three")]
    rebalance(members, PARTITIONS)
    assert levels(members) == {NEWEST_LEVEL}
    assert members[2].assignor.format_levels == {
        f"http://{member.name}": NEWEST_LEVEL for member in members
    }


@pytest.mark.parametrize(
    "members",
    [
        [first("old"), Member("new"), Member("other")],
        [Member("new"), first("old"), Member("other")],
        [Member("new"), Member("other"), first("old"), first("older")],
    ],
    ids=["old leader", "new leader", "two old ones"],
)
def test_the_level_is_1_beside_a_worker_that_announces_nothing(members: list[Member]) -> None:
    rebalance(members, PARTITIONS)
    assert levels(members) == {1}
    given = [one for member in members for one in member.owned(PAIRED[0])]
    assert sorted(given) == list(range(6))


def test_the_level_rises_with_the_rebalance_that_the_last_old_worker_is_not_part_of() -> None:
    old, one, two = first("old"), Member("one"), Member("two")
    rebalance([old, one, two], PARTITIONS)
    rebalance([one, two], PARTITIONS)
    assert levels([one, two]) == {NEWEST_LEVEL}
    rebalance([one, two, old], PARTITIONS)
    assert levels([one, two]) == {1}


@pytest.mark.parametrize("seed", range(10))
def test_whoever_leads_and_whoever_comes_or_goes_nobody_writes_what_another_cannot_read(
    seed: int,
) -> None:
    chance = random.Random(seed)
    kinds = {FirstAssignor: 1, PartitionAssignor: NEWEST_LEVEL, NextAssignor: NEWEST_LEVEL + 1}
    members: list[Member] = []
    for number in range(40):
        if len(members) > 1 and chance.random() < 0.5:
            members.pop(chance.randrange(len(members)))
        else:
            members.append(Member(f"worker-{number}", chance.choice(list(kinds))))
        chance.shuffle(members)
        rebalance(members, PARTITIONS)
        lowest = min(kinds[type(member.assignor)] for member in members)
        wanted = 1 if type(members[0].assignor) is FirstAssignor else min(lowest, NEWEST_LEVEL)
        assert levels(members) <= {wanted}
        given = [one for member in members for one in member.owned(PAIRED[0])]
        assert sorted(given) == list(range(6))


def test_two_workers_of_one_url_count_as_the_older() -> None:
    members = [Member("one"), Member("two"), first("two")]
    members[2].name = "another"
    rebalance(members, PARTITIONS)
    assert levels(members) == {1}


# --- a static member that comes back gets what its predecessor was given ----------------------


@pytest.mark.parametrize("leader", [first("leader"), Member("leader")], ids=["old", "new"])
def test_who_gets_the_assignment_of_an_older_predecessor_joins_once_more(leader: Member) -> None:
    given = rebalance([leader, first("static")], PARTITIONS)
    back = Member("static")
    before = back.metadata()
    back.assignor.on_assignment(given["static"])
    assert back.assignor.format_level == 1
    assert back.assignor.joins_again()
    assert back.metadata().user_data != before.user_data
    assert back.owned(PAIRED[0]), "what it has is its predecessor's until then"
    rebalance([leader, back], PARTITIONS)
    assert not back.assignor.joins_again()


def test_under_an_old_leader_a_worker_joins_once_more_and_no_more() -> None:
    members = [first("leader"), Member("new")]
    asked = 0
    for _ in range(5):
        rebalance(members, PARTITIONS)
        asked += members[1].assignor.joins_again()
    assert asked == 1


def test_what_makes_a_worker_join_once_more_changes_what_it_sends() -> None:
    """Kafka rebalances for a member whose metadata is another than before."""
    leader, new = first("leader"), Member("new")
    rebalance([leader, new], PARTITIONS)
    before = new.metadata().user_data
    assert new.assignor.joins_again()
    assert new.metadata().user_data != before


def test_who_comes_back_as_it_was_takes_what_its_predecessor_had() -> None:
    given = rebalance([Member("leader"), Member("static")], PARTITIONS)
    back = Member("static")
    back.assignor.on_assignment(given["static"])
    assert not back.assignor.joins_again()
    assert back.assignor.format_level == NEWEST_LEVEL


@pytest.mark.parametrize("leader", [first("leader"), Member("leader")], ids=["old", "new"])
def test_who_comes_back_under_another_url_joins_once_more(leader: Member) -> None:
    given = rebalance([leader, Member("static")], PARTITIONS)
    back = Member("static")
    back.assignor.app.conf.canonical_url = "http://elsewhere"
    back.assignor.on_assignment(given["static"])
    assert back.assignor.joins_again()
    rebalance([leader, back], PARTITIONS)
    assert "http://elsewhere" in leader.assignor.external_topic_distribution
    assert "http://static" not in leader.assignor.external_topic_distribution


def test_who_goes_back_to_an_older_version_writes_nothing_that_it_does_not_read() -> None:
    given = rebalance([Member("leader", NextAssignor), Member("static", NextAssignor)], PARTITIONS)
    back = Member("static")
    back.assignor.on_assignment(given["static"])
    assert back.assignor.format_level == NEWEST_LEVEL
    assert back.assignor.joins_again()
