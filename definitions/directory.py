"""A set of definitions, and which of them name which others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from definitions.attribute_groups import AttributeGroup
from definitions.attribute_keys import BUILT_IN_KEYS, AttributeKey
from definitions.event_logs import EventLog
from definitions.interventions import RuleIntervention
from definitions.objects import Definition, record_key
from definitions.properties import LeafProperty
from definitions.services import Service


@dataclass(frozen=True)
class Directory:
    """Definitions by name; groups and interventions by name and version."""

    registered_keys: Mapping[str, AttributeKey] = field(default_factory=dict)
    attribute_groups: Mapping[tuple[str, int], AttributeGroup] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    interventions: Mapping[tuple[str, int], RuleIntervention] = field(default_factory=dict)
    event_logs: Mapping[str, EventLog] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Definition]:
        """Every definition: keys, groups, services, interventions, event logs; each by name."""
        for objects in (
            self.registered_keys,
            self.attribute_groups,
            self.services,
            self.interventions,
            self.event_logs,
        ):
            yield from (objects[name] for name in sorted(objects))  # type: ignore[index]  # mypy joins the key types

    @cached_property
    def by_record(self) -> Mapping[str, Definition]:
        """Every definition by its record key, in the same order."""
        return {record_key(definition): definition for definition in self}

    @cached_property
    def attribute_keys(self) -> Mapping[str, AttributeKey]:
        """Every known key: built-in keys, keys inside groups, registered keys.

        If a name has several keys, the later kind in this list is used; of two groups, the first.
        """
        embedded: dict[str, AttributeKey] = {}
        for group in _in_order(self.attribute_groups):
            key = embedded_key(group)
            if key is not None and key.resolved_property is not None:
                embedded.setdefault(key.name, key)
        return {**BUILT_IN_KEYS, **embedded, **self.registered_keys}

    def key_of(self, group: AttributeGroup) -> AttributeKey | None:
        """The group's key with its property and time to live; None if nothing defines it.

        A key without a property is a link to the registered key, or to the key of another group.
        """
        embedded = embedded_key(group)
        if embedded is None:
            return None
        known = self.attribute_keys.get(embedded.name)
        source = embedded if embedded.resolved_property is not None else known
        if source is None or (source.resolved_property is None and not group.offline):
            return None
        registered = self.registered_keys.get(embedded.name)
        found = (vars(key).get("ttl") for key in (embedded, registered, source) if key is not None)
        ttl = next(filter(None, found), None)
        return source if vars(source).get("ttl") == ttl else source.model_copy(update={"ttl": ttl})

    def property_of(self, name: str) -> LeafProperty | None:
        """The property of a key: the built-in one first, then the registered, then a group's."""
        key = BUILT_IN_KEYS.get(name) or self.attribute_keys.get(name)
        return key.resolved_property if key else None

    def versions_of(self, name: str) -> Sequence[AttributeGroup]:
        """Every version of a group, the latest first."""
        return self._versions.get(name, [])

    @cached_property
    def _versions(self) -> Mapping[str, list[AttributeGroup]]:
        versions: dict[str, list[AttributeGroup]] = {}
        for identity in sorted(self.attribute_groups, reverse=True):
            versions.setdefault(identity[0], []).append(self.attribute_groups[identity])
        return versions

    def group_with(self, name: str, attribute: str) -> AttributeGroup | None:
        """The latest version of a group that has an attribute and computes it from events."""
        stream = (group for group in self.versions_of(name) if not group.offline)
        with_it = (group for group in stream if attribute in attribute_names(group))
        return next(with_it, None)


def embedded_key(group: AttributeGroup) -> AttributeKey | None:
    """The key inside the group; None if an object built unchecked has none."""
    key = vars(group).get("attribute_key")
    return key if isinstance(key, AttributeKey) else None


def attribute_names(group: AttributeGroup) -> list[str]:
    """The names of the attributes and of the warehouse columns of a group, in order."""
    items = (*(vars(group).get("attributes") or ()), *(vars(group).get("fields") or ()))
    return [item.name for item in items if "name" in vars(item)]


def computes(group: AttributeGroup) -> bool:
    """Whether a group is live: published, and not taken offline with `online=False`."""
    return bool(vars(group).get("is_published") and vars(group).get("online"))


def _in_order(groups: Mapping[tuple[str, int], AttributeGroup]) -> list[AttributeGroup]:
    return [groups[identity] for identity in sorted(groups)]
