"""The kinds of objects in the registry, with their paths and the JSON that clients read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter

from definitions.attribute_groups import (
    AttributeGroup,
    BatchAttributeGroup,
    ExternalBatchAttributeGroup,
    StreamAttributeGroup,
)
from definitions.attribute_keys import AttributeKey
from definitions.catalog import Catalog
from definitions.event_logs import EventLog
from definitions.interventions import RuleIntervention
from definitions.objects import Definition, kind_of
from definitions.services import Service

Json = dict[str, Any]  # JSON values


@dataclass(frozen=True, slots=True)
class Kind:
    """Objects of one kind: their part of the record key, their path, their model."""

    name: str
    path: str
    model: TypeAdapter[Any]
    versioned: bool = False

    @property
    def title(self) -> str:
        """The kind in words."""
        return self.name.replace("_", " ")

    def record(self, name: str, version: int | None = None) -> str:
        """Return the record key of an object."""
        key = f"{self.name}/{name}"
        return key if version is None else f"{key}/{version}"

    def objects(self, catalog: Catalog) -> Sequence[Definition]:
        """Return all objects of this kind, in the order of names and versions."""
        if self.name == "attribute_key":
            keys = catalog.attribute_keys
            return [keys[name] for name in sorted(keys)]
        return [one for one in catalog if kind_of(one) == self.name]

    def find(self, catalog: Catalog, name: str, version: int | None = None) -> Definition | None:
        """Return an object; for a versioned kind without a version, the latest."""
        found = [
            one
            for one in self.objects(catalog)
            if one.name == name and version in {None, getattr(one, "version", None)}
        ]
        return found[-1] if found else None


ATTRIBUTE_KEYS: Final = Kind("attribute_key", "attribute_keys", TypeAdapter(AttributeKey))
KINDS: Final[Sequence[Kind]] = (
    ATTRIBUTE_KEYS,
    Kind(
        "attribute_group",
        "attribute_groups",
        TypeAdapter(StreamAttributeGroup | BatchAttributeGroup | ExternalBatchAttributeGroup),
        versioned=True,
    ),
    Kind("service", "services", TypeAdapter(Service)),
    Kind("intervention", "interventions", TypeAdapter(RuleIntervention), versioned=True),
    Kind("event_log", "event_logs", TypeAdapter(EventLog)),
)


def shown(definition: Definition, catalog: Catalog) -> Json:
    """Return an object's registry JSON with the additional fields that clients need."""
    told = definition.registry_json()
    match definition:
        case AttributeKey():
            return _key(definition)
        case AttributeGroup():
            return {**told, **_group(definition, catalog)}
        case EventLog():
            return {**told, "has_published_version": definition.is_published}
    return told


def _key(key: AttributeKey) -> Json:
    where = key.resolved_property
    return {
        **key.registry_json(),
        **({"property": where.registry_json()} if where is not None else {}),
        "blobl_path": None,  # for the product's own engine; we have none
    }


def _group(group: AttributeGroup, catalog: Catalog) -> Mapping[str, Any]:  # JSON values
    embedded = group.attribute_key
    known = catalog.key_of(group) or embedded
    key = {**_key(known), **embedded.registry_json()}
    full_name = f"{group.name}_v{group.version}"
    own_ttl, key_ttl = group.registry_json().get("ttl"), known.registry_json().get("ttl")
    return {
        "attribute_key": key,
        "attribute_key_or_name": embedded.key or embedded.name,
        "attribute_group_or_attribute_key_ttl": own_ttl or key_ttl,
        "full_name": full_name,
        "feast_name": full_name,
        "stream_source_name": None,
    }
