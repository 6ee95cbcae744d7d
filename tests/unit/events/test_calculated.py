import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.errors import DefinitionError
from processor.events import REJECTED
from processor.events.calculated import compile_calculation
from processor.limits import INTEGER_MAX, VALUE_CHARS_MAX

LONG = "x" * VALUE_CHARS_MAX


@pytest.mark.parametrize(
    ("values", "separator", "expected"),
    [
        (["a", "b"], "-", "a-b"),
        (["a", "b"], "", "ab"),
        (["a", 7, -1], "/", "a/7/-1"),
        ([1, 2], "", "12"),
        (["a", None, "c"], "-", "a-c"),
        ([None, "b", None], "-", "b"),
        ([None, None], "-", None),
        (["", ""], "-", "-"),
        (["", None], "-", ""),
        (["a", 1.5], "-", REJECTED),
        (["a", 1.0, 1e15, -0.0], "-", "a-1-1000000000000000-0"),
        ([1e25], "-", REJECTED),
        (["a", True], "-", REJECTED),
        (["a", REJECTED], "-", REJECTED),
        ([None, REJECTED], "-", REJECTED),
        ([LONG, None], "-", LONG),
        ([LONG, ""], "", LONG),
        ([LONG, ""], "-", REJECTED),
        ([LONG, LONG], "", REJECTED),
    ],
)
def test_concat_joins_texts_and_integers(
    values: list[object], separator: str, expected: object
) -> None:
    assert compile_calculation("concat", separator)(values) == expected  # type: ignore[arg-type]


# Values, then their sum, product, min and max.
NUMBERS = [
    ([2, 3], (5, 6, 2, 3)),
    ([2, -3, 4], (3, -24, -3, 4)),
    ([2, 1.5], (3.5, 3.0, 1.5, 2.0)),
    ([2, 3.0], (5.0, 6.0, 2.0, 3.0)),
    ([0.1, 0.2, 0.3], (0.6, 0.006, 0.1, 0.3)),
    ([0.1, 3], (3.1, 0.3, 0.1, 3.0)),
    ([26.9, 5.78, 67.32], (100.0, 10467.04824, 5.78, 67.32)),
    ([29.95, 3, -89.85], (-56.9, -8073.0225, -89.85, 29.95)),
    ([0.1, -0.1], (0.0, -0.01, -0.1, 0.1)),
    ([0.1, 0.2, -0.3], (0.0, -0.006, -0.3, 0.2)),
    ([0.0, -5], (-5.0, 0.0, -5.0, 0.0)),
    ([1e308, 10, 0.01], (1e308, 1e307, 0.01, 1e308)),
    ([1e308, 1e308, 1e-308], (REJECTED, 1e308, 1e-308, 1e308)),
    ([5e-324, 0.4], (0.4, 0.0, 5e-324, 0.4)),
    # The decimal number is the greater one, the binary number the lesser; as floats they are equal.
    (
        [9.223372036854775e18, 9223372036854774900],
        (1.844674407370955e19, 8.50705917302346e37, 9.223372036854775e18, 9.223372036854775e18),
    ),
    ([1e308, 1e308], (REJECTED, REJECTED, 1e308, 1e308)),
    ([1e-200, 1e-200], (2e-200, 0.0, 1e-200, 1e-200)),
    ([INTEGER_MAX, 1], (REJECTED, INTEGER_MAX, 1, INTEGER_MAX)),
    ([INTEGER_MAX, -1], (INTEGER_MAX - 1, -INTEGER_MAX, -1, INTEGER_MAX)),
    ([-INTEGER_MAX - 1, 1], (-INTEGER_MAX, -INTEGER_MAX - 1, -INTEGER_MAX - 1, 1)),
    ([INTEGER_MAX] * 50 + [0.5], (2.0**63 * 50, REJECTED, 0.5, 2.0**63)),
    ([2**53 + 1, 1.0], (2.0**53 + 2, 2.0**53, 1.0, 2.0**53)),
    ([1e308, 1e308, -1e308], (1e308, REJECTED, -1e308, 1e308)),
    ([2, None], (None,) * 4),
    ([None, None], (None,) * 4),
    ([None, "2"], (None,) * 4),
    ([2, "3"], (REJECTED,) * 4),
    ([2, True], (REJECTED,) * 4),
    ([2, REJECTED], (REJECTED,) * 4),
]


@pytest.mark.parametrize(("values", "expected"), NUMBERS)
def test_arithmetic_gives_an_integer_only_of_integers(
    values: list[object], expected: tuple[object, ...]
) -> None:
    operations = ("sum", "product", "min", "max")
    found = [compile_calculation(one, "")(values) for one in operations]  # type: ignore[arg-type]
    assert found == list(expected)
    assert list(map(type, found)) == list(map(type, expected))


def as_written(number: float) -> Fraction:
    return Fraction(repr(number))


@given(
    st.sampled_from(["sum", "product", "min", "max"]),
    st.lists(
        st.builds(lambda n, k: n / 10**k, st.integers(-99_999, 99_999), st.integers(0, 4))
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False, allow_infinity=False),
        min_size=1,
        max_size=50,
    ),
)
def test_a_result_with_floats_is_that_of_the_written_numbers_rounded_once(
    operation: str, values: list[float]
) -> None:
    values = [*values, 2.5]
    operations = {"sum": sum, "product": math.prod, "min": min, "max": max}
    exact = operations[operation](map(as_written, values))
    try:
        expected = float(exact)
    except OverflowError:
        assert compile_calculation(operation, "")(values) is REJECTED
    else:
        assert compile_calculation(operation, "")(values) == expected


@given(
    st.sampled_from(["concat", "sum", "product", "min", "max"]),
    st.lists(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=5)
        | st.just(REJECTED),
        min_size=1,
        max_size=50,
    ),
)
def test_every_result_is_within_bounds(operation: str, values: list[object]) -> None:
    result = compile_calculation(operation, "-")(values)  # type: ignore[arg-type]
    match result:
        case None:
            assert None in values
        case int():
            assert abs(result) <= 2**63
        case float():
            assert math.isfinite(result)
        case str():
            assert len(result) <= VALUE_CHARS_MAX
        case _:
            assert result is REJECTED


def test_an_operation_that_there_is_not_is_refused() -> None:
    with pytest.raises(DefinitionError, match="median"):
        compile_calculation("median", "")
