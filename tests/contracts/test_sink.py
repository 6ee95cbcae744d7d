"""What every sink of interventions must do. A new one is added to `SINKS` and passes unchanged."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pytest

from processor.api.subscriptions.subscriptions import Subscriptions
from processor.interventions import InterventionRecord, Sink
from processor.kafka.record import FetchedRecord
from processor.settings import Settings
from processor.streaming.interventions import interventions_feed
from processor.streaming.interventions.interventions_feed import InterventionsFeed

PARTITIONS = 2


def subscriptions() -> Sink:
    return Subscriptions(Settings(_env_file=None), "topic id", PARTITIONS)


SINKS: dict[str, Callable[[], Sink]] = {"subscriptions": subscriptions}

MESSAGE = {
    "specversion": "1.0",
    "id": "1",
    "data": {"name": "nudge", "version": 1, "target": {"key": "domain_userid", "id": "u"}},
}
ODD = {
    "empty": b"",
    "no JSON": b"\xff{",
    "another kind": b'"text"',
    "deep": b"[" * 100_000,
    "without data": b"{}",
    "of nobody": json.dumps({"data": {"target": None}}).encode(),
}


@pytest.fixture(params=sorted(SINKS))
async def sink(request: pytest.FixtureRequest) -> Sink:
    return SINKS[request.param]()


def record(partition: int, offset: int, value: bytes | None = None) -> InterventionRecord:
    value = json.dumps(MESSAGE).encode() if value is None else value
    return InterventionRecord(partition, offset, 1_700_000_000_000, b"u", value)


async def test_it_takes_the_records_of_each_partition_in_order(sink: Sink) -> None:
    sink.begin([0, 5])
    for offset in range(20):
        assert sink.take(record(0, offset)) >= 0
        assert sink.take(record(1, 5 + 3 * offset)) >= 0


async def test_it_may_begin_with_nothing_and_be_told_again_that_it_has_caught_up(
    sink: Sink,
) -> None:
    sink.begin([0] * PARTITIONS)
    for _ in range(3):
        sink.caught_up()
    assert sink.take(record(0, 0)) >= 0
    sink.caught_up()


@pytest.mark.parametrize("odd", sorted(ODD))
async def test_it_takes_what_is_no_intervention(sink: Sink, odd: str) -> None:
    sink.begin([0] * PARTITIONS)
    assert sink.take(record(0, 0, ODD[odd])) >= 0
    assert sink.take(InterventionRecord(1, 0, -1, b"", ODD[odd])) >= 0
    assert sink.take(record(0, 1)) >= 0


async def test_it_takes_more_than_it_can_keep(sink: Sink) -> None:
    sink.begin([0] * PARTITIONS)
    large = json.dumps({**MESSAGE, "text": "x" * 100_000}).encode()
    for offset in range(2_000):
        assert sink.take(record(offset % PARTITIONS, offset // PARTITIONS, large)) >= 0


class Broken:
    """A sink that fails in one of its methods."""

    def __init__(self, method: str) -> None:
        self._method = method

    def _fail(self, method: str) -> None:
        if method == self._method:
            message = "broken"
            raise RuntimeError(message)

    def begin(self, positions: Sequence[int]) -> None:
        self._fail("begin")

    def take(self, record: InterventionRecord) -> int:
        self._fail("take")
        return 0

    def caught_up(self) -> None:
        self._fail("caught_up")


class Counting:
    """A sink that passes its calls to another one, and counts those that return."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.calls = {"begin": 0, "take": 0, "caught_up": 0}

    def begin(self, positions: Sequence[int]) -> None:
        self._sink.begin(positions)
        self.calls["begin"] += 1

    def take(self, record: InterventionRecord) -> int:
        work = self._sink.take(record)
        self.calls["take"] += 1
        return work

    def caught_up(self) -> None:
        self._sink.caught_up()
        self.calls["caught_up"] += 1


class Topic:
    """The interventions topic of the feed: three records, read in two fetches."""

    behind: frozenset[int] = frozenset()

    def __init__(self, *_of: Any, **_more: Any) -> None:
        self.positions: dict[int, int] = {}
        self._fetches = [[0, 1], [2]]

    def offsets_at(self, partitions: Iterable[int], _time_ms: int) -> dict[int, int]:
        return dict.fromkeys(partitions, 0)

    def bounds(self, _partition: int) -> tuple[int, int]:
        return 0, 3

    def begin(self, starts: Mapping[int, int]) -> None:
        self.positions = dict(starts)

    def poll(self, _count: int, _wait_s: float) -> list[FetchedRecord]:
        if not self._fetches:
            raise asyncio.CancelledError
        offsets = self._fetches.pop(0)
        value = json.dumps(MESSAGE).encode()
        return [FetchedRecord("interventions", 0, one, 0, 0, b"u", value) for one in offsets]

    def stop(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.mark.parametrize("method", ["begin", "take", "caught_up"])
async def test_it_gets_everything_beside_a_sink_that_fails(
    sink: Sink, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interventions_feed, "Reader", Topic)
    counting = Counting(sink)
    feed = InterventionsFeed(Settings(_env_file=None), PARTITIONS, [Broken(method), counting])
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(feed.follow_forever(), 10)
    assert counting.calls == {"begin": 1, "take": 3, "caught_up": 2}
