from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from processor.errors import NotReadyError
from processor.kafka.partitioner import Partitioner
from processor.settings import Settings
from processor.streaming.worker_urls import WorkerUrls

SETTINGS = Settings(_env_file=None)
OWN = "http://a:8000"
OTHER = "http://b:8000"


def urls(owner: str | None) -> WorkerUrls:
    """A group of two workers, where `owner` has all partitions."""
    partitions = range(SETTINGS.partitions) if owner is not None else ()
    assignor = SimpleNamespace(
        external_topic_distribution={f"{OWN}/": {}, f"{OTHER}/": {}},
        _external_tps_url={TP(SETTINGS.contributions_topic, n): f"{owner}/" for n in partitions},
    )
    app: Any = SimpleNamespace(assignor=assignor, conf=SimpleNamespace(canonical_url=f"{OWN}/"))
    return WorkerUrls(SETTINGS, app, Partitioner(SETTINGS.partitions))


def test_the_others_are_the_group_without_this_worker() -> None:
    assert urls(OWN).others() == {OTHER}


def test_the_owner_of_a_profile_is_none_where_it_is_this_worker() -> None:
    assert urls(OWN).owner("user_id", "jo") is None
    assert urls(OTHER).owner("user_id", "jo") == OTHER


def test_a_profile_without_an_owner_is_not_ready() -> None:
    with pytest.raises(NotReadyError):
        urls(None).owner("user_id", "jo")
