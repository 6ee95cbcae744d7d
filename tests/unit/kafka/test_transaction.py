"""What a transaction notes of its deliveries. With a Kafka: tests/broker/test_transaction.py."""

from contextlib import suppress
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from processor.errors import BrokerError, NotAuthorizedError, UnknownOutcomeError
from processor.kafka import transaction as module
from processor.kafka.sender import Message
from processor.kafka.transaction import Transactions, is_fenced


class Delivered:
    def __init__(self, topic: str, offset: int) -> None:
        self.topic, self.offset = (lambda: topic), (lambda: offset)


class Producer:
    """Delivers at once what it is given."""

    def __init__(self, _properties: dict[str, Any]) -> None:
        self.offset = 10
        self.error: Any = None
        self.refused: Any = None
        self.outcome: KafkaException | None = None

    def begin_transaction(self) -> None:
        pass

    def produce(self, topic: str, *_of: Any, on_delivery: Any, **_more: Any) -> None:
        self.offset += 1
        on_delivery(self.error, Delivered(topic, self.offset))

    def produce_batch(self, topic: str, batch: list[dict[str, Any]], partition: int) -> None:
        if self.refused is not None:
            batch[0]["_error"] = self.refused
        for record in batch:
            self.offset += 1
            if "callback" in record:
                record["callback"](None, Delivered(topic, self.offset))

    def commit_transaction(self, _timeout_s: float) -> None:
        if self.outcome is not None:
            raise self.outcome

    def purge(self) -> None:
        pass

    def close(self) -> None:
        raise KafkaException(KafkaError(KafkaError._FENCED))


@pytest.fixture
def transactions(monkeypatch: pytest.MonkeyPatch) -> Transactions:
    monkeypatch.setattr(module, "Producer", Producer)
    return Transactions({}, "id")


def test_the_last_offset_of_each_topic_is_known(transactions: Transactions) -> None:
    transactions.begin()
    assert transactions.offset("a") == -1
    transactions.send(Message("a", b""))
    transactions.send_batch("b", 0, [(b"k", b"v"), (b"k", None)])
    transactions.send_batch("b", 0, [])
    assert (transactions.offset("a"), transactions.offset("b")) == (11, 13)
    transactions.begin()
    assert transactions.offset("a") == -1


def test_the_first_failure_is_kept_until_the_next_transaction(transactions: Transactions) -> None:
    transactions.begin()
    for code in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError._MSG_TIMED_OUT):
        transactions._producer.error = KafkaError(code)
        transactions.send(Message("a", b""))
    found = transactions.not_authorized([], "write 'a'")
    assert found is not None
    assert "write 'a'" in found.message
    transactions.begin()
    assert transactions.failure is None


def test_a_batch_that_is_not_taken_is_an_error(transactions: Transactions) -> None:
    transactions._producer.refused = KafkaError(KafkaError._QUEUE_FULL)
    with pytest.raises(KafkaException):
        transactions.send_batch("b", 0, [(b"k", b"v")])


def test_closing_one_that_was_fenced_raises_nothing(transactions: Transactions) -> None:
    transactions.close()


def test_only_some_errors_say_that_another_producer_came() -> None:
    assert is_fenced(KafkaError(KafkaError._FENCED))
    assert not is_fenced(KafkaError(KafkaError._MSG_TIMED_OUT))
    assert not is_fenced("some text")


def refusal(code: int, **more: bool) -> KafkaException:
    return KafkaException(KafkaError(code, **more))


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (refusal(KafkaError._TIMED_OUT, retriable=True), UnknownOutcomeError),
        (refusal(KafkaError._FENCED, fatal=True), UnknownOutcomeError),
        (refusal(KafkaError._STATE, txn_requires_abort=True), BrokerError),
        (refusal(KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED), NotAuthorizedError),
    ],
    ids=["no answer", "fenced", "to be aborted", "no right"],
)
def test_a_commit_without_an_answer_has_an_unknown_outcome(
    transactions: Transactions, reason: KafkaException, expected: type[BrokerError]
) -> None:
    """A fenced producer may have committed before: an answer is lost, and the request repeated."""
    transactions.begin()
    transactions._producer.outcome = reason
    with pytest.raises(BrokerError, match="move t-0") as raised, transactions.errors_of("move t-0"):
        transactions.commit()
    assert type(raised.value) is expected


def test_an_error_before_the_commit_says_that_nothing_was_committed(
    transactions: Transactions,
) -> None:
    transactions._producer.outcome = refusal(KafkaError._TIMED_OUT, retriable=True)
    with suppress(KafkaException):
        transactions.commit()
    transactions.begin()
    transactions._producer.refused = KafkaError(KafkaError._QUEUE_FULL)
    with pytest.raises(BrokerError, match="cannot move") as raised, transactions.errors_of("move"):
        transactions.send_batch("b", 0, [(b"k", b"v")])
    assert type(raised.value) is BrokerError
    assert "nothing was committed" in raised.value.hint
