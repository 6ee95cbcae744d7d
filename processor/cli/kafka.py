"""How commands use Kafka: they check that it answers, and read topics from the beginning."""

from collections.abc import Iterator, Mapping, Sequence

from processor.errors import BrokerError, NotAuthorizedError, TopicError
from processor.kafka.cluster import Cluster
from processor.kafka.reader import Reader
from processor.kafka.record import FetchedRecord
from processor.kafka.topics import Topics
from processor.settings import Settings

_TIMEOUT_S = 10.0
_POLL_S = 0.2


def topics_of(settings: Settings) -> Mapping[str, int]:
    """Return how many partitions each topic of Kafka has, by name.

    Raises:
        BrokerError: no Kafka answers.
    """
    try:
        return Cluster(settings.kafka_client).topics(_TIMEOUT_S)
    except BrokerError as error:
        message = f"no Kafka answers at {settings.bootstrap_servers}"
        hint = "start one with: processor up; or set the address of yours with --bootstrap-servers"
        raise BrokerError(message, detail=error.detail, hint=hint) from error


def partitions_of(settings: Settings, topic: str) -> int:
    """Return how many partitions a topic has.

    Raises:
        BrokerError: no Kafka answers. NotAuthorizedError: the user may not see the topic.
        TopicError: the topic does not exist.
    """
    found = topics_of(settings).get(topic)
    if found is None:
        # A topic that the user may not see is missing from the list, too.
        Topics(settings).described([topic])
        message = f"Kafka at {settings.bootstrap_servers} has no topic {topic!r}"
        raise TopicError(message, hint="start a worker, or run: processor topics create")
    return found


class TopicReader:
    """Reads the committed records of all partitions of a topic, without a consumer group.

    Raises (all methods):
        NotAuthorizedError: the user may not read the topic. BrokerError: it cannot be read.
    """

    def __init__(
        self, settings: Settings, topic: str, *, from_beginning: bool, follow: bool = False
    ) -> None:
        partitions = range(partitions_of(settings, topic))
        self._reader = Reader(settings.kafka_client, topic, follow=follow, on_error=_take)
        self._reader.begin(
            {one: None if from_beginning else self._reader.bounds(one)[1] for one in partitions}
        )

    def poll(self, timeout_s: float = _POLL_S) -> Sequence[FetchedRecord]:
        """Return the records that come within the time."""
        return self._reader.collect(wait_s=timeout_s)

    def to_end(self) -> Iterator[FetchedRecord]:
        """Yield every record up to the end that each partition had at the start."""
        for records in self._reader.to_end(wait_s=_POLL_S):
            yield from records

    def close(self) -> None:
        """Close the connection."""
        self._reader.close()


def _take(error: BrokerError) -> None:
    """Let a read go on after an error that may pass; a missing right does not."""
    if isinstance(error, NotAuthorizedError):
        raise error
