"""Past events come in one order, whatever the network brings first.

With a Kafka: tests/broker/test_what_if.py.
"""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from processor.errors import BrokerError, NotAuthorizedError
from processor.kafka.record import FetchedRecord
from processor.kafka.rights import no_right_to
from processor.settings import Settings
from processor.streaming import history as module
from processor.streaming.history import EventHistory
from processor.streaming.messages.arrival import ARRIVAL_HEADER

NOW_MS = 1_700_000_000_000


class Reader:
    """A topic whose batches are answered in turn; a partition that is held back brings nothing."""

    def __init__(self, *batches: list[FetchedRecord], starts: dict[int, int | None]) -> None:
        self.batches = list(batches)
        self.starts = starts
        self.positions: dict[int, int] = {}
        self.ends: dict[int, int] = {}
        self.behind: set[int] = set()
        self.held: list[set[int]] = []
        self.closed = False

    def __call__(self, *_of: Any, on_error: Callable[[BrokerError], None]) -> "Reader":
        self.on_error = on_error
        return self

    def offsets_at(self, _partitions: Iterable[int], _time_ms: int) -> dict[int, int | None]:
        return self.starts

    def begin(self, starts: dict[int, int]) -> None:
        self.positions = dict(starts)
        found = [one for batch in self.batches for one in batch]
        self.ends = {p: max(o.offset for o in found if o.partition == p) + 1 for p in starts}
        self.behind = set(starts)

    def collect(self) -> list[FetchedRecord]:
        batch = self.batches.pop(0)
        for one in batch:
            self.positions[one.partition] = one.offset + 1
        self.behind = {p for p in self.behind if self.positions[p] < self.ends[p]}
        return batch

    def pause(self, partitions: Iterable[int]) -> None:
        self.held.append(set(partitions))

    def resume(self, partitions: Iterable[int]) -> None:
        pass

    def close(self) -> None:
        self.closed = True


class Holding(Reader):
    """A topic of which a partition that is paused brings nothing until it is resumed."""

    def __init__(self, *batches: list[FetchedRecord], starts: dict[int, int | None]) -> None:
        super().__init__(*batches, starts=starts)
        self.waiting: list[int] = []
        self._paused: set[int] = set()
        self._count = 0

    def collect(self) -> list[FetchedRecord]:
        of = [one for one in self.batches if not one or one[0].partition not in self._paused]
        self.batches.remove(of[0])
        self.batches.insert(0, of[0])
        batch = super().collect()
        self._count += sum(one.partition == 0 for one in batch)
        self.waiting.append(self._count)
        return batch

    def pause(self, partitions: Iterable[int]) -> None:
        super().pause(partitions)
        self._paused |= set(partitions)

    def resume(self, partitions: Iterable[int]) -> None:
        self._paused -= set(partitions)


def record(partition: int, offset: int, after_ms: int, headers: Any = ()) -> FetchedRecord:
    return FetchedRecord("t", partition, offset, NOW_MS + after_ms, 1, None, b"v", headers)


def history(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> EventHistory:
    monkeypatch.setattr(module, "Reader", reader)
    return EventHistory(Settings(_env_file=None), 3, 0)


def test_the_least_timestamp_comes_first_and_then_the_lower_partition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = Reader(
        [record(2, 0, 5), record(2, 1, 9)],
        [record(0, 7, 5), record(0, 8, 6)],
        starts={0: 7, 1: None, 2: 0},
    )
    found = history(reader, monkeypatch)
    assert found.total == 4
    assert [(one.partition, one.offset) for one in found] == [(0, 7), (2, 0), (0, 8), (2, 1)]


def test_a_partition_that_is_ahead_is_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HISTORY_RECORDS_MAX", 2)
    reader = Reader(
        [record(0, 0, 1), record(0, 1, 2), record(0, 2, 3)], [record(1, 0, 0)], [record(0, 3, 4)],
        starts={0: 0, 1: 0},
    )  # fmt: skip
    assert len(list(history(reader, monkeypatch))) == 5
    assert 0 in reader.held[0]


def test_one_that_is_late_lets_no_other_one_wait_without_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is held back once it has enough, and not only when the late one answers."""
    monkeypatch.setattr(module, "HISTORY_RECORDS_MAX", 4)
    fast = [[record(0, 2 * n, n), record(0, 2 * n + 1, n)] for n in range(10)]
    late = [[] for _ in range(9)]
    reader = Holding(*fast, *late, [record(1, 0, 100)], starts={0: 0, 1: 0})
    made = history(reader, monkeypatch)
    next(iter(made))
    assert max(reader.waiting) == 4
    assert reader.held[0] == {0}


def test_a_replayed_record_has_the_arrival_of_its_first_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first_ms = NOW_MS - 5_000
    again = record(0, 0, 0, [(ARRIVAL_HEADER, b"%d" % first_ms)])
    (found,) = history(Reader([again], starts={0: 0}), monkeypatch)
    assert (found.timestamp_ms, found.arrival_ms) == (NOW_MS, first_ms)


def test_a_topic_without_young_records_has_no_history(monkeypatch: pytest.MonkeyPatch) -> None:
    found = history(Reader(starts={0: None, 1: None}), monkeypatch)
    assert (found.total, list(found)) == (0, [])


def test_a_history_that_cannot_begin_leaves_no_connection_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = Reader(starts={})
    reader.begin = lambda _starts: (_ for _ in ()).throw(BrokerError("away"))  # type: ignore[method-assign]
    with pytest.raises(BrokerError):
        history(reader, monkeypatch)
    assert reader.closed


def test_a_read_goes_on_after_an_error_that_passes_but_not_without_a_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = Reader(starts={})
    history(reader, monkeypatch)
    reader.on_error(BrokerError("a broker is away"))
    with pytest.raises(NotAuthorizedError, match="read 'enriched'"):
        reader.on_error(no_right_to("read 'enriched'", "refused"))
