from processor.aggregates.first import FIRST


def test_the_value_at_the_least_time_wins_however_late_it_arrives():
    assert FIRST.result(FIRST.add(FIRST.add(None, 5, "a"), 3, "b")) == "b"


def test_of_equal_times_the_first_arrived_wins():
    assert FIRST.result(FIRST.add(FIRST.add(None, 5, "a"), 5, "b")) == "a"
    assert FIRST.result(FIRST.merge([[5, "a"], [5, "b"]])) == "a"
