from processor.aggregates.counter import COUNTER


def test_each_contribution_counts_one_without_a_value():
    state = COUNTER.add(COUNTER.add(None, 5, None), 1, None)
    assert COUNTER.result(state) == 2
