"""The criteria of a rule compiled: are they met by these values, and which of them decided."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from definitions import (
    InterventionCriteriaAll,
    InterventionCriteriaAny,
    InterventionCriteriaNone,
    InterventionCriterion,
)
from processor.aggregates import Value
from processor.criteria import compile_comparison

Criteria = (
    InterventionCriterion
    | InterventionCriteriaAll
    | InterventionCriteriaAny
    | InterventionCriteriaNone
)
# The values of the attributes that a rule reads, in the order of its readers.
Values = Sequence[Value]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One criterion. `position` is that of its attribute among the rule's readers."""

    attribute: str
    group_version: int
    operator: str
    value: Value
    position: int


@dataclass(frozen=True, slots=True)
class Tree:
    """`met(values)` says whether the criteria are met; if so, `deciding(values)` which decided.

    Of a met `all` every child decided, of a met `any` the met ones, of a met `none` all below it.
    """

    met: Callable[[Values], bool]
    deciding: Callable[[Values], list[Leaf]]


def compile_tree(criteria: Criteria, leaf_of: Callable[[InterventionCriterion], Leaf]) -> Tree:
    """Compile nested criteria. Of empty ones, `all` and `none` are met, `any` is not."""
    match criteria:
        case InterventionCriteriaAll(all=nodes):
            return _all([compile_tree(node, leaf_of) for node in nodes])
        case InterventionCriteriaAny(any=nodes):
            return _any([compile_tree(node, leaf_of) for node in nodes])
        case InterventionCriteriaNone(none=nodes):
            children = [compile_tree(node, leaf_of) for node in nodes]
            return _none(children, _leaves(criteria, leaf_of))
        case InterventionCriterion():
            return _leaf(leaf_of(criteria))


def _leaf(leaf: Leaf) -> Tree:
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


def _leaves(criteria: Criteria, leaf_of: Callable[[InterventionCriterion], Leaf]) -> list[Leaf]:
    match criteria:
        case InterventionCriterion():
            return [leaf_of(criteria)]
        case (
            InterventionCriteriaAll(all=nodes)
            | InterventionCriteriaAny(any=nodes)
            | InterventionCriteriaNone(none=nodes)
        ):
            return [leaf for node in nodes for leaf in _leaves(node, leaf_of)]
