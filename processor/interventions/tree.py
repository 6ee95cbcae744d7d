"""The criteria of a rule compiled: are they met by these values, and which of them decided."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from definitions import (
    InterventionCriteriaAll,
    InterventionCriteriaAny,
    InterventionCriteriaNone,
    InterventionCriterion,
)
from definitions.interventions import children
from processor.aggregates import Result
from processor.criteria import compile_comparison
from processor.errors import DefinitionError

# Met when the attribute's value with the event differs from that without it.
CHANGED = "changed"

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
    """One criterion. `position` is that of its attribute among the rule's readers."""

    attribute: str
    group_version: int
    operator: str
    value: Result
    position: int


@dataclass(frozen=True, slots=True)
class Tree:
    """`met(values)` says whether the criteria are met; if so, `deciding(values)` which decided.

    Of a met `all` every child decided, of a met `any` the met ones, of a met `none` all below it.
    """

    met: Callable[[Values], bool]
    deciding: Callable[[Values], list[Leaf]]


def compile_tree(criteria: Criteria, leaf_of: Callable[[InterventionCriterion], Leaf]) -> Tree:
    """Compile nested criteria. Of empty ones, `all` and `none` are met, `any` is not.

    `changed` stands alone or in `all` and is met here: the rule compares what must change.

    Raises:
        DefinitionError: `changed` in `any` or `none`.
    """
    match criteria:
        case InterventionCriteriaAll(all=nodes):
            return _all([compile_tree(node, leaf_of) for node in nodes])
        case InterventionCriteriaAny(any=nodes):
            _refuse_changed(nodes)
            return _any([compile_tree(node, leaf_of) for node in nodes])
        case InterventionCriteriaNone(none=nodes):
            _refuse_changed(nodes)
            compiled = [compile_tree(node, leaf_of) for node in nodes]
            return _none(compiled, [leaf_of(leaf) for leaf in criterions(criteria)])
        case InterventionCriterion():
            return _leaf(leaf_of(criteria))


def _refuse_changed(nodes: Iterable[Criteria]) -> None:
    if any(leaf.operator == CHANGED for node in nodes for leaf in criterions(node)):
        message = f"operator {CHANGED!r} stands in any or none"
        raise DefinitionError(message, hint="use it alone or inside of all")


def _leaf(leaf: Leaf) -> Tree:
    if leaf.operator == CHANGED:
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


def criterions(criteria: Criteria) -> list[InterventionCriterion]:
    """Return the single criteria of a tree, in its order."""
    if isinstance(criteria, InterventionCriterion):
        return [criteria]
    return [leaf for node in children(criteria) for leaf in criterions(node)]
