"""Published rules compiled over the attributes that they name.

A rule whose criteria, message and targets all have the same attribute key is local: one profile
decides about it. Every other rule is joint.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from definitions import InterventionCriterion, RuleIntervention
from processor.engine.attribute import CompiledAttribute, milliseconds
from processor.engine.names import state_id
from processor.errors import DefinitionError
from processor.interventions import (
    FiringLimit,
    JointRule,
    JointSide,
    Leaf,
    LocalRule,
    MustChange,
    Told,
    Tree,
    compile_changes,
    compile_tree,
)

Groups = Mapping[tuple[str, int], list[CompiledAttribute]]
Rules = tuple[tuple[LocalRule, ...], tuple[JointRule, ...]]


class _Parts(NamedTuple):
    """The parts of a rule: `read` is by reference, in the order of the tree's positions."""

    rule: RuleIntervention
    tree: Tree
    read: dict[str, CompiledAttribute]
    payload: dict[str, CompiledAttribute]
    changes: tuple[MustChange, ...]
    targets: tuple[str, ...]

    @property
    def attributes(self) -> list[CompiledAttribute]:
        """All attributes that the rule reads or puts into its message."""
        return [*self.read.values(), *self.payload.values()]


def compile_rules(rules: Mapping[tuple[str, int], RuleIntervention], groups: Groups) -> Rules:
    """Return the local rules and the joint rules, each in the order of name and version.

    `group:attribute` means the latest version of the group that computes the attribute.

    Raises:
        DefinitionError: no group has an attribute that a rule names.
    """
    local: list[LocalRule] = []
    joint: list[JointRule] = []
    for identity in sorted(rules):
        parts = _parts(rules[identity], groups)
        keys = {attribute.key for attribute in parts.attributes} | set(parts.targets)
        if len(keys) > 1:
            joint.append(_joint_rule(parts))
        else:
            local.append(_local_rule(parts))
    return tuple(local), tuple(joint)


def _parts(rule: RuleIntervention, groups: Groups) -> _Parts:
    read: dict[str, CompiledAttribute] = {}

    def leaf_of(criterion: InterventionCriterion) -> Leaf:
        reference = criterion.attribute
        attribute = read.get(reference)
        if attribute is None:
            attribute = read[reference] = _resolve(rule, reference, groups)
        position = list(read).index(reference)
        return Leaf(reference, attribute.version, criterion.operator, criterion.value, position)

    tree = compile_tree(rule.criteria, leaf_of)
    targets = {link.name for link in rule.target_attribute_keys or ()}
    return _Parts(
        rule,
        tree,
        read,
        _payload(rule, read, groups),
        compile_changes(rule.criteria, list(read).index),
        tuple(sorted(targets or {attribute.key for attribute in read.values()})),
    )


def _local_rule(parts: _Parts) -> LocalRule:
    rule, read, payload = parts.rule, parts.read, parts.payload
    series_ids, told_ids = _series(read.values()), _series(payload.values())
    return LocalRule(
        name=rule.name,
        version=rule.version,
        target_key=next(iter(parts.targets), ""),
        series_ids=tuple(series_ids),
        told_ids=tuple(told_ids - series_ids),
        timeless=all(one.timeless for one in parts.attributes),
        readers=tuple(attribute.read for attribute in read.values()),
        reads=tuple(attribute.series_id for attribute in read.values()),
        tree=parts.tree,
        changes=parts.changes,
        payload=tuple((label, attribute.read) for label, attribute in payload.items()),
        limit=_limit(rule),
    )


def _joint_rule(parts: _Parts) -> JointRule:
    rule, read, payload = parts.rule, parts.read, parts.payload
    keys = sorted({attribute.key for attribute in parts.attributes})
    told = {key: [label for label, one in payload.items() if one.key == key] for key in keys}
    shape = [[label, one.key, one.full_name] for label, one in (*read.items(), *payload.items())]
    return JointRule(
        rule_id=state_id("joint rule", rule.name, rule.version, len(read), shape),
        name=rule.name,
        version=rule.version,
        targets=parts.targets,
        sides={key: _side(key, parts) for key in keys},
        tree=parts.tree,
        changes=parts.changes,
        unknown=tuple(attribute.default for attribute in read.values()),
        payload=tuple(
            Told(label, one.key, told[one.key].index(label), one.default)
            for label, one in payload.items()
        ),
        told_ids=tuple(_series(payload.values()) - _series(read.values())),
        limit=_limit(rule),
    )


def _side(key: str, parts: _Parts) -> JointSide:
    read = [(at, one) for at, one in enumerate(parts.read.values()) if one.key == key]
    told = [one for one in parts.payload.values() if one.key == key]
    return JointSide(
        series_ids=tuple(_series(one for _, one in read)),
        timeless=all(one.timeless for one in (*(one for _, one in read), *told)),
        positions=tuple(at for at, _ in read),
        readers=tuple(one.read for _, one in read),
        told=tuple(one.read for one in told),
    )


def _series(attributes: Iterable[CompiledAttribute]) -> set[int]:
    return {one.series_id for one in attributes if one.series_id is not None}


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
    """Return the message's attributes by label; if labels are equal, the later version's."""
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


def _place(rule: RuleIntervention) -> str:
    return f"intervention {rule.name!r} version {rule.version}"
