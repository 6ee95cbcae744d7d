"""What interventions must satisfy, alone and beside the other definitions."""

from collections.abc import Iterator
from typing import Final

from definitions.attribute_groups import AttributeGroup
from definitions.criteria_checks import check_value
from definitions.directory import Directory, attribute_names, computes
from definitions.group_checks import check_link
from definitions.interventions import (
    InterventionCriteria,
    InterventionCriteriaAll,
    InterventionCriterion,
    RuleIntervention,
    children,
)
from definitions.near import near_names
from definitions.objects import place_of
from definitions.problems import ProblemCode, ProblemList
from definitions.property_checks import check_duration
from definitions.reading import has

_CHANGED: Final = "changed"


def check_rule(rule: RuleIntervention, place: str, found: ProblemList) -> None:
    """One intervention by itself."""
    if has(rule, "cooldown"):
        check_duration(rule.cooldown, f"{place} / cooldown", found)
    if not has(rule, "criteria"):
        return
    leaves = list(_leaves(rule.criteria, f"{place} / criteria"))
    if not leaves:
        found.add(
            ProblemCode.CRITERIA_EMPTY,
            f"{place} / criteria",
            "the rule reads no attribute, so it can never fire",
            hint="add an InterventionCriterion",
        )
    for where, leaf in leaves:
        check_value(leaf, where, found)
    for where, leaf in _leaves_outside_all(rule.criteria, f"{place} / criteria"):
        if has(leaf, "operator") and leaf.operator == _CHANGED:
            found.add(
                ProblemCode.CRITERION_VALUE,
                f"{where} / operator",
                f"{_CHANGED!r} stands in any or none, where nothing says when it was met before",
                hint="use it alone or inside of all",
                value=leaf.operator,
            )


def check_rule_in(
    rule: RuleIntervention, place: str, found: ProblemList, directory: Directory
) -> None:
    """Whether all that a rule names is there, live where the rule is, and of one attribute key."""
    published = bool(vars(rule).get("is_published"))
    groups: list[AttributeGroup] = []
    if has(rule, "criteria"):
        for where, leaf in _leaves(rule.criteria, f"{place} / criteria"):
            if has(leaf, "attribute"):
                group = _check_reference(leaf, where, found, directory, published=published)
                groups += [group] if group is not None else []
    for link in vars(rule).get("payload_attribute_groups") or ():
        where = f"{place} / payload_attribute_group {link.name} v{link.version}"
        payload_group = check_link(link, where, found, directory, published=published)
        groups += [payload_group] if payload_group is not None else []
    _check_keys(rule, place, found, directory, groups)


def leaves_of(criteria: InterventionCriteria) -> list[InterventionCriterion]:
    """The single criteria of a rule, in the order of the tree."""
    return [leaf for _, leaf in _leaves(criteria, "")]


def _leaves(node: InterventionCriteria, place: str) -> Iterator[tuple[str, InterventionCriterion]]:
    if isinstance(node, InterventionCriterion):
        yield place, node
        return
    branch = next(iter(type(node).model_fields))
    for number, child in enumerate(children(node), start=1):
        yield from _leaves(child, f"{place} / {branch} {number}")


def _leaves_outside_all(
    node: InterventionCriteria, place: str
) -> Iterator[tuple[str, InterventionCriterion]]:
    """Yield the single criteria that stand below an any or none."""
    if isinstance(node, InterventionCriteriaAll):
        for number, child in enumerate(node.all, start=1):
            yield from _leaves_outside_all(child, f"{place} / all {number}")
    elif not isinstance(node, InterventionCriterion):
        yield from _leaves(node, place)


def _check_reference(
    leaf: InterventionCriterion,
    place: str,
    found: ProblemList,
    directory: Directory,
    *,
    published: bool,
) -> AttributeGroup | None:
    name, _, attribute = leaf.attribute.partition(":")
    versions = directory.versions_of(name)
    holders = [group for group in versions if attribute in attribute_names(group)]
    stream = [group for group in holders if not group.offline]
    live = [group for group in stream if computes(group)]
    where = f"{place} / attribute"
    if not versions:
        found.add(
            ProblemCode.UNKNOWN_GROUP,
            where,
            f"no attribute group {name!r} is known",
            hint=_group_hint(name, attribute, directory),
            value=leaf.attribute,
        )
    elif not holders:
        known = {other for group in versions for other in attribute_names(group)}
        near = near_names(attribute, known) or f"; it has {', '.join(sorted(known))}"
        found.add(
            ProblemCode.UNKNOWN_ATTRIBUTE,
            where,
            f"no version of attribute group {name!r} has an attribute {attribute!r}",
            hint=f"name an attribute of the group{near}",
            value=leaf.attribute,
        )
    elif not stream:
        found.add(
            ProblemCode.UNSUPPORTED,
            where,
            "attributes of warehouse groups do not change with events",
            hint="use an attribute of a stream group",
            value=leaf.attribute,
        )
    elif published and not live:
        found.add(
            ProblemCode.UNPUBLISHED_GROUP,
            where,
            f"{place_of(stream[0])} is not published, or not online",
            hint="publish the group first, or together with the intervention",
            value=leaf.attribute,
        )
    chosen = live if published and live else stream or holders
    return chosen[0] if chosen else None


def _group_hint(name: str, attribute: str, directory: Directory) -> str:
    for group in directory.attribute_groups.values():
        if f"{group.name}_v{group.version}" == name:
            return f"rules name no version: write {group.name}:{attribute}"
    names = {known for known, _ in directory.attribute_groups}
    return "define the group" + near_names(name, names)


def _check_keys(
    rule: RuleIntervention,
    place: str,
    found: ProblemList,
    directory: Directory,
    groups: list[AttributeGroup],
) -> None:
    keys = sorted({key.name for group in groups if (key := directory.key_of(group))})
    if len(keys) > 1:
        found.add(
            ProblemCode.UNSUPPORTED,
            f"{place} / criteria",
            "the groups of a rule must have one attribute key",
            hint="write one intervention for each key",
            value=keys,
        )
    for link in vars(rule).get("target_attribute_keys") or ():
        where = f"{place} / target_attribute_key {link.name}"
        if link.name not in directory.attribute_keys:
            found.add(
                ProblemCode.UNKNOWN_ATTRIBUTE_KEY,
                where,
                f"no attribute key {link.name!r} is known",
                hint="define the key" + near_names(link.name, directory.attribute_keys),
                value=link.name,
            )
        elif keys and link.name not in keys:
            found.add(
                ProblemCode.UNSUPPORTED,
                where,
                "a rule can only target the attribute key that its groups are kept by",
                hint=f"target {keys[0]}",
                value=link.name,
            )
