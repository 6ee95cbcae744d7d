"""Messages in transactions and outside of them, on a real Kafka."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from confluent_kafka import KafkaException

from processor.errors import BrokerError
from processor.kafka.reader import Fetching, Reader
from processor.kafka.record import FetchedRecord
from processor.kafka.sender import Message, Sender
from processor.kafka.transaction import Transactions, is_fenced

pytestmark = pytest.mark.broker

Open = Callable[[], Transactions]


@pytest.fixture
def topic(topics: Any) -> str:
    return topics.create("sent", 2)


@pytest.fixture
def opened(bootstrap_servers: str, topic: str) -> Iterator[Open]:
    with ExitStack() as stack:

        def made() -> Transactions:
            found = Transactions({"bootstrap.servers": bootstrap_servers}, f"{topic}-id")
            stack.enter_context(closing(found))
            found.connect(topic)
            found.init()
            return found

        yield made


@pytest.fixture
def committed(bootstrap_servers: str, topic: str) -> Callable[..., list[FetchedRecord]]:
    def read(isolation: str = "read_committed") -> list[FetchedRecord]:
        client = {"bootstrap.servers": bootstrap_servers}
        with closing(Reader(client, topic, Fetching(isolation))) as reader:
            reader.begin({0: None, 1: None})
            return [one for batch in reader.to_end() for one in batch]

    return read


def values(records: list[FetchedRecord]) -> list[bytes | None]:
    return [one.value for one in records]


def test_nothing_is_visible_before_the_commit(opened, topic, committed) -> None:
    writer = opened()
    writer.begin()
    writer.send(Message(topic, b"one", b"k", 0, [("h", b"1")], 1_700_000_000_000))
    assert committed() == []
    writer.send_batch(topic, 0, [(b"k", b"two"), (b"k", None)])
    writer.commit()
    assert writer.offset(topic) == 2
    first, *others = committed()
    assert (first.key, first.headers, first.timestamp) == (b"k", [("h", b"1")], 1_700_000_000_000)
    assert values(others) == [b"two", None]


def test_an_aborted_transaction_leaves_nothing(opened, topic, committed) -> None:
    writer = opened()
    writer.begin()
    writer.send(Message(topic, b"one", partition=0))
    writer.abort()
    writer.begin()
    writer.send(Message(topic, b"two", partition=0))
    writer.commit()
    assert values(committed()) == [b"two"]


def test_who_takes_an_id_shuts_out_and_undoes_the_one_before(opened, topic, committed) -> None:
    before = opened()
    before.begin()
    before.send(Message(topic, b"one", partition=0))
    after = opened()
    with pytest.raises(KafkaException) as raised:
        before.commit()
    assert is_fenced(raised.value.args[0])
    after.begin()
    after.send(Message(topic, b"two", partition=0))
    after.commit()
    assert values(committed()) == [b"two"]


async def test_a_sender_returns_when_all_are_delivered(bootstrap_servers, topic, committed) -> None:
    sender = Sender({"bootstrap.servers": bootstrap_servers}, {"message.timeout.ms": 10_000})
    messages = [Message(topic, b"%d" % n, partition=n % 2) for n in range(10)]
    await sender.send_all(messages)
    assert len(committed()) == 10
    with pytest.raises(BrokerError, match="was not delivered"):
        await sender.send_all([Message(topic, b"x", partition=7)])
    assert sender.flush(1.0) == 0
