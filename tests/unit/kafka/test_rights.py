"""What Kafka's user may not do is one error, whatever kind of object refused it."""

import pytest
from confluent_kafka import KafkaError

from processor.kafka.rights import no_right_to, not_authorized


@pytest.mark.parametrize(
    "code",
    [
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        KafkaError._AUTHENTICATION,
    ],
)
def test_a_missing_right_is_named_with_what_was_attempted(code: int) -> None:
    found = not_authorized([None, "some text", KafkaError(code)], "write 'topic'")
    assert found is not None
    assert "no right to write 'topic'" in found.message
    assert "deploy/README.md" in found.hint


def test_any_other_reason_is_no_missing_right() -> None:
    assert not_authorized([None, KafkaError(KafkaError._ALL_BROKERS_DOWN)], "read") is None
    assert not_authorized([], "read") is None


def test_the_error_says_what_kafka_said() -> None:
    assert no_right_to("read", "TOPIC_AUTHORIZATION_FAILED").detail == "TOPIC_AUTHORIZATION_FAILED"
