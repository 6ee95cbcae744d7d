"""Criteria of an attribute for one event: every one of `all`, at least one of `any`."""

from collections.abc import Callable, Sequence
from typing import Any

from definitions import Criterion
from processor.criteria.comparison import Comparison, compile_comparison
from processor.events import Event, PropertyReader, compile_property

EventTest = Callable[[Event], bool]


def compile_criteria(
    every: Sequence[Criterion], some: Sequence[Criterion] | None
) -> EventTest | None:
    """Return the test of an event; None if there are no criteria.

    `some` is None if no such list is given; an empty list is never met.
    """
    required = tuple(map(_compile_criterion, every))
    if some is None:
        return _all_of(required) if required else None
    alternatives = tuple(map(_compile_criterion, some))

    def met(event: Event) -> bool:
        return all(test(event) for test in required) and any(test(event) for test in alternatives)

    return met


def _all_of(tests: tuple[EventTest, ...]) -> EventTest:
    if len(tests) == 1:
        return tests[0]
    return lambda event: all(test(event) for test in tests)


def _compile_criterion(criterion: Criterion) -> EventTest:
    read: PropertyReader = compile_property(criterion.property)
    return _test(read, compile_comparison(criterion.operator, criterion.value))


def _test(read: Callable[[Event], Any], compare: Comparison) -> EventTest:
    return lambda event: compare(read(event))
