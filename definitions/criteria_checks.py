"""What comparisons must satisfy: the value fits the operator, and no list is empty."""

from typing import Final

from definitions.criteria import Criteria, Criterion
from definitions.interventions import InterventionCriterion
from definitions.limits import VALUE_BYTES_MAX
from definitions.problems import ProblemCode, ProblemList
from definitions.property_checks import check_property
from definitions.reading import has

_ORDERS: Final = frozenset({"<", ">", "<=", ">="})
_WITHOUT_VALUE: Final = frozenset({"is null", "is not null", "changed"})
_LISTS: Final = frozenset({"in", "not in"})
_TEXTS: Final = frozenset({"like", "not like", "rlike", "not rlike"})
_PATTERNS: Final = frozenset({"like", "not like"})


def check_criteria(criteria: Criteria, place: str, found: ProblemList, *, computed: bool) -> None:
    """The criteria of an attribute."""
    if criteria.all is None and criteria.any is None and has(criteria, "all", "any"):
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
        wrong = not isinstance(value, tuple) or not value
        return (f"{operator!r} needs a list of values", "write value=[...]") if wrong else None
    if isinstance(value, tuple):
        return f"{operator!r} compares with one value", "write one value, or use 'in'"
    return _single_value_trouble(operator, value)


def _single_value_trouble(operator: str, value: object) -> tuple[str, str] | None:
    if operator in _TEXTS and not isinstance(value, str):
        return f"{operator!r} needs a text", "write the pattern in quotes, such as '%cart%'"
    if operator in _ORDERS and isinstance(value, bool):
        return "true and false have no order", "use = or !="
    return _text_trouble(operator, value) if isinstance(value, str) else None


def _text_trouble(operator: str, value: str) -> tuple[str, str] | None:
    trailing = len(value) - len(value.rstrip("\\"))
    if operator in _PATTERNS and trailing % 2:
        return "the pattern ends in a lone backslash", r"write \\ for a backslash"
    if len(value.encode()) > VALUE_BYTES_MAX:
        return f"longer than {VALUE_BYTES_MAX} bytes", "values of events are never that long"
    return None
