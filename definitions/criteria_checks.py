"""What comparisons must satisfy: the value fits the operator, and no list is empty."""

from collections.abc import Callable, Mapping
from typing import Final

from definitions.criteria import Criteria, Criterion
from definitions.interventions import InterventionCriterion
from definitions.limits import INTEGER_MAX, VALUE_BYTES_MAX
from definitions.patterns import (
    PatternError,
    TextTest,
    compile_like,
    compile_regular_expression,
)
from definitions.problems import ProblemCode, ProblemList
from definitions.property_checks import check_property
from definitions.reading import has

_ORDERS: Final = frozenset({"<", ">", "<=", ">="})
_WITHOUT_VALUE: Final = frozenset({"is null", "is not null", "changed"})
_LISTS: Final = frozenset({"in", "not in"})
_PATTERNS: Final[Mapping[str, Callable[[str], TextTest]]] = {
    "like": compile_like,
    "not like": compile_like,
    "rlike": compile_regular_expression,
    "not rlike": compile_regular_expression,
}


def check_criteria(criteria: Criteria, place: str, found: ProblemList, *, computed: bool) -> None:
    """The criteria of an attribute."""
    if has(criteria, "all", "any") and criteria.all is None and criteria.any is None:
        found.add(
            ProblemCode.CRITERIA_EMPTY,
            place,
            "criteria have neither all nor any",
            hint="add a list of criteria, or leave criteria away to count every event",
        )
    for branch in ("all", "any"):
        criterions = getattr(criteria, branch, None)
        if criterions is None:
            continue
        if not criterions:
            found.add(
                ProblemCode.CRITERIA_EMPTY,
                f"{place} / {branch}",
                "the list is empty",
                hint=f"add a criterion, or leave {branch} away",
                value=[],
            )
        for number, criterion in enumerate(criterions, start=1):
            where = f"{place} / {branch} {number}"
            _check_criterion(criterion, where, found, computed=computed)


def _check_criterion(
    criterion: Criterion, place: str, found: ProblemList, *, computed: bool
) -> None:
    check_value(criterion, place, found)
    if has(criterion, "property"):
        check_property(criterion.property, f"{place} / property", found, computed=computed)


def check_value(
    criterion: Criterion | InterventionCriterion, place: str, found: ProblemList
) -> None:
    """Whether the value is of the shape that the operator compares with."""
    if not has(criterion, "operator", "value"):
        return
    trouble = _value_trouble(criterion.operator, criterion.value)
    if trouble:
        message, hint = trouble
        value = criterion.value
        found.add(ProblemCode.CRITERION_VALUE, f"{place} / value", message, hint=hint, value=value)


def _value_trouble(operator: str, value: object) -> tuple[str, str] | None:
    if operator in _WITHOUT_VALUE:
        wrong = value is not None
        return (f"{operator!r} takes no value", "leave value away") if wrong else None
    if value is None:
        return f"{operator!r} needs a value", "add value, or use 'is null' or 'is not null'"
    if operator in _LISTS:
        if not isinstance(value, tuple) or not value:
            return f"{operator!r} needs a list of values", "write value=[...]"
        return next(filter(None, map(_bounds_trouble, value)), None)
    return _single_value_trouble(operator, value)


def _single_value_trouble(operator: str, value: object) -> tuple[str, str] | None:
    if isinstance(value, tuple):
        return f"{operator!r} compares with one value", "write one value, or use 'in'"
    if operator in _PATTERNS:
        return _pattern_trouble(operator, value)
    if operator in _ORDERS and isinstance(value, bool):
        return "true and false have no order", "use = or !="
    return _bounds_trouble(value)


def _pattern_trouble(operator: str, value: object) -> tuple[str, str] | None:
    if not isinstance(value, str):
        return f"{operator!r} needs a text", "write the pattern in quotes, such as '%cart%'"
    try:
        _PATTERNS[operator](value)
    except PatternError as error:
        return f"the pattern cannot be used: {error}", _PATTERN_HINTS[operator.removeprefix("not ")]
    return None


def _bounds_trouble(value: object) -> tuple[str, str] | None:
    if isinstance(value, str) and len(value.encode()) > VALUE_BYTES_MAX:
        return f"longer than {VALUE_BYTES_MAX} bytes", "values of events are never that long"
    if isinstance(value, int) and not -INTEGER_MAX - 1 <= value <= INTEGER_MAX:
        return "beyond 64 bit", "values of events are never that large"
    return None


_PATTERN_HINTS: Final = {
    "like": "% is any run of characters, _ one character, a backslash makes them plain",
    "rlike": "write a regular expression of RE2: github.com/google/re2/wiki/Syntax",
}
