"""What interventions must satisfy, alone and together with the other definitions."""

from collections.abc import Iterator

from definitions.attribute_keys import BUILT_IN_KEYS
from definitions.checks.attribute_groups import check_link
from definitions.checks.criteria import check_value
from definitions.checks.durations import check_duration
from definitions.directory import Directory, attribute_names, computes, embedded_key
from definitions.interventions import (
    InterventionCriteria,
    InterventionCriteriaAll,
    InterventionCriterion,
    RuleIntervention,
    children,
)
from definitions.objects import place_of
from definitions.operators import OPERATORS
from definitions.problems import ProblemCode, ProblemList
from definitions.reading import has

# How many attributes of a group a hint lists.
_NAMES_TOLD = 20


def check_rule(rule: RuleIntervention, place: str, found: ProblemList) -> None:
    """Check one intervention by itself."""
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
        if has(leaf, "operator") and OPERATORS[leaf.operator].change:
            found.add(
                ProblemCode.CRITERION_VALUE,
                f"{where} / operator",
                f"{leaf.operator!r} stands in any or none, "
                "where nothing says when it was met before",
                hint="use it alone or inside of all",
                value=leaf.operator,
            )


def check_rule_in(
    rule: RuleIntervention, place: str, found: ProblemList, directory: Directory
) -> None:
    """Check that everything a rule names exists, and is live if the rule is live."""
    published = bool(vars(rule).get("is_published"))
    if has(rule, "criteria"):
        for where, leaf in _leaves(rule.criteria, f"{place} / criteria"):
            if has(leaf, "attribute"):
                _check_reference(leaf, where, found, directory, published=published)
    for link in vars(rule).get("payload_attribute_groups") or ():
        where = f"{place} / payload_attribute_group {link.name} v{link.version}"
        check_link(link, where, found, directory, published=published)
    _check_targets(rule, place, found, directory)


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
    """Yield the single criteria that are below an any or none."""
    if isinstance(node, InterventionCriteriaAll):
        for number, child in enumerate(children(node), start=1):
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
) -> None:
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
            hint=_group_hint(name, attribute, directory, found),
            value=leaf.attribute,
        )
    elif not holders:
        known = {other for group in versions for other in attribute_names(group)}
        near = found.near(attribute, known) or f"; it has {', '.join(sorted(known)[:_NAMES_TOLD])}"
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


def _group_hint(name: str, attribute: str, directory: Directory, found: ProblemList) -> str:
    for group in directory.attribute_groups.values():
        if f"{group.name}_v{group.version}" == name:
            return f"rules name no version: write {group.name}:{attribute}"
    names = {known for known, _ in directory.attribute_groups}
    return "define the group" + found.near(name, names)


def _check_targets(
    rule: RuleIntervention, place: str, found: ProblemList, directory: Directory
) -> None:
    for link in vars(rule).get("target_attribute_keys") or ():
        name = link.name
        if name not in directory.attribute_keys:
            message = f"no attribute key {name!r} is known"
            hint = "define the key" + found.near(name, directory.attribute_keys)
        elif directory.property_of(name) is None:
            message = f"events do not carry the attribute key {name!r}"
            hint = "give the key a property"
        elif vars(rule).get("is_published") and not _is_live(name, directory):
            message = f"the attribute key {name!r} is not published"
            hint = "publish the key, or a group with it, first or together with the intervention"
        else:
            continue
        where = f"{place} / target_attribute_key {name}"
        found.add(ProblemCode.UNKNOWN_ATTRIBUTE_KEY, where, message, hint=hint, value=name)


def _is_live(key_name: str, directory: Directory) -> bool:
    """Whether a known key still exists if only published definitions count."""
    if key_name in BUILT_IN_KEYS:
        return True
    registered = directory.registered_keys.get(key_name)
    if registered is not None:
        return bool(vars(registered).get("is_published"))
    keys = (embedded_key(one) for one in directory.attribute_groups.values() if computes(one))
    return any(
        key.name == key_name and key.resolved_property is not None
        for key in keys
        if key is not None
    )
