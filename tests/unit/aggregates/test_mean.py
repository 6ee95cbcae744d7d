from processor.aggregates.mean import MEAN


def added(*values):
    state = None
    for value in values:
        state = MEAN.add(state, 0, value)
    return state


def test_the_mean_of_tenths_is_rounded_once():
    assert MEAN.result(added(0.1, 0.2, 0.3)) == 0.2


def test_the_mean_of_integers_is_a_float():
    assert MEAN.result(added(1, 2)) == 1.5


def test_a_mean_is_there_where_the_sum_overflows():
    assert MEAN.result(added(1.5e308, 1.5e308)) == 1.5e308
