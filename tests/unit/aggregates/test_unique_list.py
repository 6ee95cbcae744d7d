from processor.aggregates.unique_list import UNIQUE_LIST
from processor.limits import RESULT_VALUES_MAX


def added(*entries):
    state = None
    for time_ms, value in entries:
        state = UNIQUE_LIST.add(state, time_ms, value)
    return UNIQUE_LIST.result(state)


def test_a_value_that_is_seen_again_moves_to_the_end():
    assert added((1, "/home"), (2, "/products"), (3, "/home")) == ["/products", "/home"]


def test_a_late_sighting_does_not_move_a_value():
    assert added((5, "a"), (6, "b"), (1, "b")) == ["a", "b"]


def test_a_late_value_stands_where_its_time_is():
    assert added((5, "a"), (7, "b"), (6, "c")) == ["a", "c", "b"]


def test_of_equal_times_the_last_arrived_stands_last():
    assert added((5, "a"), (5, "b"), (5, "a")) == ["b", "a"]


def test_one_and_one_point_zero_are_the_same_number_as_it_was_last_seen():
    found = added((1, 1), (2, 2), (3, 1.0))
    assert [(value, type(value)) for value in found] == [(2, int), (1.0, float)]


def test_true_is_not_one():
    assert [repr(value) for value in added((1, 1), (2, True), (3, "1"))] == ["1", "True", "'1'"]


def test_the_last_hundred_are_given_whatever_came_before():
    entries = [(number, number) for number in range(250)]
    assert added(*entries) == list(range(250 - RESULT_VALUES_MAX, 250))
    assert added(*entries, (251, 3))[-2:] == [249, 3]


def test_the_cut_does_not_show_in_the_order_of_arrival():
    entries = [(number * 37 % 1_000, number % 170) for number in range(1_000)]
    times, values = zip(*sorted(entries, key=lambda entry: entry[0]), strict=True)
    assert added(*entries) == UNIQUE_LIST.result(UNIQUE_LIST.gather(times, values, 0, 1_000))
