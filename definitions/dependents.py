"""Which definitions need which others, and what a change puts in or out of force."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from definitions.attribute_groups import AttributeGroup
from definitions.attribute_keys import BUILT_IN_KEYS
from definitions.catalog import Catalog
from definitions.directory import Directory, attribute_names, embedded_key
from definitions.event_logs import EventLog
from definitions.interventions import RuleIntervention, criterions
from definitions.objects import Definition, record_key
from definitions.services import Service


@dataclass(frozen=True, slots=True)
class Moved:
    """A rule in force that reads `group:attribute` from another version of the group."""

    record: str
    attribute: str
    version_before: int
    version_after: int


def needs(definition: Definition, directory: Directory) -> list[frozenset[str]]:
    """What a definition needs: at least one record key of each set must exist.

    A group needs its key if that is registered, or the groups that define its property. A service
    needs the group versions that it names. An intervention needs a version of the group for each
    attribute that it reads, the versions of its payload, and the keys that it targets. An event log
    needs its key if that is registered.
    """
    match definition:
        case AttributeGroup():
            found = _of_group(definition, directory)
        case Service():
            found = [_group(link.name, link.version) for link in definition.attribute_groups]
        case RuleIntervention():
            found = [*_of_rule(definition, directory)]
        case EventLog(attribute_key=key) if key.name in directory.registered_keys:
            found = [frozenset({f"attribute_key/{key.name}"})]
        case _:
            found = []
    return [need for need in found if need]


def dependents(directory: Directory, gone: Collection[str]) -> Mapping[str, list[Definition]]:
    """Remaining definitions that need what is removed, by its record key."""
    leaving = frozenset(gone)
    found: dict[str, list[Definition]] = {}
    for key, definition in directory.by_record.items():
        if key not in leaving:
            missed = [need for need in needs(definition, directory) if need <= leaving]
            for record in sorted(frozenset().union(*missed)):
                found.setdefault(record, []).append(definition)
    return found


def stopped(old: Catalog, new: Catalog) -> list[str]:
    """Record keys of what was in force and no longer is, in order."""
    left = new.published().by_record
    return [record for record in old.published().by_record if record not in left]


def moved(old: Catalog, new: Catalog) -> list[Moved]:
    """What rules that stay in force now read from another version of a group than before."""
    before, after = _read_versions(old.published()), _read_versions(new.published())
    return [
        Moved(record, attribute, version, after[record, attribute])
        for (record, attribute), version in before.items()
        if after.get((record, attribute), version) != version
    ]


def _of_group(group: AttributeGroup, directory: Directory) -> list[frozenset[str]]:
    key = embedded_key(group)
    if key is None:
        return []
    if key.name in directory.registered_keys:
        return [frozenset({f"attribute_key/{key.name}"})]
    if group.offline or key.name in BUILT_IN_KEYS or key.resolved_property is not None:
        return []
    return [_saying(key.name, directory)]


def _of_rule(rule: RuleIntervention, directory: Directory) -> Iterator[frozenset[str]]:
    for leaf in criterions(rule.criteria):
        name, _, attribute = leaf.attribute.partition(":")
        yield frozenset(
            record_key(group)
            for group in directory.versions_of(name)
            if attribute in attribute_names(group) and not group.offline
        )
    for link in rule.payload_attribute_groups or ():
        yield _group(link.name, link.version)
    for target in rule.target_attribute_keys or ():
        if target.name in directory.registered_keys:
            yield frozenset({f"attribute_key/{target.name}"})
        elif target.name not in BUILT_IN_KEYS:
            yield _saying(target.name, directory)


def _group(name: str, version: int) -> frozenset[str]:
    return frozenset({f"attribute_group/{name}/{version}"})


def _saying(key_name: str, directory: Directory) -> frozenset[str]:
    """The groups that define the property of a key."""
    return frozenset(
        record_key(group)
        for group in directory.attribute_groups.values()
        if (key := embedded_key(group))
        and key.name == key_name
        and key.resolved_property is not None
    )


def _read_versions(live: Directory) -> dict[tuple[str, str], int]:
    return {
        (record_key(rule), leaf.attribute): group.version
        for rule in live.interventions.values()
        for leaf in criterions(rule.criteria)
        if (group := live.group_with(*leaf.attribute.split(":")))
    }
