"""What a failed delivery and a refused transaction mean to their callers.

With a Kafka: tests/broker/test_rights.py, tests/broker/test_flush.py.
"""

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from processor.errors import BrokerError, DeliveryFailedError, FencedError, NotAuthorizedError
from processor.formats import NEWEST_LEVEL
from processor.kafka.sender import Message
from processor.kafka.transaction import Transactions
from processor.settings import Settings
from processor.streaming.messages import producers as module
from processor.streaming.messages.outgoing import Outgoing
from processor.streaming.messages.producers import IdempotentProducer, TransactionalProducer

SETTINGS = Settings(_env_file=None)


class Sender:
    """Takes messages as long as there is room; reports what it is told."""

    outstanding = 0

    def __init__(self, *_of: Any) -> None:
        self.room = 10
        self.error: Any = None
        self.sent: list[Message] = []

    def send(self, message: Message, report: Any) -> None:
        if len(self.sent) >= self.room:
            raise BufferError("queue full")
        self.sent.append(message)
        report(self.error)


class NotedTransactions(Transactions):
    """Notes what is sent; `error` is raised by the next commit."""

    def __init__(self, _client: Any, name: str, _properties: Any) -> None:
        self.name = name
        self.failure = None
        self.error: Any = None
        self.sent: list[Message] = []
        self.batches: list[tuple[str, int, list[Any]]] = []

    def begin(self) -> None:
        pass

    def send(self, message: Message) -> None:
        self.sent.append(message)

    def send_batch(self, topic: str, partition: int, records: Any) -> None:
        self.batches.append((topic, partition, list(records)))

    def commit(self, _timeout_s: float = 0.0) -> None:
        error, self.error = self.error, None
        if error is not None:
            raise KafkaException(error)

    def offset(self, topic: str) -> int:
        return 41 if topic == SETTINGS.changelog_topic else -1


# --- one message after the other ------------------------------------------------------------------


@pytest.fixture
def failures() -> list[BaseException]:
    return []


@pytest.fixture
def producer(monkeypatch: pytest.MonkeyPatch, failures: list[BaseException]) -> IdempotentProducer:
    monkeypatch.setattr(module, "Sender", Sender)
    return IdempotentProducer(SETTINGS, failures.append)


def test_a_delivery_is_reported_to_who_sent_the_message(producer, failures) -> None:
    delivered: list[int] = []
    producer.send("t", 3, b"k", b"v", lambda: delivered.append(1))
    producer.send("t", None, None, b"v", lambda: delivered.append(2))
    assert delivered == [1, 2]
    assert not failures
    assert [one.partition for one in producer._sender.sent] == [3, Message("t", b"").partition]


def test_a_delivery_that_failed_ends_the_process(producer, failures) -> None:
    producer._sender.error = "timed out"
    producer.send("t", 0, None, b"v", lambda: pytest.fail("it was not delivered"))
    (failure,) = failures
    assert isinstance(failure, DeliveryFailedError)
    assert failure.detail == "timed out"


def test_a_message_that_is_not_taken_ends_the_process(producer, failures) -> None:
    producer._sender.room = 0
    with pytest.raises(DeliveryFailedError, match="a message to t was not"):
        producer.send("t", 0, None, b"v", lambda: None)
    assert len(failures) == 1


# --- transactions ---------------------------------------------------------------------------------


@pytest.fixture
def transactional(monkeypatch: pytest.MonkeyPatch) -> TransactionalProducer:
    monkeypatch.setattr(module, "Transactions", NotedTransactions)
    return TransactionalProducer(SETTINGS, 2)


def test_all_of_a_flush_goes_to_its_topics(transactional) -> None:
    outgoing = Outgoing(NEWEST_LEVEL)
    outgoing.interventions.append((b"u", b"fired", [("name", b"n")]))
    outgoing.dead_letters.append((b"k", b"letter"))
    outgoing.parts[5] = [(b"k", b"part")]
    transactional.send_all([(b"k", b"profile"), (b"gone", None)], outgoing)
    sent = transactional._transactions
    assert sent.batches == [
        (SETTINGS.rules_topic, 5, [(b"k", b"part")]),
        (SETTINGS.changelog_topic, 2, [(b"k", b"profile"), (b"gone", None)]),
    ]
    assert [(one.topic, one.partition) for one in sent.sent] == [
        (SETTINGS.interventions_topic, 2),
        (SETTINGS.dead_letter_topic, Message("t", b"").partition),
    ]
    assert transactional.commit() == 41


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (KafkaError(KafkaError._FENCED, fatal=True), FencedError),
        (KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED, fatal=True), NotAuthorizedError),
        (KafkaError(KafkaError._MSG_TIMED_OUT), BrokerError),
    ],
)
def test_a_commit_that_failed_says_why(transactional, error, raised) -> None:
    transactional._transactions.error = error
    with pytest.raises(raised, match=transactional.name):
        transactional.commit()


def test_a_commit_that_takes_long_is_waited_for(transactional) -> None:
    transactional._transactions.error = KafkaError(KafkaError._TIMED_OUT, retriable=True)
    assert transactional.commit() == 41
