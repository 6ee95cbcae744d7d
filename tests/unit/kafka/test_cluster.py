"""A cluster is asked once more, with fresh metadata, when it refuses a leader that was known.

With a Kafka: tests/broker/test_cluster.py.
"""

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from processor.errors import BrokerError, NotAuthorizedError
from processor.kafka import cluster as module
from processor.kafka.cluster import Cluster


class Admin:
    """Refuses leaders with a code, until its metadata were read so many times."""

    def __init__(self, code: int, stale: int = 1) -> None:
        self._code, self._stale = code, stale
        self.read: list[str] = []

    def __call__(self, _properties: dict[str, Any]) -> "Admin":
        return self

    def list_topics(self, name: str, timeout: float) -> None:
        self.read.append(name)

    def list_offsets(self, asked: dict[Any, Any], **_options: Any) -> dict[Any, "Future[Any]"]:
        futures: dict[Any, Future[Any]] = {one: Future() for one in asked}
        for future in futures.values():
            if len(self.read) < self._stale:
                future.set_exception(KafkaException(KafkaError(self._code)))
            else:
                future.set_result(SimpleNamespace(offset=7))
        return futures


@pytest.mark.parametrize(
    "code",
    [
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
    ],
)
def test_a_refused_leader_is_looked_up_again(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    admin = Admin(code)
    monkeypatch.setattr(module, "AdminClient", admin)
    assert Cluster({}).ends([("t", 0), ("t", 1)]) == {("t", 0): 7, ("t", 1): 7}
    assert admin.read == ["t"]


def test_metadata_that_do_not_help_are_read_again_at_the_next_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    admin = Admin(KafkaError.FENCED_LEADER_EPOCH, stale=2)
    monkeypatch.setattr(module, "AdminClient", admin)
    cluster = Cluster({})
    with pytest.raises(BrokerError, match="cannot read the ends of 't'"):
        cluster.ends([("t", 0)])
    assert cluster.ends([("t", 0)]) == {("t", 0): 7}


def test_what_no_metadata_mend_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    admin = Admin(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    monkeypatch.setattr(module, "AdminClient", admin)
    with pytest.raises(NotAuthorizedError, match="no right to describe 't'"):
        Cluster({}).ends([("t", 0), ("u", 0)])
    assert not admin.read


class Group:
    """Answers what a group has committed for `t-0`, or with an error."""

    def __init__(self, answer: Exception | KafkaError | int) -> None:
        self._answer = answer

    def __call__(self, _properties: dict[str, Any]) -> "Group":
        return self

    def list_consumer_group_offsets(self, _asked: list[Any]) -> dict[str, "Future[Any]"]:
        future: Future[Any] = Future()
        if isinstance(self._answer, Exception):
            future.set_exception(self._answer)
        else:
            error = self._answer if isinstance(self._answer, KafkaError) else None
            offset = -1001 if error is not None else self._answer
            found = SimpleNamespace(offset=offset, error=error)
            future.set_result(SimpleNamespace(topic_partitions=[found]))
        return {"g": future}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (TimeoutError(), BrokerError),
        (KafkaException(KafkaError(KafkaError._TIMED_OUT)), BrokerError),
        (KafkaException(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)), NotAuthorizedError),
        (KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART), BrokerError),
        (KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED), NotAuthorizedError),
    ],
    ids=["silence", "time-out", "group", "partition", "topic"],
)
def test_what_a_group_has_committed_is_known_or_an_error(
    monkeypatch: pytest.MonkeyPatch, answer: Any, expected: type[BrokerError]
) -> None:
    monkeypatch.setattr(module, "AdminClient", Group(answer))
    with pytest.raises(BrokerError, match="the group 'g' has committed for t-0") as raised:
        Cluster({}).committed("g", ("t", 0))
    assert type(raised.value) is expected


@pytest.mark.parametrize("offset", [-1001, 0, 7])
def test_a_committed_offset_is_returned(monkeypatch: pytest.MonkeyPatch, offset: int) -> None:
    monkeypatch.setattr(module, "AdminClient", Group(offset))
    assert Cluster({}).committed("g", ("t", 0)) == offset
