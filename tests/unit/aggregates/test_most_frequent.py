from processor.aggregates.most_frequent import MOST_FREQUENT


def found(*values):
    return MOST_FREQUENT.result(MOST_FREQUENT.gather(range(len(values)), values, 0, len(values)))


def test_the_greatest_count_wins():
    assert found("a", "b", "a", "c") == "a"


def test_of_equal_counts_the_one_seen_last_wins():
    assert found("a", "b", "b", "a", "c") == "a"
    assert found("a", "b") == "b"


def test_of_equal_counts_and_times_the_last_arrived_wins():
    state = None
    for value in (True, "x"):
        state = MOST_FREQUENT.add(state, 5, value)
    assert MOST_FREQUENT.result(state) == "x"
    assert MOST_FREQUENT.result(MOST_FREQUENT.add(state, 5, True)) is True
