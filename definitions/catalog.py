"""A set of definitions, checked as a whole."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from definitions.attribute_groups import AttributeGroup
from definitions.attribute_keys import AttributeKey
from definitions.attribute_types import ValueDomain
from definitions.checks import check_form, check_meaning, check_names, never_met
from definitions.directory import Directory, computes
from definitions.event_logs import EventLog
from definitions.interventions import RuleIntervention, criterions
from definitions.objects import Definition, name_of, record_key, version_of
from definitions.problems import Problem
from definitions.services import Service

__all__ = ["Catalog", "Problem"]


@dataclass(frozen=True)
class Catalog(Directory):
    """Definitions by name, each of which may be wrong: `problems` has everything that is wrong.

    Attribute keys are known if they are built in, registered on their own, or contained in a group.
    """

    @classmethod
    def empty(cls) -> Self:
        """No definitions; the built-in attribute keys are known."""
        return cls()

    def with_objects(self, objects: Iterable[Definition]) -> Self:
        """The catalog with these definitions, which replace those of the same name and version."""
        keys: dict[str, AttributeKey] = dict(self.registered_keys)
        groups: dict[tuple[str, int], AttributeGroup] = dict(self.attribute_groups)
        services: dict[str, Service] = dict(self.services)
        interventions: dict[tuple[str, int], RuleIntervention] = dict(self.interventions)
        event_logs: dict[str, EventLog] = dict(self.event_logs)
        for definition in objects:
            name = name_of(definition)
            match definition:
                case AttributeKey():
                    keys[name] = definition
                case AttributeGroup():
                    groups[name, version_of(definition)] = definition
                case Service():
                    services[name] = definition
                case RuleIntervention():
                    interventions[name, version_of(definition)] = definition
                case EventLog():
                    event_logs[name] = definition
        return type(self)(keys, groups, services, interventions, event_logs)

    def without(self, key: str) -> Self:
        """The catalog without the definition of a record key; unchanged if it has none."""
        kept = [definition for definition in self if record_key(definition) != key]
        return type(self)().with_objects(kept)

    def published(self) -> Self:
        """The live definitions: published definitions whose dependencies are all live.

        A group is live if it is published and online, and if its key, when registered on its own,
        is published. Its attribute key is then complete, with property and ttl. Services and
        interventions are live if they are published and all groups that they name are live.
        """
        groups = {
            identity: group.model_copy(update={"attribute_key": key})
            for identity, group in self.attribute_groups.items()
            if computes(group) and (key := self.key_of(group)) and self._key_is_live(key.name)
        }
        keys = {name: key for name, key in self.registered_keys.items() if key.is_published}
        live = replace(self, registered_keys=keys, attribute_groups=groups)
        services = {
            name: service
            for name, service in self.services.items()
            if service.is_published
            and all((link.name, link.version) in groups for link in service.attribute_groups)
        }
        interventions = {
            identity: rule
            for identity, rule in self.interventions.items()
            if rule.is_published and _serves(live, rule)
        }
        event_logs = {name: one for name, one in self.event_logs.items() if one.is_published}
        return replace(live, services=services, interventions=interventions, event_logs=event_logs)

    def problems(self) -> list[Problem]:
        """Everything that is wrong, all at once; the problems of one definition are together.

        `Problem.record` identifies the definition. For example, unpublishing a group leaves
        problems with the services that name it, which are then not live.
        """
        readings = [check_form(definition) for definition in self]
        directory = type(self)().with_objects(reading.value for reading in readings)
        found: list[Problem] = []
        for reading in readings:
            found += reading.problems
            found += check_meaning(reading.value)
            found += check_names(reading.value, directory)
        return found

    def never_met(
        self, records: Collection[str], columns: Mapping[str, ValueDomain]
    ) -> list[Problem]:
        """The criteria of some definitions, all of them right, that no value meets: warnings."""
        mine = [one for record, one in self.by_record.items() if record in records]
        return [problem for one in mine for problem in never_met(one, self, columns)]

    def _key_is_live(self, name: str) -> bool:
        registered = self.registered_keys.get(name)
        return registered is None or registered.is_published


def _serves(live: Directory, rule: RuleIntervention) -> bool:
    references = (leaf.attribute.partition(":") for leaf in criterions(rule.criteria))
    links = ((link.name, link.version) for link in rule.payload_attribute_groups or ())
    targets = (link.name for link in rule.target_attribute_keys or ())
    return (
        all(live.group_with(group, attribute) for group, _, attribute in references)
        and all(link in live.attribute_groups for link in links)
        and all(name in live.attribute_keys for name in targets)
    )
