"""A move that fails says what is known of it. With a Kafka: tests/broker/test_partitions.py."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from processor.errors import BrokerError, UnknownOutcomeError
from processor.kafka import transaction
from processor.kafka.record import FetchedRecord
from processor.settings import Settings
from processor.streaming import moving as module
from processor.streaming.moving import Moved, PartitionMove

SETTINGS = Settings(_env_file=None)
TOPIC = SETTINGS.contributions_topic


class Producer:
    """Fails in the call that `fails` names."""

    fails = ""

    def __init__(self, _properties: dict[str, Any]) -> None:
        pass

    def _do(self, call: str) -> None:
        if call == self.fails:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, retriable=True))

    def init_transactions(self, _timeout_s: float) -> None:
        self._do("init")

    def begin_transaction(self) -> None:
        self._do("begin")

    def produce(self, *_of: Any, **_more: Any) -> None:
        self._do("produce")

    def commit_transaction(self, _timeout_s: float) -> None:
        self._do("commit")

    def purge(self) -> None:
        pass

    def close(self) -> None:
        pass


class Topics:
    def __init__(self, _settings: Settings) -> None:
        pass

    def described(self, names: list[str]) -> dict[str, tuple[int, str]]:
        return {name: (1, name) for name in names}


class Records:
    """A partition with three records."""

    def __init__(self, *_where: Any) -> None:
        pass

    def bounds(self) -> tuple[int, int]:
        return 0, 3

    def read(self, start: int) -> Iterator[list[FetchedRecord]]:
        yield [FetchedRecord(TOPIC, 0, offset, 0, 0, b"k", b"v") for offset in range(start, 3)]

    def close(self) -> None:
        pass


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setattr(transaction, "Producer", Producer)
    monkeypatch.setattr(module, "Topics", Topics)
    monkeypatch.setattr(module, "PartitionReader", Records)
    monkeypatch.setattr(module, "last_positions", lambda *_of: None)

    def move(fails: str) -> Moved:
        monkeypatch.setattr(Producer, "fails", fails)
        return PartitionMove(SETTINGS, TOPIC, 0).move(2, tmp_path / "passed-over")

    return move


def test_a_move_says_what_it_skipped(moved: Any) -> None:
    assert moved("") == Moved(0, 2, 2)


@pytest.mark.parametrize("call", ["init", "begin", "produce"])
def test_before_the_commit_nothing_was_moved(moved: Any, call: str) -> None:
    with pytest.raises(BrokerError, match=f"cannot move {TOPIC}-0") as raised:
        moved(call)
    assert type(raised.value) is BrokerError
    assert "nothing was committed" in raised.value.hint


def test_a_commit_without_an_answer_may_have_moved_it(moved: Any) -> None:
    with pytest.raises(UnknownOutcomeError, match=f"not known .* move {TOPIC}-0") as raised:
        moved("commit")
    assert "passed-over" in raised.value.hint
    assert "nothing" not in str(raised.value)
