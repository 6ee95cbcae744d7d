"""Each message is reported once, delivered or not. With a Kafka: tests/broker/test_transaction.py,
tests/broker/test_collector.py, tests/broker/test_sse.py.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from processor.errors import BrokerError, NotAuthorizedError
from processor.kafka import sender as module
from processor.kafka.sender import Message, Sender

Delivery = Callable[[Any, Any], None]


class Producer:
    """Takes `room` messages at a time, and delivers them when it is polled."""

    def __init__(self, properties: dict[str, Any]) -> None:
        self.properties = properties
        self.room = 3
        self.errors: list[Any] = []
        self.refusal: Exception | None = None
        self.sent: list[tuple[Any, ...]] = []
        self._waiting: list[Delivery] = []

    def produce(
        self, topic: str, value: bytes, key: bytes | None, partition: int,
        on_delivery: Delivery, timestamp: int, headers: Any,
    ) -> None:  # fmt: skip
        if self.refusal is not None:
            raise self.refusal
        if len(self._waiting) >= self.room:
            raise BufferError("queue full")
        self.sent.append((topic, value, key, partition, timestamp, headers))
        self._waiting.append(on_delivery)

    def poll(self, _timeout_s: float) -> None:
        waiting, self._waiting = self._waiting, []
        for deliver in waiting:
            deliver(self.errors.pop(0) if self.errors else None, None)

    def flush(self, _timeout_s: float) -> int:
        return len(self._waiting)


@pytest.fixture
def sender(monkeypatch: pytest.MonkeyPatch) -> Sender:
    monkeypatch.setattr(module, "Producer", Producer)
    return Sender({"bootstrap.servers": "b"}, {"linger.ms": 1, "compression.type": "none"})


def message(number: int) -> Message:
    return Message("t", b"%d" % number)


def test_a_sender_is_idempotent_and_waits_for_all_replicas(sender: Sender) -> None:
    assert sender._producer.properties == {
        "bootstrap.servers": "b",
        "enable.idempotence": True,
        "acks": "all",
        "compression.type": "none",
        "linger.ms": 1,
    }


def test_what_is_not_given_is_left_to_kafka(sender: Sender) -> None:
    sender.send(message(1), lambda _: None)
    sender.send(Message("t", b"2", b"k", 3, [("h", b"1")], 4), lambda _: None)
    assert sender._producer.sent == [
        ("t", b"1", None, -1, 0, None),
        ("t", b"2", b"k", 3, 4, [("h", b"1")]),
    ]


def test_a_report_comes_when_the_sender_polls(sender: Sender) -> None:
    reported: list[Any] = []
    sender._producer.errors = [None, "refused"]
    for number in range(2):
        sender.send(message(number), reported.append)
    assert (sender.outstanding, reported) == (2, [])
    sender.poll()
    assert (sender.outstanding, reported) == (0, [None, "refused"])


def test_a_message_that_is_not_taken_is_not_counted(sender: Sender) -> None:
    sender._producer.room = 0
    with pytest.raises(BufferError):
        sender.send(message(1), lambda _: None)
    assert sender.outstanding == 0


def test_a_full_queue_can_be_waited_for(sender: Sender) -> None:
    for number in range(7):
        sender.put(message(number), lambda _: None)
    assert len(sender._producer.sent) == 7
    assert sender.flush(1.0) == 1


async def test_all_messages_are_waited_for(sender: Sender) -> None:
    await sender.send_all([message(1), message(2)])
    await sender.send_all([])
    sender._producer.errors = [None, "first", "second"]
    with pytest.raises(BrokerError, match="a message to 't' was not delivered") as raised:
        await sender.send_all([message(n) for n in range(3)])
    assert raised.value.detail == "first"
    assert sender.outstanding == 0


async def test_a_topic_that_may_not_be_written_is_named(sender: Sender) -> None:
    refusal = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    sender._producer.errors = [None, refusal]
    with pytest.raises(NotAuthorizedError, match="no right to write 'closed'"):
        await sender.send_all([message(1), Message("closed", b"2")])
    sender._producer.refusal = KafkaException(refusal)
    with pytest.raises(NotAuthorizedError, match="no right to write 't'"):
        await sender.send_all([message(1)])


async def test_messages_behind_one_that_is_not_taken_are_not_sent(sender: Sender) -> None:
    with pytest.raises(BrokerError, match="queue full"):
        await sender.send_all([message(n) for n in range(5)])
    assert len(sender._producer.sent) == 3
    assert sender.outstanding == 0, "those that were taken are waited for"


async def test_calls_beside_each_other_are_reported_each_on_its_own(sender: Sender) -> None:
    sender._producer.errors = ["refused"]
    calls = [sender.send_all([message(n)]) for n in range(3)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(answer) for answer in answers] == [BrokerError, type(None), type(None)]


async def test_one_who_polls_for_ever_rests_while_nothing_is_under_way(sender: Sender) -> None:
    polling = asyncio.create_task(sender.poll_forever())
    for _ in range(2):
        reported: list[Any] = []
        sender.send(message(1), reported.append)
        while not reported:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
        assert not sender._some.is_set()
    polling.cancel()
