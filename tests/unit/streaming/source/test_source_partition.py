"""What is committed of a source partition: offsets behind acknowledged runs, and its watermark."""

import pytest

from processor.formats import FIRST_LEVEL, NEWEST_LEVEL
from processor.streaming.fetch.gates import Gate
from processor.streaming.fetch.partition_ends import PartitionEnd
from processor.streaming.messages.commit_metadata import CommitMetadata, decode_commit_metadata
from processor.streaming.source.source_partition import Progress, RunDelivery, SourcePartition


@pytest.fixture
def source() -> SourcePartition:
    gate = Gate("enriched", 3, 1, "member", NEWEST_LEVEL)
    return SourcePartition(gate, "t", 7, 100)


def run(source: SourcePartition, end: int, arrival_ms: int, definitions: int = 5) -> RunDelivery:
    delivery = RunDelivery(end, arrival_ms, definitions)
    source.runs.append(delivery)
    return delivery


def test_behind_the_end_it_is_the_least_arrival_of_the_last_runs_that_are_done(
    source: SourcePartition,
) -> None:
    first, second = run(source, 110, 1_000), run(source, 120, 2_000)
    source.gate.end = PartitionEnd(500, 9_000)
    assert source.progress(5) == Progress(100, None, 5)
    second.delivered()
    assert source.progress(5) == Progress(100, None, 5)
    first.delivered()
    assert source.progress(5) == Progress(120, 1_000, 5)
    run(source, 130, 3_000).delivered()
    assert source.progress(5) == Progress(130, 2_000, 5)


def test_one_record_by_a_clock_that_is_ahead_moves_nothing(source: SourcePartition) -> None:
    """It can be all of a run, and the rest of the partition can be days behind."""
    source.gate.end = PartitionEnd(500, 90_000)
    for end, arrival_ms in ((110, 1_000), (111, 80_000), (120, 1_200)):
        run(source, end, arrival_ms).delivered()
        assert source.progress(5) == Progress(end, 1_000 if end < 120 else 1_200, 5)


def test_at_the_end_it_is_when_the_end_was_asked_for(source: SourcePartition) -> None:
    delivery = run(source, 110, 1_000)
    source.gate.end = PartitionEnd(110, 9_000)
    assert source.progress(5).watermark_ms is None  # not acknowledged yet
    delivery.delivered()
    assert source.progress(5) == Progress(110, 9_000, 5)
    run(source, 120, 9_500)
    assert source.progress(5) == Progress(110, 9_000, 5)


def test_an_old_end_says_nothing_of_what_came_since(source: SourcePartition) -> None:
    source.gate.end = PartitionEnd(100, 9_000)
    assert source.progress(5) == Progress(100, 9_000, 5)
    run(source, 110, 4_000).delivered()
    assert source.progress(5) == Progress(110, 4_000, 5)


def test_a_run_without_records_keeps_the_last_arrival(source: SourcePartition) -> None:
    run(source, 110, 1_000).delivered()
    run(source, 111, -1).delivered()
    assert source.progress(5) == Progress(111, 1_000, 5)
    run(source, 112, 3_000).delivered()
    assert source.progress(5) == Progress(112, 1_000, 5)


def test_definitions_are_those_of_the_oldest_run_on_its_way(source: SourcePartition) -> None:
    first = run(source, 110, 1_000, definitions=5)
    run(source, 120, 2_000, definitions=6)
    assert source.progress(8).definitions_offset == 5
    first.delivered()
    assert source.progress(8).definitions_offset == 6
    source.runs[0].delivered()
    assert source.progress(8).definitions_offset == 8


def test_the_next_owner_reads_all_of_it(source: SourcePartition) -> None:
    text = source.metadata(Progress(120, 2_000, 6))
    assert decode_commit_metadata(text) == CommitMetadata(7, 2_000, "t", 6)


def test_versions_without_watermarks_read_the_epoch() -> None:
    source = SourcePartition(Gate("enriched", 3, 1, "member", FIRST_LEVEL), "t", 7, 100)
    assert source.metadata(Progress(120, 2_000, 6)) == "7"


@pytest.mark.parametrize(
    ("now", "worth"),
    [
        (Progress(10, 1_000, 5), False),
        (Progress(11, 1_000, 5), True),
        (Progress(9, 99_000, 5), False),
        (Progress(10, 1_999, 5), False),
        (Progress(10, 2_000, 5), True),
        (Progress(10, 1, 5), False),
        (Progress(10, 0, 5), True),  # that before was of a clock that was ahead
        (Progress(10, 1_000, 6), True),
        (Progress(10, None, 5), False),
    ],
)
def test_a_commit_is_worth_it_for_an_offset_or_definitions_or_a_step(
    now: Progress, worth: bool
) -> None:
    assert now.moved(Progress(10, 1_000, 5), 1_000) is worth
