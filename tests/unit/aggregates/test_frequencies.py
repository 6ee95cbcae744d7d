from processor.aggregates import Ranked
from processor.aggregates.distinct import keys_of
from processor.aggregates.frequencies import frequencies
from processor.limits import FREQUENCY_LONG_TEXTS_MAX, FREQUENCY_VALUES_MAX, LONG_TEXT_CHARS

FREQUENCIES = frequencies("any", lambda state: None, Ranked(keys_of, lambda ranks: None))


def added(*entries):
    state = None
    for time_ms, value in entries:
        state = FREQUENCIES.add(state, time_ms, value)
    return state


def test_the_state_has_counts_and_last_times_in_the_order_of_last_sightings():
    state = added((1, "a"), (5, "b"), (3, "a"), (2, "c"))
    assert list(state.items()) == [("c", [1, 2]), ("a", [2, 3]), ("b", [1, 5])]


def test_beyond_the_bound_the_value_seen_last_the_longest_ago_goes_with_its_count():
    state = added(*[(9, "often")] * 5, *[(10 + n, n) for n in range(FREQUENCY_VALUES_MAX)])
    assert "often" not in state
    assert len(state) == FREQUENCY_VALUES_MAX
    state = FREQUENCIES.add(state, 5_000, "often")
    assert state["often"] == [1, 5_000]
    assert 0 not in state


def test_of_equal_last_sightings_the_first_arrived_goes():
    state = added(*[(7, n) for n in range(FREQUENCY_VALUES_MAX)], (7, 0), (7, "more"))
    assert 1 not in state
    assert 0 in state


def test_a_late_value_beyond_the_bound_is_the_one_that_goes():
    state = added(*[(10 + n, n) for n in range(FREQUENCY_VALUES_MAX)])
    assert FREQUENCIES.add(state, 3, "late") == state


def test_of_long_texts_fewer_are_kept_and_no_other_value_goes_for_them():
    short = [f"{n:0{LONG_TEXT_CHARS}}" for n in range(FREQUENCY_LONG_TEXTS_MAX)]
    long = [f"{n:0{LONG_TEXT_CHARS + 1}}" for n in range(FREQUENCY_LONG_TEXTS_MAX + 2)]
    state = added(*((1, text) for text in short), *((2 + n, text) for n, text in enumerate(long)))
    assert list(state) == [*short, *long[2:]]
    again = FREQUENCIES.add(state, 5_000, long[0])
    assert list(again) == [*short, *long[3:], long[0]]
    assert again[long[0]] == [1, 5_000]
    assert FREQUENCIES.add(again, 5_001, long[5])[long[5]] == [2, 5_001]


def test_gathering_and_merging_keep_all_values():
    count = FREQUENCY_VALUES_MAX + 500
    parts = [
        FREQUENCIES.gather(range(count), range(count), start, start + 750) for start in (0, 750)
    ]
    assert len(FREQUENCIES.merge(parts)) == count
