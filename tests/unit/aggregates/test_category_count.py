from processor.aggregates.category_count import CATEGORY_COUNT
from processor.limits import RESULT_VALUES_MAX


def found(*values):
    return CATEGORY_COUNT.result(CATEGORY_COUNT.gather(range(len(values)), values, 0, len(values)))


def test_greatest_counts_come_first_and_of_equal_ones_the_last_seen():
    assert list(found("a", "b", "c", "b").items()) == [("b", 2), ("c", 1), ("a", 1)]


def test_keys_are_texts_as_json_writes_them():
    assert found("x", 5, 2.5, True) == {"x": 1, "5": 1, "2.5": 1, "true": 1}


def test_equal_numbers_are_one_category_as_last_seen():
    assert found(1.0, 1) == {"1": 2}


def test_a_category_has_one_text_however_its_number_is_spelled():
    assert found(5, 5.0) == found(5.0, 5) == found(5.0, 5.0) == {"5": 2}
    assert found(-0.0, 0) == {"0": 2}
    assert found(1e17, 10**17, "100000000000000000") == {"100000000000000000": 3}
    assert found(1e25, 0.1) == {"1e+25": 1, "0.1": 1}
    state = None
    for time_ms, value in enumerate((5, True, 5.0, "5", False)):
        state = CATEGORY_COUNT.add(state, time_ms, value)
    assert CATEGORY_COUNT.result(state) == {"5": 3, "false": 1, "true": 1}


def test_a_number_and_its_text_are_one_category():
    assert found("5", 5, "5", "a") == {"5": 3, "a": 1}


def test_the_hundred_greatest_counts_are_given():
    counts = found(*range(300), *range(150))
    assert list(counts) == [str(n) for n in range(149, 149 - RESULT_VALUES_MAX, -1)]
    assert set(counts.values()) == {2}
