import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.errors import DefinitionError
from processor.events import REJECTED
from processor.events.calculated import compile_calculation
from processor.limits import INTEGER_MAX, VALUE_BYTES_MAX

LONG = "x" * VALUE_BYTES_MAX


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
        (["a", 1.0], "-", REJECTED),
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
    ([0.1, 0.2, 0.3], (0.6, 0.1 * 0.2 * 0.3, 0.1, 0.3)),
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


@given(st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=50))
def test_a_sum_of_floats_is_rounded_once(values: list[float]) -> None:
    assert compile_calculation("sum", "")(values) == math.fsum(values)


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
            assert len(result.encode()) <= VALUE_BYTES_MAX
        case _:
            assert result is REJECTED


def test_an_operation_that_there_is_not_is_refused() -> None:
    with pytest.raises(DefinitionError, match="median"):
        compile_calculation("median", "")
