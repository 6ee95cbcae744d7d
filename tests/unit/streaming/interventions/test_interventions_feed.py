"""The feed hands each committed intervention to each sink once. With a Kafka: test_sse.py."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from structlog.testing import capture_logs

from processor.errors import BrokerError, TopicError
from processor.interventions import InterventionRecord
from processor.kafka.record import FetchedRecord
from processor.kafka.rights import no_right_to
from processor.settings import Settings
from processor.streaming.interventions import interventions_feed as module
from processor.streaming.interventions.interventions_feed import InterventionsFeed

Answer = list[FetchedRecord] | Exception | int


class Kafka:
    """Answers of a topic of two partitions, one by one; a number is a partition that is missing."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.low = 0
        self.high = 10
        self.begun: list[dict[int, int | None]] = []
        self.went_on: list[tuple[int, int]] = []
        self.stopped = 0

    def reader(self, *_of: Any, on_missing: Callable[[int], None], **_more: Any) -> "Reader":
        return Reader(self, on_missing)


class Reader:
    def __init__(self, kafka: Kafka, on_missing: Callable[[int], None]) -> None:
        self._kafka, self._on_missing = kafka, on_missing
        self.positions: dict[int, int] = {}
        self.ends = {0: 10, 1: 10}

    @property
    def behind(self) -> set[int]:
        return {one for one, at in self.positions.items() if at < self.ends[one]}

    def offsets_at(self, partitions: Sequence[int], _time_ms: int) -> dict[int, int | None]:
        return {0: 8, 1: None}

    def bounds(self, _partition: int) -> tuple[int, int]:
        return self._kafka.low, self._kafka.high

    def begin(self, starts: Mapping[int, int]) -> None:
        self._kafka.begun.append(dict(starts))
        self.positions = dict(starts)

    def go_on(self, partition: int, offset: int) -> None:
        self._kafka.went_on.append((partition, offset))
        self.positions[partition] = offset

    def stop(self) -> None:
        self._kafka.stopped += 1

    def poll(self, _count: int, _wait_s: float) -> list[FetchedRecord]:
        answer = self._kafka.answers.pop(0) if self._kafka.answers else asyncio.CancelledError()
        if isinstance(answer, int):
            self._on_missing(answer)
            return []
        if isinstance(answer, BaseException):
            raise answer
        for one in answer:
            self.positions[one.partition] = one.offset + 1
        return answer

    def close(self) -> None:
        pass


class Sink:
    """Notes what it is called with; raises in a method, or at an offset, that `breaks_at` names."""

    def __init__(self, breaks_at: int | str = -1) -> None:
        self.breaks_at = breaks_at
        self.calls: list[Any] = []

    def begin(self, positions: Sequence[int]) -> None:
        self.calls.append(("begin", *positions))
        if self.breaks_at == "begin":
            raise ValueError("odd")

    def take(self, record: InterventionRecord) -> int:
        self.calls.append(record.offset)
        if record.offset == self.breaks_at:
            raise ValueError("odd")
        return 1

    def caught_up(self) -> None:
        if "caught up" not in self.calls:
            self.calls.append("caught up")
        if self.breaks_at == "caught_up":
            raise ValueError("odd")


@pytest.fixture
def follow(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setattr(module, "_RETRY_S", 0.0)

    async def followed(kafka: Kafka, *sinks: Sink) -> None:
        monkeypatch.setattr(module, "Reader", kafka.reader)
        feed = InterventionsFeed(Settings(_env_file=None), 2, sinks)
        with until_the_answers_end():
            await asyncio.wait_for(feed.follow_forever(), 10)

    return followed


@contextmanager
def until_the_answers_end() -> Iterator[None]:
    with suppress(asyncio.CancelledError):
        yield


def records(*offsets: int) -> list[FetchedRecord]:
    return [FetchedRecord("t", 0, offset, 0, 0, b"u", b"{}") for offset in offsets]


async def test_every_sink_begins_where_records_are_young_and_takes_each_once(follow) -> None:
    first, second = Sink(), Sink()
    await follow(Kafka(records(8), records(9), records(10, 11)), first, second)
    assert first.calls == [("begin", 8, 10), 8, 9, "caught up", 10, 11]
    assert second.calls == first.calls


async def test_a_sink_that_fails_costs_no_other_one_anything(follow) -> None:
    broken, sound = Sink(breaks_at=8), Sink()
    await follow(Kafka(records(8, 9)), broken, sound)
    assert broken.calls == sound.calls == [("begin", 8, 10), 8, 9, "caught up"]


@pytest.mark.parametrize("method", ["begin", "caught_up"])
async def test_one_that_fails_in_another_method_neither(follow, method: str) -> None:
    broken, sound = Sink(method), Sink()
    with capture_logs() as lines:
        await follow(Kafka(records(8, 9), [], [], records(10)), broken, sound)
    assert broken.calls == sound.calls == [("begin", 8, 10), 8, 9, "caught up", 10]
    told = [(one["sink"], one["method"]) for one in lines if one["event"] == "sink_failed"]
    assert told == [("Sink", method)], "once, however often it fails"


async def test_where_kafka_refuses_reading_goes_on_behind_what_was_handed_on(follow) -> None:
    sink, kafka = Sink(), Kafka(records(8), BrokerError("away"), records(9))
    await follow(kafka, sink)
    assert sink.calls == [("begin", 8, 10), 8, 9, "caught up"]
    assert kafka.begun == [{0: 8, 1: 10}, {0: 9, 1: 10}]


async def test_a_missing_right_is_named_in_the_log_and_reading_goes_on(follow) -> None:
    refused, sink = no_right_to("read 'interventions'", "refused by Kafka"), Sink()
    with capture_logs() as lines:
        await follow(Kafka(refused, records(8, 9)), sink)
    assert sink.calls == [("begin", 8, 10), 8, 9, "caught up"]
    (line,) = (one for one in lines if one["event"] == "interventions_not_read")
    assert "no right to read 'interventions' (refused by Kafka)" in line["error"]


async def test_records_that_were_removed_are_passed_over(follow) -> None:
    sink, kafka = Sink(), Kafka(records(8))
    kafka.answers.append(0)
    kafka.low = 20
    kafka.high = 30
    await follow(kafka, sink)
    assert (0, 20) in kafka.went_on


async def test_a_topic_that_is_shorter_than_before_is_another_one(follow) -> None:
    kafka = Kafka(records(8, 9), 0)
    kafka.high = 9
    with pytest.raises(TopicError, match="was deleted or"):
        await follow(kafka, Sink())
