"""A read ends at the end that the broker told at its start, and at no other.

With a Kafka: tests/broker/test_reader.py.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from processor.errors import BrokerError, NotAuthorizedError
from processor.kafka import reader as module
from processor.kafka.reader import Fetching, Reader
from processor.kafka.record import FetchedRecord


class Message:
    """A record; or with `code` what librdkafka reports at that offset."""

    def __init__(self, offset: int, partition: int = 0, *, code: int | None = None) -> None:
        self._offset, self._partition, self._code = offset, partition, code

    def error(self) -> KafkaError | None:
        return None if self._code is None else KafkaError(self._code)

    def offset(self) -> int:
        return self._offset

    def partition(self) -> int:
        return self._partition

    def timestamp(self) -> tuple[int, int]:
        return 2, 1_000 + self._offset

    def headers(self) -> list[tuple[str, bytes]] | None:
        return None

    def key(self) -> bytes:
        return b"k%d" % self._offset

    def value(self) -> bytes:
        return b"v"


class Kafka:
    """Answers one batch after the other; `ends` are those of the partitions."""

    def __init__(self, ends: list[int], *answers: list[Message]) -> None:
        self.ends = ends
        self.answers = list(answers)
        self.assigned: dict[int, int] = {}
        self.properties: dict[str, Any] = {}
        self.refusals: list[int] = []
        self.topic_error: int | None = None

    def __call__(self, properties: dict[str, Any]) -> "Kafka":
        self.properties = properties
        return self

    def get_watermark_offsets(self, where: Any, timeout: float) -> tuple[int, int]:
        if self.refusals:
            raise KafkaException(KafkaError(self.refusals.pop()))
        return 0, self.ends[where.partition]

    def list_topics(self, topic: str, timeout: float) -> Any:
        error = None if self.topic_error is None else KafkaError(self.topic_error)
        return SimpleNamespace(topics={topic: SimpleNamespace(error=error)})

    def offsets_for_times(self, asked: list[Any], timeout: float) -> list[Any]:
        (where,) = asked
        refusal = KafkaError(self.refusals.pop()) if self.refusals else None
        offset = min(where.offset, self.ends[where.partition])
        return [SimpleNamespace(offset=offset if refusal is None else -1, error=refusal)]

    def assign(self, wanted: list[Any]) -> None:
        self.assigned = {one.partition: one.offset for one in wanted}

    def consume(self, _count: int, _timeout_s: float) -> list[Message]:
        return self.answers.pop(0) if self.answers else []

    def poll(self, timeout_s: float) -> Message | None:
        if self.answers and self.answers[0]:
            return self.answers[0].pop(0)
        return None


@pytest.fixture
def open_reader(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Reader]:
    monkeypatch.setattr(module, "_STALL_S", 0.0)

    def opened(kafka: Kafka, **options: Any) -> Reader:
        monkeypatch.setattr(module, "Consumer", kafka)
        return Reader({}, "t", **options)

    return opened


def end(offset: int, partition: int = 0) -> Message:
    return Message(offset, partition, code=KafkaError._PARTITION_EOF)


def records(first: int, last: int) -> list[Message]:
    return [Message(offset) for offset in range(first, last)]


def read(reader: Reader, start: int | None = None) -> list[int]:
    reader.begin({0: start})
    return [one.offset for batch in reader.to_end() for one in batch]


def test_an_end_before_the_one_that_was_told_is_none(open_reader: Callable[..., Reader]) -> None:
    """A new leader does not know at once how far the partition is committed."""
    kafka = Kafka([1_000], [*records(0, 990), end(990)], [*records(990, 1_000), end(1_000)])
    assert read(open_reader(kafka)) == list(range(1_000))


def test_the_end_stands_behind_the_marker_of_the_last_transaction(
    open_reader: Callable[..., Reader],
) -> None:
    assert read(open_reader(Kafka([10], records(0, 9), [end(10)]))) == list(range(9))


def test_records_that_were_added_meanwhile_are_not_read(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader(Kafka([3], records(0, 5)))
    assert read(reader) == [0, 1, 2]
    assert reader.positions == {0: 3}


def test_a_gap_over_the_end_ends_the_read(open_reader: Callable[..., Reader]) -> None:
    assert read(open_reader(Kafka([5], [Message(0), Message(7)]))) == [0]


def test_nothing_is_waited_for_where_there_is_nothing(open_reader: Callable[..., Reader]) -> None:
    assert read(open_reader(Kafka([10])), start=10) == []
    assert read(open_reader(Kafka([0]))) == []


def test_silence_before_the_end_is_an_error(open_reader: Callable[..., Reader]) -> None:
    with pytest.raises(BrokerError, match="cannot read t-0") as raised:
        read(open_reader(Kafka([1_000], [*records(0, 990), end(990)])))
    assert "offset 990 of 1000" in raised.value.detail


@pytest.mark.parametrize("follow", [False, True])
def test_traffic_behind_the_end_of_one_partition_hides_no_silence_of_another(
    open_reader: Callable[..., Reader], follow: bool
) -> None:
    traffic = [[Message(offset, 1)] for offset in range(1, 20)]
    kafka = Kafka([10, 1], [Message(0), Message(0, 1)], *traffic)
    reader = open_reader(kafka, follow=follow)
    reader.begin({0: None, 1: None})
    found: list[int] = []

    def read_on() -> None:
        while reader.behind:
            found.extend(one.offset for one in reader.collect() if one.partition == 1)

    with pytest.raises(BrokerError, match="cannot read t-0"):
        read_on()
    assert kafka.answers, "while there is traffic"
    assert found == list(range(reader.positions[1] if follow else 1)), "none is lost"


def test_silence_behind_the_end_is_none(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader(Kafka([2], records(0, 2), [], records(2, 4)), follow=True)
    reader.begin({0: None})
    assert [len(reader.collect()) for _ in range(3)] == [2, 0, 2]
    assert reader.at_end
    assert reader.positions == {0: 4}


def test_a_leader_of_another_epoch_is_waited_for(open_reader: Callable[..., Reader]) -> None:
    """librdkafka reads its metadata again after such a refusal, and passes it on."""
    kafka = Kafka([1], records(0, 1))
    kafka.refusals = [KafkaError.FENCED_LEADER_EPOCH, KafkaError.UNKNOWN_LEADER_EPOCH]
    assert read(open_reader(kafka)) == [0]


def test_a_time_is_looked_up_again_where_the_leader_changes(
    open_reader: Callable[..., Reader],
) -> None:
    kafka = Kafka([9, 9])
    kafka.refusals = [KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE]
    assert open_reader(kafka).offsets_at([1, 0], 4) == {0: 4, 1: 4}
    kafka.refusals = [KafkaError._BAD_MSG, KafkaError.LEADER_NOT_AVAILABLE]
    with pytest.raises(BrokerError, match="cannot read t-1"):
        open_reader(kafka).offsets_at([1], 4)


def test_a_leader_that_never_comes_is_an_error_and_a_stop_ends_the_wait(
    open_reader: Callable[..., Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LEADER_S", 0.2)
    kafka = Kafka([9])
    kafka.refusals = [KafkaError.LEADER_NOT_AVAILABLE] * 99
    reader = open_reader(kafka)
    with pytest.raises(BrokerError, match="cannot read t-0"):
        reader.offsets_at([0], 4)
    reader.stop()
    monkeypatch.setattr(module, "_LEADER_S", 99.0)
    with pytest.raises(BrokerError, match="cannot read t-0"):
        reader.bounds(0)


def test_each_partition_has_its_own_end(open_reader: Callable[..., Reader]) -> None:
    kafka = Kafka([2, 0, 3], [Message(0, 2), Message(0), Message(1)], [Message(2, 2)])
    reader = open_reader(kafka)
    reader.begin({0: None, 1: None, 2: 0})
    assert sorted(kafka.assigned) == [0, 2], "the second has nothing"
    reader.collect()
    assert reader.behind == {2}
    reader.collect()
    assert reader.at_end


def test_poll_returns_what_is_there(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader(Kafka([3], records(0, 2), [Message(2)]), follow=True)
    reader.begin({0: None})
    assert [one.offset for one in reader.poll()] == [0, 1]
    assert [one.offset for one in reader.poll()] == [2]
    assert reader.poll() == []


def test_a_record_says_what_kafka_said_of_it(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader(Kafka([1], records(0, 1)))
    reader.begin({0: None})
    assert reader.collect() == [FetchedRecord("t", 0, 0, 1_000, 1, b"k0", b"v", ())]


def test_an_error_is_raised_unless_somebody_takes_it(open_reader: Callable[..., Reader]) -> None:
    def odd() -> Kafka:
        return Kafka([2], [Message(0, code=KafkaError._BAD_MSG), *records(0, 2)])

    with pytest.raises(BrokerError, match="cannot read t-0"):
        read(open_reader(odd()))
    seen: list[BrokerError] = []
    assert read(open_reader(odd(), on_error=seen.append)) == [0, 1]
    assert [str(one).partition(" (")[0] for one in seen] == ["cannot read t-0"]


def test_a_missing_right_is_named_with_the_topic(open_reader: Callable[..., Reader]) -> None:
    def unread() -> Kafka:
        refusal = Message(0, code=KafkaError.TOPIC_AUTHORIZATION_FAILED)
        return Kafka([2], [refusal, *records(0, 2)])

    with pytest.raises(NotAuthorizedError, match="no right to read 't'"):
        read(open_reader(unread()))
    seen: list[BrokerError] = []
    assert read(open_reader(unread(), on_error=seen.append)) == [0, 1], "it was granted"
    assert "no right to read 't'" in str(seen[0])
    refused = Kafka([2], [Message(0, code=KafkaError.TOPIC_AUTHORIZATION_FAILED)])
    with pytest.raises(NotAuthorizedError, match="no right to read 't'"):
        read(open_reader(refused, on_error=seen.append, follow=True))  # silent from then on
    unseen = Kafka([2])
    for look in (lambda one: one.bounds(0), lambda one: one.offsets_at([0], 1)):
        unseen.refusals = [KafkaError.TOPIC_AUTHORIZATION_FAILED]
        with pytest.raises(NotAuthorizedError, match="no right to describe 't'"):
            look(open_reader(unseen))
        unseen.refusals = [KafkaError._UNKNOWN_PARTITION]  # the topic says why it is unknown
        unseen.topic_error = KafkaError.TOPIC_AUTHORIZATION_FAILED
        with pytest.raises(NotAuthorizedError, match="no right to describe 't'"):
            look(open_reader(unseen))
        unseen.topic_error = None


def test_a_removed_offset_is_reported_and_read_on_behind(
    open_reader: Callable[..., Reader],
) -> None:
    missing = Message(0, code=KafkaError._AUTO_OFFSET_RESET)
    kafka = Kafka([9], [missing], [Message(4), Message(7), Message(8)])
    reader = open_reader(kafka, on_missing=lambda partition: reader.go_on(partition, 7))
    reader.begin({0: 3})
    assert kafka.properties["auto.offset.reset"] == "error"
    assert reader.collect() == []
    assert kafka.assigned == {0: 7}
    assert [one.offset for one in reader.collect()] == [7, 8], "4 is of before"


def test_a_topic_that_was_made_anew_is_followed_from_its_beginning(
    open_reader: Callable[..., Reader],
) -> None:
    reader = open_reader(Kafka([5], records(0, 5), records(0, 2), [Message(2)]), follow=True)
    reader.begin({0: None})
    assert [len(reader.collect()) for _ in range(3)] == [5, 2, 1]
    assert reader.positions == {0: 3}


def test_a_reader_joins_no_group_and_commits_nothing(open_reader: Callable[..., Reader]) -> None:
    kafka = Kafka([])
    open_reader(kafka, fetching=Fetching(wait_ms=None, queue_bytes=2_048))
    assert kafka.properties == {
        "group.id": "unused-no-group-is-joined",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "fetch.queue.backoff.ms": 50,
        "queued.max.messages.kbytes": 2,
    }


class Silent(Kafka):
    """Does not answer; `asked` is set by each request."""

    def __init__(self) -> None:
        super().__init__([0])
        self.asked = threading.Event()

    def get_watermark_offsets(self, where: Any, timeout: float) -> tuple[int, int]:
        self.asked.set()
        time.sleep(0.01)
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))

    def offsets_for_times(self, asked: list[Any], timeout: float) -> list[Any]:
        self.get_watermark_offsets(asked[0], timeout)
        return []


@pytest.mark.parametrize(
    "call", [lambda one: one.begin({0: None}), lambda one: one.offsets_at([0], 0)]
)
def test_a_stop_ends_a_call_that_waits_for_kafka(
    open_reader: Callable[..., Reader], call: Callable[[Reader], object]
) -> None:
    kafka = Silent()
    reader = open_reader(kafka)
    with ThreadPoolExecutor(1) as executor:
        waiting = executor.submit(call, reader)
        assert kafka.asked.wait(10)
        time.sleep(0.1)
        assert not waiting.done(), "it asks again"
        reader.stop()
        with pytest.raises(BrokerError, match="cannot read"):
            waiting.result(10)
