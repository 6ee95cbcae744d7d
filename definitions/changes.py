"""What may not change once it is published."""

import json
from collections.abc import Iterable
from typing import Any, Final

from definitions.attribute_groups import AttributeGroup
from definitions.attribute_keys import AttributeKey
from definitions.catalog import Catalog
from definitions.directory import embedded_key
from definitions.interventions import RuleIntervention
from definitions.objects import Definition, place_of, record_key
from definitions.problems import Problem, ProblemCode, ProblemList

_NO_CONTENT: Final = frozenset({"is_published", "online", "description", "owner"})


def refusals(old: Catalog, new_objects: Iterable[Definition]) -> list[Problem]:
    """Why these definitions may not replace the old ones.

    A published version of a group or of an intervention keeps its content (not its description,
    owner, `is_published` and `online`); the hint names the next free version. The property of a
    key that a group uses must stay. Services may change freely. Unchanged definitions are never
    refused.
    """
    objects = list(new_objects)
    new = old.with_objects(objects)
    found: list[Problem] = []
    for definition in objects:
        match definition:
            case AttributeKey():
                found += _refused_key(old, definition)
            case AttributeGroup():
                found += _refused_group(old, new, definition)
            case RuleIntervention():
                found += _refused_rule(old, new, definition)
    return found


def _refused_key(old: Catalog, key: AttributeKey) -> list[Problem]:
    users = [
        place_of(group)
        for group in old.attribute_groups.values()
        if (embedded := embedded_key(group)) and embedded.name == key.name
    ]
    before = old.property_of(key.name)
    if not users or before is None or before == key.resolved_property:
        return []
    found = ProblemList(record_key(key))
    found.add(
        ProblemCode.KEY_IN_USE,
        f"{place_of(key)} / property",
        f"the property of a key in use cannot change; used by {', '.join(sorted(users))}",
        hint="define a key of another name, and a new version of the groups with it",
        value=key.resolved_property,
    )
    return found.items


def _refused_group(old: Catalog, new: Catalog, group: AttributeGroup) -> list[Problem]:
    before = old.attribute_groups.get((group.name, group.version))
    if before is None or not before.is_published:
        return []
    was, now = _group_content(before, old), _group_content(group, new)
    return _refused_content(group, was, now, new.attribute_groups)


def _refused_rule(old: Catalog, new: Catalog, rule: RuleIntervention) -> list[Problem]:
    before = old.interventions.get((rule.name, rule.version))
    if before is None or not before.is_published:
        return []
    was, now = _content(before.registry_json()), _content(rule.registry_json())
    return _refused_content(rule, was, now, new.interventions)


def _refused_content(
    definition: AttributeGroup | RuleIntervention,
    was: dict[str, Any],  # JSON values
    now: dict[str, Any],  # JSON values
    identities: Iterable[tuple[str, int]],
) -> list[Problem]:
    parts = [part for part in {**was, **now} if _text(was.get(part)) != _text(now.get(part))]
    if not parts:
        return []
    free = 1 + max(version for name, version in identities if name == definition.name)
    found = ProblemList(record_key(definition))
    found.add(
        ProblemCode.PUBLISHED_CONTENT,
        place_of(definition),
        f"a published version cannot change; different are {', '.join(parts)}",
        hint=f"publish it as version {free}",
    )
    return found.items


def _group_content(group: AttributeGroup, catalog: Catalog) -> dict[str, Any]:  # JSON values
    content: dict[str, Any] = _content(group.registry_json())
    key = catalog.key_of(group)
    source = key.resolved_property if key else None
    content["attribute_key"] = {
        "name": group.attribute_key.name,
        "property": source.registry_json() if source else None,
        "ttl": content["attribute_key"].get("ttl"),
    }
    for items, one in (("attributes", "attribute"), ("fields", "field")):
        for item in content.pop(items, []):
            content[f"{one} {item['name']}"] = item
    return content


def _content(value: Any) -> Any:  # JSON values
    if isinstance(value, dict):
        return {key: _content(item) for key, item in value.items() if key not in _NO_CONTENT}
    return [_content(item) for item in value] if isinstance(value, list) else value


def _text(value: Any) -> str:  # JSON values; text, because 1, 1.0 and true are equal in Python
    return json.dumps(value, sort_keys=True)
