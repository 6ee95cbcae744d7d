import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.events.values import json_text, whole
from processor.limits import INTEGER_MAX

INTEGERS = st.integers(-INTEGER_MAX - 1, INTEGER_MAX)
NUMBERS = INTEGERS | INTEGERS.map(float) | st.floats(allow_nan=False, allow_infinity=False)


@given(NUMBERS)
def test_the_text_of_a_number_reads_as_that_number(number: int | float) -> None:
    assert json.loads(json_text(number)) == number


@given(NUMBERS, NUMBERS)
def test_numbers_have_one_text_just_when_they_are_equal(one: float, other: float) -> None:
    assert (json_text(one) == json_text(other)) == (one == other)


@given(INTEGERS)
def test_a_float_that_is_an_integer_has_its_text(number: int) -> None:
    if int(float(number)) == number:
        assert json_text(float(number)) == json_text(number) == str(number)
        assert type(whole(float(number))) is int


@pytest.mark.parametrize("number", [0.5, 1e25, -1e19, 2.0**63, 5e-324])
def test_other_floats_stay_floats(number: float) -> None:
    assert (whole(number), type(whole(number))) == (number, float)


def test_booleans_are_no_numbers() -> None:
    assert [json_text(value) for value in (True, False, 1, 0)] == ["true", "false", "1", "0"]
