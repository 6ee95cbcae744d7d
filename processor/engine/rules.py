"""Published rules compiled over the attributes that they name."""

from collections.abc import Mapping

from definitions import InterventionCriterion, RuleIntervention
from processor.engine.attribute import CompiledAttribute, milliseconds
from processor.engine.names import state_id
from processor.errors import DefinitionError
from processor.interventions import (
    CHANGED,
    CompiledRule,
    FiringLimit,
    Leaf,
    compile_tree,
    criterions,
)

Groups = Mapping[tuple[str, int], list[CompiledAttribute]]


def compile_rules(
    rules: Mapping[tuple[str, int], RuleIntervention], groups: Groups
) -> tuple[CompiledRule, ...]:
    """Return the rules in the order of name and version.

    `group:attribute` means the latest version of the group that computes the attribute.

    Raises:
        DefinitionError: an attribute that no group has, or attributes of several keys.
    """
    return tuple(_compile_rule(rules[identity], groups) for identity in sorted(rules))


def _compile_rule(rule: RuleIntervention, groups: Groups) -> CompiledRule:
    read: dict[str, CompiledAttribute] = {}

    def leaf_of(criterion: InterventionCriterion) -> Leaf:
        reference = criterion.attribute
        attribute = read.get(reference)
        if attribute is None:
            attribute = read[reference] = _resolve(rule, reference, groups)
        position = list(read).index(reference)
        return Leaf(reference, attribute.version, criterion.operator, criterion.value, position)

    tree = compile_tree(rule.criteria, leaf_of)
    payload = _payload(rule, read, groups)
    series_ids = {one.series_id for one in read.values() if one.series_id is not None}
    told_ids = {one.series_id for one in payload.values() if one.series_id is not None}
    changing = [one.attribute for one in criterions(rule.criteria) if one.operator == CHANGED]
    return CompiledRule(
        name=rule.name,
        version=rule.version,
        target_key=_target(rule, [*read.values(), *payload.values()]),
        series_ids=tuple(series_ids),
        told_ids=tuple(told_ids - series_ids),
        timeless=all(one.timeless for one in (*read.values(), *payload.values())),
        readers=tuple(attribute.read for attribute in read.values()),
        reads=tuple(attribute.series_id for attribute in read.values()),
        tree=tree,
        changes=tuple({list(read).index(reference) for reference in changing}),
        payload=tuple((label, attribute.read) for label, attribute in payload.items()),
        limit=_limit(rule),
    )


def _limit(rule: RuleIntervention) -> FiringLimit | None:
    if rule.cooldown is None and rule.max_fires is None:
        return None
    cooldown_ms = 0 if rule.cooldown is None else milliseconds(rule.cooldown)
    return FiringLimit(state_id("rule", rule.name, rule.version), cooldown_ms, rule.max_fires)


def _resolve(rule: RuleIntervention, reference: str, groups: Groups) -> CompiledAttribute:
    group, _, name = reference.partition(":")
    for identity in sorted(groups, reverse=True):
        if identity[0] == group:
            for attribute in groups[identity]:
                if attribute.name == name and attribute.series_id is not None:
                    return attribute
    message = f"no live attribute {reference!r}"
    raise DefinitionError(message, detail=_place(rule))


def _payload(
    rule: RuleIntervention, read: Mapping[str, CompiledAttribute], groups: Groups
) -> dict[str, CompiledAttribute]:
    """Return the attributes of the message by their label; of equal labels the later version's."""
    if rule.payload_attribute_groups:
        named = {(link.name, link.version) for link in rule.payload_attribute_groups}
    else:
        named = {(attribute.group, attribute.version) for attribute in read.values()}
    payload: dict[str, CompiledAttribute] = {}
    for identity in sorted(named):
        if identity not in groups:
            message = f"no live attribute group {identity[0]!r} in version {identity[1]}"
            raise DefinitionError(message, detail=_place(rule))
        payload |= {f"{one.group}:{one.name}": one for one in groups[identity]}
    return payload


def _target(rule: RuleIntervention, attributes: list[CompiledAttribute]) -> str:
    targets = {attribute.key for attribute in attributes}
    targets |= {link.name for link in rule.target_attribute_keys or ()}
    if len(targets) > 1:
        message = f"a rule over several attribute keys is not computed: {sorted(targets)}"
        raise DefinitionError(message, detail=_place(rule))
    return next(iter(targets), "")


def _place(rule: RuleIntervention) -> str:
    return f"intervention {rule.name!r} version {rule.version}"
