"""What the collector took in while Kafka is away. With a Kafka: tests/broker/test_collector.py."""

import asyncio

import pytest

from processor.collector import Collected, CollectedEvent, RefusedEvent
from processor.errors import DeadLetterReason, NotReadyError
from processor.settings import Settings
from processor.streaming import collected_topics
from processor.streaming.collected_topics import CollectedTopics


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> CollectedTopics:
    """Topics of a Kafka that is not there, waited for three tenths of a second."""
    monkeypatch.setattr(collected_topics, "COLLECTOR_DELIVERY_MS", 300)
    monkeypatch.setattr(collected_topics, "COLLECTOR_BUFFER_BYTES_MAX", 1024 * 1024)
    return CollectedTopics(Settings(bootstrap_servers="127.0.0.1:1"))


async def test_events_that_kafka_does_not_take_in_time_are_not_acknowledged(away) -> None:
    refused = RefusedEvent(b"x", DeadLetterReason.PAYLOAD, "why")
    one = Collected([CollectedEvent(b"", b"line")], [refused])
    requests = [away.write(one, received_ms=0) for _ in range(5)]
    answers = await asyncio.gather(*requests, return_exceptions=True)
    assert [type(answer) for answer in answers] == [NotReadyError] * 5
    assert "send them again" in str(answers[0])


async def test_events_that_do_not_fit_the_buffer_are_not_acknowledged(away) -> None:
    large = Collected([CollectedEvent(b"", b"x" * 900_000)] * 3, [])
    with pytest.raises(NotReadyError, match=r"[Qq]ueue full"):
        await away.write(large, received_ms=0)


async def test_nothing_is_written_for_nothing(away) -> None:
    await away.write(Collected([], []), received_ms=0)
