"""Rules over attributes of a profile, and what is sent when they become true."""

from collections.abc import Mapping
from typing import Annotated, Any, Union

from pydantic import AfterValidator, Discriminator, EmailStr, Field, StringConstraints, Tag
from pydantic_core import PydanticCustomError

from definitions.attribute_groups import GroupLink, Version
from definitions.attribute_keys import LinkAttributeKey
from definitions.limits import (
    GROUPS_PER_SERVICE_MAX,
    RULE_PARTS_MAX,
    RULE_TARGETS_MAX,
    TREE_DEPTH_MAX,
    VERSION_MAX,
)
from definitions.model import AtMost, Duration, Items, Model, Name, Text, Value
from definitions.operators import RuleOperator

AttributeReference = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,128}:[A-Za-z0-9_]{1,128}$")
]


class InterventionCriterion(Model):
    """One comparison of an attribute, named `group:attribute`, with a value."""

    attribute: AttributeReference
    operator: RuleOperator
    value: Value | None = None


class InterventionCriteriaAll(Model):
    """Met when every child is met."""

    all: Annotated[Items["InterventionCriteria"], AtMost(RULE_PARTS_MAX)]


class InterventionCriteriaAny(Model):
    """Met when at least one child is met."""

    any: Annotated[Items["InterventionCriteria"], AtMost(RULE_PARTS_MAX)]


class InterventionCriteriaNone(Model):
    """Met when no child is met."""

    none: Annotated[Items["InterventionCriteria"], AtMost(RULE_PARTS_MAX)]


_KINDS: Mapping[type[Model], str] = {
    InterventionCriterion: "criterion",
    InterventionCriteriaAll: "tree_all",
    InterventionCriteriaAny: "tree_any",
    InterventionCriteriaNone: "tree_none",
}
_BRANCHES = ("all", "any", "none")


def tree_kind(value: Any) -> str | None:  # unchecked input
    """Which part of a rule a value is meant to be; None if it is several at once."""
    if not isinstance(value, Mapping):
        return _KINDS.get(type(value))
    branches = [branch for branch in _BRANCHES if branch in value]
    if not branches:
        return "criterion"
    alone = len(branches) == 1 and "attribute" not in value
    return f"tree_{branches[0]}" if alone else None


InterventionCriteria = Annotated[
    Union[  # noqa: UP007 - names in quotes cannot be joined with a bar
        Annotated[InterventionCriterion, Tag("criterion")],
        Annotated[InterventionCriteriaAll, Tag("tree_all")],
        Annotated[InterventionCriteriaAny, Tag("tree_any")],
        Annotated[InterventionCriteriaNone, Tag("tree_none")],
    ],
    Discriminator(tree_kind),
]
InterventionCriteriaAll.model_rebuild()
InterventionCriteriaAny.model_rebuild()
InterventionCriteriaNone.model_rebuild()


def children(node: InterventionCriteria) -> tuple[InterventionCriteria, ...]:
    """The parts of a tree node, in order; none for a single criterion."""
    match node:
        case InterventionCriteriaAll(all=nodes):
            return tuple(nodes)
        case InterventionCriteriaAny(any=nodes):
            return tuple(nodes)
        case InterventionCriteriaNone(none=nodes):
            return tuple(nodes)
    return ()


def criterions(node: InterventionCriteria) -> list[InterventionCriterion]:
    """The single criteria of a tree, in its order."""
    if isinstance(node, InterventionCriterion):
        return [node]
    return [leaf for child in children(node) for leaf in criterions(child)]


def _not_too_deep(root: InterventionCriteria) -> InterventionCriteria:
    level: list[InterventionCriteria] = [root]
    for _ in range(TREE_DEPTH_MAX):
        level = [child for node in level for child in children(node)]
        if not level:
            return root
    code, message = "rule_depth", "a rule nested too deep"
    raise PydanticCustomError(code, message)


class RuleIntervention(Model):
    """Fires for a target when its attributes move from not meeting `criteria` to meeting them.

    `cooldown` and `max_fires` limit the firings per target; the official SDK does not have them.
    """

    name: Name
    version: Version = 1
    description: Text | None = None
    owner: EmailStr
    is_published: bool = False
    criteria: Annotated[InterventionCriteria, AfterValidator(_not_too_deep)]
    target_attribute_keys: Annotated[Items[LinkAttributeKey], AtMost(RULE_TARGETS_MAX)] | None = (
        None
    )
    payload_attribute_groups: Annotated[Items[GroupLink], AtMost(GROUPS_PER_SERVICE_MAX)] | None = (
        None
    )
    cooldown: Duration | None = None
    max_fires: Annotated[int, Field(ge=1, le=VERSION_MAX)] | None = None
