import pytest

from processor.errors import BrokerError, TopicError
from processor.kafka import topics_at_start
from processor.kafka.topics import TopicState
from processor.kafka.topics_at_start import ensure_topics
from processor.settings import Settings

SETTINGS = Settings(_env_file=None)


class Kafka:
    """Answers each attempt with the next of these; with the last one again and again."""

    def __init__(self, *answers: Exception | dict[str, TopicState]) -> None:
        self._answers = list(answers)
        self.attempts = 0

    def __call__(self, _settings: Settings) -> "Kafka":
        return self

    def ensure(self) -> dict[str, TopicState]:
        self.attempts += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics_at_start, "_RETRY_S", 0.0)


async def test_a_worker_waits_until_a_broker_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    kafka = Kafka(BrokerError("away"), BrokerError("away"), {})
    monkeypatch.setattr(topics_at_start, "Topics", kafka)
    assert await ensure_topics(SETTINGS) == (kafka, {})
    assert kafka.attempts == 3


async def test_it_does_not_wait_for_longer_than_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics_at_start, "Topics", Kafka(BrokerError("away")))
    monkeypatch.setattr(topics_at_start, "_BROKER_WAIT_S", 0.1)
    with pytest.raises(BrokerError):
        await ensure_topics(SETTINGS)


async def test_it_does_not_wait_for_a_topic_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kafka = Kafka(TopicError("not compacted"))
    monkeypatch.setattr(topics_at_start, "Topics", kafka)
    with pytest.raises(TopicError):
        await ensure_topics(SETTINGS)
    assert kafka.attempts == 1
