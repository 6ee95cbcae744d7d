from processor.aggregates.last import LAST


def test_the_value_at_the_greatest_time_wins_however_early_it_arrives():
    assert LAST.result(LAST.add(LAST.add(None, 5, "a"), 3, "b")) == "a"


def test_of_equal_times_the_last_arrived_wins():
    assert LAST.result(LAST.add(LAST.add(None, 5, "a"), 5, "b")) == "b"
    assert LAST.result(LAST.merge([[5, "a"], [5, "b"]])) == "b"
