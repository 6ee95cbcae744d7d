from processor.aggregates.minimum import MINIMUM


def test_the_least_number_wins_whatever_its_time():
    state = MINIMUM.add(MINIMUM.add(MINIMUM.add(None, 3, 2.5), 1, -4), 2, 7)
    assert MINIMUM.result(state) == -4
    assert type(MINIMUM.result_float(state)) is float
