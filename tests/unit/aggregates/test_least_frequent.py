from processor.aggregates.least_frequent import LEAST_FREQUENT


def found(*values):
    return LEAST_FREQUENT.result(LEAST_FREQUENT.gather(range(len(values)), values, 0, len(values)))


def test_the_least_count_wins():
    assert found("a", "a", "b", "c", "c") == "b"


def test_of_equal_counts_the_one_seen_last_wins():
    assert found("a", "b", "c", "b", "a") == "c"
    assert found("a", "b") == "b"
