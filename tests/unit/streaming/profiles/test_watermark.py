"""W: the least of what source partitions have committed, once what they speak of is applied."""

from collections.abc import Mapping

import pytest

from processor.limits import WATERMARK_MARGIN_MS
from processor.streaming.messages.commit_metadata import CommitMetadata
from processor.streaming.profiles.watermark import (
    NEVER_MS,
    Commits,
    Least,
    Observation,
    PartitionWatermark,
)

NOW_MS = 1_800_000_000_000
HOUR_MS = 3_600_000


def commits(
    watermarks: Mapping[int, int | None], *, partitions: int | None = None, topic_id: str = "t"
) -> Commits:
    known = {
        number: CommitMetadata(7, watermark_ms, topic_id, 3)
        for number, watermark_ms in watermarks.items()
    }
    return Commits("enriched", "t", partitions or len(watermarks), known)


def observed(sources: Commits, end: int = 0, profiles: Commits | None = None) -> Observation:
    return Observation(sources, profiles or commits({0: NOW_MS}), {0: end}, {0: end})


def test_the_partition_that_is_furthest_behind_holds_it() -> None:
    found = commits({0: NOW_MS - 1, 1: NOW_MS - 5 * HOUR_MS, 2: NOW_MS}).least(NOW_MS)
    assert found == Least(NOW_MS - 5 * HOUR_MS, "enriched-1")


def test_the_clock_holds_it_where_all_others_are_a_little_ahead() -> None:
    assert commits({0: NOW_MS + WATERMARK_MARGIN_MS}).least(NOW_MS) == Least(NOW_MS, "clock")


def test_a_commit_by_a_clock_that_is_ahead_holds_it() -> None:
    """What it says of the time until then is not known: its reader may have stopped since."""
    known = commits({0: NOW_MS, 1: NOW_MS + WATERMARK_MARGIN_MS + 1})
    assert known.least(NOW_MS) == Least(NEVER_MS, "enriched-1")
    assert known.least(NOW_MS + 1) == Least(NOW_MS, "enriched-0")


def test_a_topic_that_is_not_known_for_a_moment_holds_it() -> None:
    gone = Commits("enriched", "", 0, {})
    assert gone.least(NOW_MS) == Least(NEVER_MS, "enriched")
    assert gone.definitions_offset == -1


def test_when_the_clock_goes_back_behind_it_it_is_unknown_again() -> None:
    watermark = PartitionWatermark()
    for now_ms in (NOW_MS, NOW_MS + 30 * 24 * HOUR_MS):
        all_read = commits({0: now_ms})
        watermark.note(0, observed(all_read, profiles=all_read), now_ms)
        watermark.advance(0, 0, 0)
        assert watermark.all_ms == now_ms - WATERMARK_MARGIN_MS
    back_ms = NOW_MS + 6 * HOUR_MS
    behind = commits({0: NOW_MS + HOUR_MS})
    watermark.note(0, observed(behind, end=5, profiles=behind), back_ms)
    assert (watermark.all_ms, watermark.joint_ms, watermark.told_ms) == (NEVER_MS,) * 3
    watermark.advance(5, 5, 5)
    assert watermark.all_ms == NOW_MS + HOUR_MS - WATERMARK_MARGIN_MS


OURS = CommitMetadata(7, NOW_MS, "t")


@pytest.mark.parametrize(
    "known",
    [
        commits({0: NOW_MS}, partitions=2),  # the topic has got a partition that nobody has read
        commits({0: NOW_MS, 1: None}),
        Commits(
            "enriched", "t", 2, {0: OURS, 1: CommitMetadata(epoch=7)}
        ),  # by a version without watermarks
        Commits(
            "enriched",
            "t",
            2,
            {0: OURS, 1: CommitMetadata(7, NOW_MS, "x")},
        ),  # of a topic that is gone
    ],
)
def test_a_partition_of_which_nothing_is_known_holds_it(known: Commits) -> None:
    assert known.least(NOW_MS) == Least(NEVER_MS, "enriched-1")


def test_partitions_that_the_topic_does_not_have_do_not_count() -> None:
    assert commits({0: NOW_MS, 1: 5}, partitions=1).least(NOW_MS).ms == NOW_MS


def test_definitions_are_those_of_the_partition_that_is_read_under_the_oldest() -> None:
    def of(*offsets: int | None, partitions: int = 9) -> int:
        known = {n: CommitMetadata(7, 1, "t", offset) for n, offset in enumerate(offsets)}
        return Commits("enriched", "t", partitions, known).definitions_offset

    assert of(5, 3, 4) == 3
    assert of(5, None) == -1
    assert of(5, 3, partitions=1) == 5
    assert of() > 10**18, "none is read yet"


def test_it_counts_when_the_partition_is_applied_up_to_the_end() -> None:
    watermark = PartitionWatermark()
    watermark.note(0, observed(commits({0: NOW_MS - HOUR_MS}), end=10), NOW_MS)
    watermark.advance(9, 10, 9)
    assert (watermark.all_ms, watermark.behind) == (NEVER_MS, True)
    watermark.advance(10, 10, 9)
    assert watermark.all_ms == NOW_MS - HOUR_MS - WATERMARK_MARGIN_MS
    assert not watermark.behind


def test_it_moves_under_a_backlog_that_never_ends() -> None:
    watermark = PartitionWatermark()
    for look in range(10):
        watermark.note(0, observed(commits({0: NOW_MS + look}), end=10 * look), NOW_MS + look)
        watermark.advance(10 * look - 5, 0, 0)  # always five behind the end
    assert watermark.all_ms >= NOW_MS + 7 - WATERMARK_MARGIN_MS


def test_it_never_goes_back() -> None:
    watermark = PartitionWatermark()
    for watermark_ms in (NOW_MS, NOW_MS - HOUR_MS):
        watermark.note(0, observed(commits({0: watermark_ms})), NOW_MS)
        watermark.advance(0, 0, 0)
    assert watermark.all_ms == NOW_MS - WATERMARK_MARGIN_MS


def test_an_unknown_watermark_does_not_wait_in_the_way_of_the_next() -> None:
    watermark = PartitionWatermark()
    for sources in (commits({0: None}), commits({0: NOW_MS})):
        watermark.note(0, observed(sources), NOW_MS)
        watermark.advance(0, 0, 0)
    assert watermark.all_ms == NOW_MS - WATERMARK_MARGIN_MS


def test_others_are_told_once_it_is_flushed_however_often_it_moves_meanwhile() -> None:
    watermark = PartitionWatermark()
    for look in range(1, 5):
        watermark.note(0, observed(commits({0: NOW_MS + look}), end=10 * look), NOW_MS + look)
        watermark.advance(10 * look, 0, 10 * look - 1)
        assert watermark.told_ms == NEVER_MS if look == 1 else watermark.told_ms + 60_001 > NOW_MS
    assert NEVER_MS < watermark.told_ms < watermark.all_ms


def test_rules_wait_for_all_partitions_and_for_the_parts_that_they_sent() -> None:
    watermark = PartitionWatermark()
    profiles = commits({0: NOW_MS - 5, 1: NOW_MS - HOUR_MS})
    watermark.note(0, observed(commits({0: NOW_MS}), end=10, profiles=profiles), NOW_MS)
    watermark.advance(10, 9, 10)
    assert watermark.joint_ms == NEVER_MS
    watermark.advance(10, 10, 10)
    assert watermark.joint_ms == NOW_MS - HOUR_MS
