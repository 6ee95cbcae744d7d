"""The session's Kafka: tests share it and do not touch each other's topics."""

import pytest

from tests.broker.visits import eventually

pytestmark = pytest.mark.broker

TIMEOUT_S = 30.0


@pytest.mark.parametrize("twin", [1, 2])
def test_the_same_topic_name_is_another_topic_in_every_test(topics, twin: int) -> None:
    full = topics.create("enriched", partitions=3, cleanup_policy="compact")
    described = topics.admin.list_topics(timeout=TIMEOUT_S).topics
    mine = [name for name in described if name.startswith(topics.name(""))]
    assert mine == [full]
    assert len(described[full].partitions) == 3


def test_topics_of_a_test_are_deleted_after_it(topics) -> None:
    full = topics.create("interventions")
    topics.delete_all()
    eventually(lambda: full not in topics.admin.list_topics(timeout=TIMEOUT_S).topics)
