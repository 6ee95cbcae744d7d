import pytest

from processor.cli import topics
from processor.kafka.topics import TopicSpec, TopicState

FINE = TopicState(TopicSpec("fine", 8), 8, "", (), (), ())
MISSING = TopicState(TopicSpec("gone", 8), None, "", ("gone: does not exist",), (), ())
OTHER = TopicState(TopicSpec("other", 8), 4, "", ("other: has 4 partitions, needs 8",), (), ())


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ([FINE, MISSING], "gone: does not exist - processor topics create makes what is missing"),
        ([FINE, OTHER], "needs 8 - change the topic, or PROCESSOR_PARTITIONS, or use another"),
        ([MISSING, OTHER], "makes what is missing; change the topic, or PROCESSOR_PARTITIONS"),
    ],
)
def test_the_remedy_fits_what_differs(run, monkeypatch, states, told):
    class Told:
        def __init__(self, settings):
            """Kafka is not asked."""

        def check(self):
            return states

    monkeypatch.setattr(topics, "topics_of", lambda _: None)
    monkeypatch.setattr(topics, "Topics", Told)
    result = run("topics", "check")
    assert result.exit_code == 1
    assert told in result.stderr
