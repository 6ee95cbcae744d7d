from processor.aggregates.sum import SUM


def added(*values):
    state = None
    for value in values:
        state = SUM.add(state, 0, value)
    return state


def test_integers_give_an_integer_for_integer_types_and_a_float_for_others():
    state = added(2, 3)
    assert (SUM.result(state), type(SUM.result(state))) == (5, int)
    assert (SUM.result_float(state), type(SUM.result_float(state))) == (5.0, float)


def test_tenths_are_rounded_once():
    assert SUM.result_float(added(*[0.1] * 10)) == 1.0


def test_values_that_cancel_leave_zero_and_not_nothing():
    assert SUM.result_float(added(0.1, -0.1)) == 0.0
