"""The kinds of definitions that are published on their own, and their names."""

from collections.abc import Iterable, Mapping
from typing import Any

from definitions.attribute_groups import (
    AttributeGroup,
    BatchAttributeGroup,
    ExternalBatchAttributeGroup,
    StreamAttributeGroup,
)
from definitions.attribute_keys import AttributeKey
from definitions.event_logs import EventLog
from definitions.interventions import RuleIntervention
from definitions.problems import shown_name
from definitions.services import Service

Definition = AttributeKey | AttributeGroup | Service | RuleIntervention | EventLog

_CLASSES: Mapping[str, type[Definition]] = {
    "attribute_key": AttributeKey,
    "service": Service,
    "intervention": RuleIntervention,
    "event_log": EventLog,
}


def kind_of(definition: Definition) -> str:
    """The first part of the record key: attribute_key, attribute_group, service, and so on."""
    match definition:
        case AttributeKey():
            return "attribute_key"
        case AttributeGroup():
            return "attribute_group"
        case Service():
            return "service"
        case RuleIntervention():
            return "intervention"
        case EventLog():
            return "event_log"


def name_of(definition: Definition) -> str:
    """The name as text, even of an object that was built unchecked; "?" if it has none."""
    name = getattr(definition, "name", "")
    return name if isinstance(name, str) and name else "?"


def version_of(definition: Definition) -> int:
    """The version of a group or intervention; 0 if an object built unchecked has none."""
    version = getattr(definition, "version", 0)
    return version if isinstance(version, int) else 0


def record_key(definition: Definition) -> str:
    """The key of the definition's record in the definitions topic."""
    key = f"{kind_of(definition)}/{name_of(definition)}"
    return f"{key}/{version_of(definition)}" if _versioned(definition) else key


def place_of(definition: Definition) -> str:
    """The definition in words that a person uses, the first part of a problem's place."""
    place = f"{kind_of(definition)} {shown_name(name_of(definition))}"
    return f"{place} v{version_of(definition)}" if _versioned(definition) else place


def class_for(kind: str, raw: Mapping[str, Any]) -> type[Definition]:  # JSON values
    """The class that reads a registry object of a kind; raises KeyError for an unknown kind."""
    if kind == "attribute_group":
        if not raw.get("offline"):
            return StreamAttributeGroup
        return ExternalBatchAttributeGroup if raw.get("fields") else BatchAttributeGroup
    return _CLASSES[kind]


def kind_for(raw: Mapping[str, Any]) -> str:  # JSON values
    """The kind of definition of a registry object, by the fields that only one kind has."""
    if "max_events" in raw:
        return "event_log"
    if _any_of(raw, ("attribute_key", "attributes", "fields")):
        return "attribute_group"
    if "attribute_groups" in raw:
        return "service"
    return "intervention" if "criteria" in raw else "attribute_key"


def _any_of(raw: Mapping[str, Any], fields: Iterable[str]) -> bool:  # JSON values
    return any(field in raw for field in fields)


def _versioned(definition: Definition) -> bool:
    return isinstance(definition, AttributeGroup | RuleIntervention)


def to_record(definition: Definition) -> bytes:
    """The value of the definition's record: the registry JSON in UTF-8."""
    return definition.model_dump_json(by_alias=True, exclude_none=True).encode()
