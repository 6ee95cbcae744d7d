"""Ranks against the frequencies of the same entries."""

from collections import Counter
from random import Random

import pytest

from processor.aggregates import AGGREGATES, Ranks
from processor.aggregates.distinct import keys_of
from processor.aggregates.frequencies import Seen

NAMES = ("most_frequent", "least_frequent", "category_count")
VALUES = [*"abcdef", True, False, 1, 1.0, "1", 2.5, "true"]


def results(entries, name):
    """The results of ranks and of frequencies; entries are in order of time, then arrival."""
    aggregate = AGGREGATES[name]
    times, values = [one[0] for one in entries], [one[1] for one in entries]
    ranks = Ranks(times, aggregate.ranked.labels(values.copy()))
    state: dict[object, Seen] = aggregate.gather(times, values, 0, len(times))
    return spelled(aggregate.ranked.result(ranks)), spelled(aggregate.result(state))


def spelled(result):
    """The result with its order, and with its types."""
    return [*map(repr, result.items())] if isinstance(result, dict) else repr(result)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(20))
def test_ranks_give_what_frequencies_give(name, seed):
    random = Random(seed)
    times = sorted(random.randrange(12) for _ in range(random.randrange(1, 60)))
    found, expected = results([(time_ms, random.choice(VALUES)) for time_ms in times], name)
    assert found == expected


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(20))
def test_ranks_follow_entries_that_come_late_and_leave_at_the_left(name, seed):
    random, aggregate = Random(seed), AGGREGATES[name]
    ranks, inside = Ranks((), ()), []
    for clock in range(200):
        entry = (max(clock - random.choice([0, 0, 0, 7]), 0), random.choice(VALUES))
        (label,) = aggregate.ranked.labels([entry[1]])
        ranks.add(label, entry[0])
        inside = sorted([*inside, entry], key=lambda one: one[0])
        gone = [one for one in inside if one[0] <= clock - 20]
        inside = inside[len(gone) :]
        labels = aggregate.ranked.labels([value for _, value in gone]) if gone else []
        leaving = Counter(zip([time_ms for time_ms, _ in gone], labels, strict=True))
        assert all(ranks.remove(label, ms, count) for (ms, label), count in leaving.items())
        state = aggregate.gather(*zip(*inside, strict=True), 0, len(inside))
        assert spelled(aggregate.ranked.result(ranks)) == spelled(aggregate.result(state))


def test_without_the_last_sighting_of_a_label_that_remains_nothing_changes():
    ranks = Ranks([1, 2, 3], keys_of(["a", "b", "a"]))
    assert not ranks.remove("a", 3, 1)
    assert ranks.first(10) == {"a": 2, "b": 1}
    assert ranks.remove("b", 2, 1)
    assert ranks.first(10) == {"a": 2}


def test_a_known_label_is_the_one_that_was_seen():
    seen = "".join(["a", "b"])
    ranks = Ranks([1], [seen])
    assert ranks.known("".join(["a", "b"])) is seen
    assert ranks.known("c") == "c"


def test_memory_grows_with_the_labels():
    assert 0 == Ranks((), ()).bytes < Ranks([1, 2], ["a", "a"]).bytes
    assert Ranks([1, 2], ["a", "b"]).bytes == 2 * Ranks([1], ["a"]).bytes
