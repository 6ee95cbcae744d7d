from types import SimpleNamespace
from typing import Any

import pytest

from processor.errors import NotReadyError
from processor.kafka.partitioner import Partitioner
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.streaming.profiles.profile_partitions import ProfilePartitions
from processor.streaming.tasks import Tasks

SETTINGS = Settings(_env_file=None)
PARTITIONER = Partitioner(SETTINGS.partitions)


def ownership(*, alive: bool = True) -> Any:
    flushed = {one: number for number, one in enumerate(ProfileInput, start=3)}
    return SimpleNamespace(alive=alive, table=SimpleNamespace(flushed=flushed))


def partition(_number: int) -> Any:
    return SimpleNamespace(ownership=None, fault=None, progress=None)


@pytest.fixture
def partitions() -> ProfilePartitions:
    return ProfilePartitions(SETTINGS, PARTITIONER, partition, Tasks(lambda _: None))


def test_there_is_one_for_each_number(partitions: ProfilePartitions) -> None:
    first = partitions.get(0)
    assert partitions.get(0) is first
    assert partitions.get(1) is not first


def test_a_profile_is_held_by_the_partition_of_its_key(partitions: ProfilePartitions) -> None:
    with pytest.raises(NotReadyError):
        partitions.holding("user_id", "jo")
    number = PARTITIONER.partition("user_id", "jo")
    assert partitions.get(number) is partitions.holding("user_id", "jo")


def test_only_what_is_alive_is_owned_and_applied(partitions: ProfilePartitions) -> None:
    for number, own in enumerate([ownership(), ownership(alive=False), None]):
        partitions.get(number).ownership = own
    assert list(partitions.owned()) == [0]
    assert partitions.applied() == {
        one.topic(SETTINGS): {0: number} for number, one in enumerate(ProfileInput, start=3)
    }
    assert partitions.ownership(1) is partitions.get(1).ownership
    assert partitions.ownership(5) is None


def test_what_is_restored_is_a_share_of_all_partitions(partitions: ProfilePartitions) -> None:
    assert partitions.restored() == 1.0
    for number, position in enumerate([100, 50]):
        progress: Any = SimpleNamespace(start=0, end=100, position=position)
        partitions.get(number).progress = progress
    assert partitions.restored() == 0.75
