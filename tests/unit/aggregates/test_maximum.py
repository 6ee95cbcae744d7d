from processor.aggregates.maximum import MAXIMUM


def test_the_greatest_number_wins_whatever_its_time():
    state = MAXIMUM.add(MAXIMUM.add(MAXIMUM.add(None, 3, 2.5), 1, -4), 2, 7)
    assert MAXIMUM.result(state) == 7
    assert type(MAXIMUM.result_float(state)) is float
