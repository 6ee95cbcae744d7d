"""Direct interventions go where rules fire for the same targets. With a Kafka: test_sse.py."""

from collections.abc import Sequence
from typing import Any

import pytest

from processor.errors import BrokerError, NotAuthorizedError
from processor.interventions import Pushed
from processor.kafka.partitioner import Partitioner
from processor.kafka.rights import no_right_to
from processor.kafka.sender import Message
from processor.settings import Settings
from processor.streaming.interventions import interventions_writer as module
from processor.streaming.interventions.interventions_writer import InterventionsWriter

SETTINGS = Settings(_env_file=None)
PARTITIONER = Partitioner(8)


class Sender:
    """Notes what is sent, and fails with `failure`."""

    failure: BrokerError | None = None

    def __init__(self, *_of: Any) -> None:
        self.sent: list[Message] = []

    async def send_all(self, messages: Sequence[Message]) -> None:
        self.sent += messages
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> InterventionsWriter:
    monkeypatch.setattr(module, "Sender", Sender)
    return InterventionsWriter(SETTINGS, PARTITIONER)


def pushed(identifier: str) -> Any:
    """What the writer reads of a push."""

    class Push:
        name, version = "sale", 3
        target_key, target_id = "domain_userid", identifier

    found: type[Pushed] = Push  # type: ignore[assignment]
    return found


async def test_each_goes_to_the_partition_of_its_target(writer) -> None:
    await writer.write([(pushed(name), b"{}") for name in ("u", "v", "w")])
    for message, name in zip(writer._sender.sent, ("u", "v", "w"), strict=True):
        assert message.topic == SETTINGS.interventions_topic
        assert message.key == name.encode()
        assert message.partition == PARTITIONER.partition("domain_userid", name)
        assert dict(message.headers) == {
            "name": b"sale", "version": b"3", "content-type": b"application/json",
        }  # fmt: skip


async def test_what_kafka_does_not_take_is_an_error(writer, monkeypatch) -> None:
    monkeypatch.setattr(Sender, "failure", BrokerError("not delivered", detail="queue full"))
    with pytest.raises(BrokerError, match="not all") as raised:
        await writer.write([(pushed("u"), b"{}")])
    assert raised.value.detail == "queue full"


async def test_a_missing_right_stays_one(writer, monkeypatch) -> None:
    monkeypatch.setattr(Sender, "failure", no_right_to("write 'interventions'", "refused"))
    with pytest.raises(NotAuthorizedError, match="write 'interventions'"):
        await writer.write([(pushed("u"), b"{}")])


def test_no_connection_is_made_before_the_first_push(writer) -> None:
    assert "_sender" not in vars(writer)
