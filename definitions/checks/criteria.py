"""What comparisons must satisfy: the value fits the operator, and no list is empty."""

from definitions.checks.properties import check_property
from definitions.criteria import Criteria, Criterion
from definitions.interventions import InterventionCriterion
from definitions.limits import INTEGER_MAX, VALUE_CHARS_MAX
from definitions.operators import OPERATORS, Operand, Operator, Pattern
from definitions.patterns import PatternError
from definitions.problems import ProblemCode, ProblemList
from definitions.reading import has


def check_criteria(criteria: Criteria, place: str, found: ProblemList, *, computed: bool) -> None:
    """Check the criteria of an attribute."""
    if has(criteria, "all", "any") and criteria.all is None and criteria.any is None:
        found.add(
            ProblemCode.CRITERIA_EMPTY,
            place,
            "criteria have neither all nor any",
            hint="add a list of criteria, or leave out criteria to count every event",
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
                hint=f"add a criterion, or leave out {branch}",
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
    """Check that the value has the form that the operator compares with."""
    if not has(criterion, "operator", "value"):
        return
    trouble = _value_trouble(OPERATORS[criterion.operator], criterion.value)
    if trouble:
        message, hint = trouble
        value = criterion.value
        found.add(ProblemCode.CRITERION_VALUE, f"{place} / value", message, hint=hint, value=value)


def _value_trouble(operator: Operator, value: object) -> tuple[str, str] | None:
    name, operand = operator.name, operator.operand
    if operand is Operand.NOTHING:
        wrong = value is not None
        return (f"{name!r} takes no value", "leave out value") if wrong else None
    if value is None:
        return f"{name!r} needs a value", "add value, or use 'is null' or 'is not null'"
    if operand is Operand.LIST:
        if not isinstance(value, tuple) or not value:
            return f"{name!r} needs a list of values", "write value=[...]"
        return next(filter(None, map(_bounds_trouble, value)), None)
    return _single_value_trouble(operator, value)


def _single_value_trouble(operator: Operator, value: object) -> tuple[str, str] | None:
    if isinstance(value, tuple):
        return f"{operator.name!r} compares with one value", "write one value, or use 'in'"
    if isinstance(operator.operand, Pattern):
        return _pattern_trouble(operator.name, operator.operand, value)
    if operator.operand is Operand.ORDERED_VALUE and isinstance(value, bool):
        return "true and false have no order", "use = or !="
    return _bounds_trouble(value)


def _pattern_trouble(operator: str, pattern: Pattern, value: object) -> tuple[str, str] | None:
    if not isinstance(value, str):
        return f"{operator!r} needs a text", "write the pattern in quotes, such as '%cart%'"
    try:
        pattern.compile(value)
    except PatternError as error:
        return f"the pattern cannot be used: {error}", pattern.hint
    return None


def _bounds_trouble(value: object) -> tuple[str, str] | None:
    if isinstance(value, str) and len(value) > VALUE_CHARS_MAX:
        return f"longer than {VALUE_CHARS_MAX} characters", "values of events are never that long"
    if isinstance(value, int) and not -INTEGER_MAX - 1 <= value <= INTEGER_MAX:
        return "beyond 64 bit", "values of events are never that large"
    return None
