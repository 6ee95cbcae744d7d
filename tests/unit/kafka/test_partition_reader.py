"""One partition is read to its end, and says how far it is."""

import pytest

from processor.kafka import partition_reader as module
from processor.kafka.partition_reader import PartitionReader, Progress
from processor.kafka.record import FetchedRecord


class Reader:
    """Yields batches of records of a partition with six offsets."""

    def __init__(self, *_of: object) -> None:
        self.positions: dict[int, int] = {}
        self.ends = {3: 6}

    def begin(self, starts: dict[int, int | None]) -> None:
        self.positions = {partition: start or 0 for partition, start in starts.items()}

    def to_end(self, count: int, _wait_s: float):
        while self.positions[3] < 6:
            first = self.positions[3]
            self.positions[3] += 2
            yield [FetchedRecord("t", 3, first + n, 0, 0, b"k", b"v") for n in (0, 1)]


@pytest.mark.parametrize("start", [None, 2])
def test_progress_is_told_before_each_batch(
    start: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "Reader", Reader)
    told: list[Progress] = []
    batches = list(PartitionReader({}, "t", 3).read(start, told.append))
    first = start or 0
    assert told == [Progress(first, at, 6) for at in range(first + 2, 7, 2)]
    assert [one.offset for batch in batches for one in batch] == list(range(first, 6))
