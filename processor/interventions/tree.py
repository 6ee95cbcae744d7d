"""The compiled criteria of a rule: whether values meet them, and which of them decided."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from definitions import (
    InterventionCriteriaAll,
    InterventionCriteriaAny,
    InterventionCriteriaNone,
    InterventionCriterion,
)
from definitions.interventions import criterions
from definitions.operators import OPERATORS
from processor.aggregates import Result
from processor.criteria import Change, compile_change, compile_comparison
from processor.errors import DefinitionError

Criteria = (
    InterventionCriterion
    | InterventionCriteriaAll
    | InterventionCriteriaAny
    | InterventionCriteriaNone
)
# The values of the attributes that a rule reads, in the order of its readers.
Values = Sequence[Result]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One criterion. `position` is the position of its attribute among the rule's readers."""

    attribute: str
    group_version: int
    operator: str
    value: Result
    position: int


class MustChange(NamedTuple):
    """One criterion over the values before and after an event, at `position` of the readers."""

    position: int
    met: Change


@dataclass(frozen=True, slots=True)
class Tree:
    """`met(values)` returns whether the criteria are met; if so, `deciding(values)` which decided.

    In a met `all`, every child decided; in a met `any`, the met children; in a met `none`, all
    criteria below it.
    """

    met: Callable[[Values], bool]
    deciding: Callable[[Values], list[Leaf]]


def compile_tree(criteria: Criteria, leaf_of: Callable[[InterventionCriterion], Leaf]) -> Tree:
    """Compile nested criteria. If empty, `all` and `none` are met, and `any` is not.

    A criterion that compares with the value before must be alone or in `all`. It counts as met
    here: the rule compares these criteria with `compile_changes`.

    Raises:
        DefinitionError: such a criterion is in `any` or `none`.
    """
    match criteria:
        case InterventionCriteriaAll(all=nodes):
            return _all([compile_tree(node, leaf_of) for node in nodes])
        case InterventionCriteriaAny(any=nodes):
            _refuse_changes(nodes)
            return _any([compile_tree(node, leaf_of) for node in nodes])
        case InterventionCriteriaNone(none=nodes):
            _refuse_changes(nodes)
            compiled = [compile_tree(node, leaf_of) for node in nodes]
            return _none(compiled, [leaf_of(leaf) for leaf in criterions(criteria)])
        case InterventionCriterion():
            return _leaf(leaf_of(criteria))


def compile_changes(
    criteria: Criteria, position_of: Callable[[str], int]
) -> tuple[MustChange, ...]:
    """Return what must have changed, each once, with the positions of the attributes."""
    changes = (
        MustChange(position_of(leaf.attribute), compile_change(leaf.operator))
        for leaf in criterions(criteria)
        if OPERATORS[leaf.operator].change
    )
    return tuple(dict.fromkeys(changes))


def _refuse_changes(nodes: Iterable[Criteria]) -> None:
    for leaf in (leaf for node in nodes for leaf in criterions(node)):
        if OPERATORS[leaf.operator].change:
            message = f"operator {leaf.operator!r} stands in any or none"
            raise DefinitionError(message, hint="use it alone or inside of all")


def _leaf(leaf: Leaf) -> Tree:
    if OPERATORS[leaf.operator].change:
        return Tree(lambda _values: True, lambda _values: [leaf])
    compare = compile_comparison(leaf.operator, leaf.value)
    position = leaf.position
    return Tree(lambda values: compare(values[position]), lambda _values: [leaf])


def _all(children: Sequence[Tree]) -> Tree:
    tests = [child.met for child in children]

    def met(values: Values) -> bool:
        for test in tests:  # noqa: SIM110 - this runs for every event, and all() takes twice as long
            if not test(values):
                return False
        return True

    return Tree(
        met,
        lambda values: [leaf for child in children for leaf in child.deciding(values)],
    )


def _any(children: Sequence[Tree]) -> Tree:
    tests = [child.met for child in children]
    return Tree(
        lambda values: any(met(values) for met in tests),
        lambda values: [
            leaf for child in children if child.met(values) for leaf in child.deciding(values)
        ],
    )


def _none(children: Sequence[Tree], leaves: list[Leaf]) -> Tree:
    tests = [child.met for child in children]
    return Tree(lambda values: not any(met(values) for met in tests), lambda _values: leaves)
