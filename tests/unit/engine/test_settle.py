"""Profiles of versions without arrivals: their times are cut to the first takeover."""

from datetime import timedelta

import pytest

from processor.engine.settle import settle

HOUR = 3_600_000
TAKEN = 1_700_000_000_000
AHEAD = TAKEN + 48 * HOUR


@pytest.fixture
def poisoned(write, bench):
    """A profile with right events up to the takeover, and one that is two days ahead."""
    group = write.group(
        write.attribute("recent", period=HOUR),
        write.attribute("list", "unique_list", period=HOUR),
        write.attribute("last", "last"),
        write.attribute("seen", "unique_list"),
        write.attribute("often", "most_frequent"),
        write.attribute("ended", "sum", ttl=HOUR),
        write.attribute("ago", "time_since_last"),
    )
    rule = write.rule(write.criterion("g:recent", ">", 0), cooldown=timedelta(hours=1))
    made = bench(write.plan(group, rule, deduplication_horizon_ms=0))
    made.names = ["ended"]  # all but the counter read this series

    def event(time_ms, value):
        values = dict.fromkeys(made.names, value)
        return made.step(time_ms, recent=None, **values)

    made.event = event
    return made


def forget_arrivals(one):
    one.reload()
    head = one.profile.head
    head.arrival_ms = -1
    for window in head.windows.values():
        window.arrival_ms = -1


@pytest.mark.parametrize("count", [5, 600])  # inline, and in chunks under a tree
def test_right_events_count_again_at_once(poisoned, count):
    for number in range(count):
        poisoned.event(TAKEN - count + number, 1.0)
    poisoned.event(AHEAD, 7.0)
    forget_arrivals(poisoned)
    settle(poisoned.profile, poisoned.plan, TAKEN)
    poisoned.event(TAKEN + 1, 2.0)
    found = poisoned.read(TAKEN + 1)
    # What had left the windows when the clock was ahead is gone.
    assert (found["recent"], found["list"]) == (2, [7.0, 2.0])
    assert (found["last"], found["ago"]) == (2.0, 0.0)
    assert found["seen"] == [1.0, 7.0, 2.0]
    assert found["ended"] == 2.0 + 7.0
    head = poisoned.profile.head
    assert head.latest_ms == TAKEN + 1
    assert max(head.seen.values()) == max(head.timers.values()) == TAKEN + 1
    assert all(last_ms <= TAKEN + 1 for _, last_ms in head.firings.values())
    assert poisoned.read(TAKEN + 1 + HOUR)["recent"] is None


def test_a_tree_with_the_future_at_its_end_is_written_anew(poisoned, write, bench):
    one = bench(write.plan(write.group(write.attribute("list", "unique_list", period=HOUR))))
    for number in range(12_000):
        one.step(TAKEN + HOUR - 12_000 + number, list=float(number % 3))
    forget_arrivals(one)
    assert next(iter(one.profile.head.windows.values())).level > 0
    cut_ms = TAKEN + HOUR - 100
    settle(one.profile, one.plan, cut_ms)
    one.profile.changed = True
    one.reload()
    one.step(cut_ms + 1, list=9.0)
    assert sorted(one.read(cut_ms + 1)["list"]) == [0.0, 1.0, 2.0, 9.0]
    one.reload()
    assert one.read(cut_ms + HOUR)["list"] == [9.0]


def test_right_times_stay(poisoned):
    for number in range(5):
        poisoned.event(TAKEN - 5 + number, 1.0)
    forget_arrivals(poisoned)
    before = poisoned.read(TAKEN)
    settle(poisoned.profile, poisoned.plan, TAKEN)
    assert poisoned.read(TAKEN) == before
    # A backlog of an hour ago is read after the takeover: it cuts nothing.
    poisoned.step(TAKEN - HOUR + 10, arrival_ms=TAKEN - HOUR + 10, recent=None)
    assert poisoned.read(TAKEN)["recent"] == 6
    assert poisoned.profile.head.arrival_ms == TAKEN
