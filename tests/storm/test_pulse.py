"""How pauses are measured, and when a look found nothing that waits."""

import time

from tests.storm.pulse import Load, Pauses


def test_the_longest_pause_is_that_of_any_partition() -> None:
    pauses = Pauses(range(2))
    begun = time.monotonic()
    pauses.note({0: 1, 1: 1}, begun)
    pauses.begin()
    for second in (1, 2, 3):
        pauses.note({0: 1 + second, 1: 1}, begun + second)
    assert pauses.longest_s == 1.0
    pauses.note({0: 4, 1: 2}, begun + 3.5)
    assert pauses.longest_s == 3.5
    assert pauses.applied == {0: 4, 1: 2}


def test_a_pause_that_goes_on_counts_from_its_beginning_and_one_that_is_over_does_not() -> None:
    pauses = Pauses(range(1))
    begun = time.monotonic()
    pauses.note({0: 1}, begun)
    pauses.note({0: 2}, begun + 9)
    pauses.begin()
    assert pauses.longest_s == 0.0
    pauses.begin()
    pauses.note({0: 3}, begun + 13)
    assert pauses.longest_s == 4.0


def test_a_commit_that_is_not_further_ends_no_pause() -> None:
    pauses = Pauses(range(1))
    begun = time.monotonic()
    pauses.note({0: 5}, begun)
    pauses.begin()
    pauses.note({0: 5}, begun + 1)
    pauses.note({0: 4}, begun + 2)
    assert (pauses.longest_s, pauses.applied) == (0.0, {0: 5})


def test_looks_at_which_nothing_waits_are_counted() -> None:
    load = Load()
    load.note(100, [1, 2])
    load.note(50, [0, 2])
    load.note(0, [0, 0])
    assert load == Load(looks=3, idle=1, caught_up=2, least_events=0)
