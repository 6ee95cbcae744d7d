"""What users write: groups, services and interventions, with the names of the official SDK.

It also has `Signals`, the client with which applications use them.
"""

from definitions.attribute_groups import (
    AttributeGroup,
    BatchAttributeGroup,
    BatchSource,
    ExternalBatchAttributeGroup,
    Field,
    StreamAttributeGroup,
    VersionedLinkAttributeGroup,
)
from definitions.attribute_keys import (
    AttributeKey,
    LinkAttributeKey,
    domain_sessionid,
    domain_userid,
    network_userid,
    session_attribute_key,
    user_attribute_key,
    user_id,
)
from definitions.attributes import Attribute
from definitions.client import (
    AttributeKeyIdentifiers,
    InterventionInstance,
    Signals,
    SignalsError,
    TargetAttributeKey,
)
from definitions.criteria import Criteria, Criterion
from definitions.event_logs import (
    EventLog,
    EventLogAtomicProperty,
    EventLogEntityProperty,
    EventLogEvent,
    EventLogEventProperty,
    EventSelection,
)
from definitions.events import Event, PagePing, PageView, StructuredEvent
from definitions.interventions import (
    InterventionCriteriaAll,
    InterventionCriteriaAny,
    InterventionCriteriaNone,
    InterventionCriterion,
    RuleIntervention,
)
from definitions.model import UnknownFieldWarning
from definitions.properties import (
    AtomicProperty,
    CalculatedProperty,
    EntityProperty,
    EventProperty,
)
from definitions.services import Service

__all__ = [
    "AtomicProperty",
    "Attribute",
    "AttributeGroup",
    "AttributeKey",
    "AttributeKeyIdentifiers",
    "BatchAttributeGroup",
    "BatchSource",
    "CalculatedProperty",
    "Criteria",
    "Criterion",
    "EntityProperty",
    "Event",
    "EventLog",
    "EventLogAtomicProperty",
    "EventLogEntityProperty",
    "EventLogEvent",
    "EventLogEventProperty",
    "EventProperty",
    "EventSelection",
    "ExternalBatchAttributeGroup",
    "Field",
    "InterventionCriteriaAll",
    "InterventionCriteriaAny",
    "InterventionCriteriaNone",
    "InterventionCriterion",
    "InterventionInstance",
    "LinkAttributeKey",
    "PagePing",
    "PageView",
    "RuleIntervention",
    "Service",
    "Signals",
    "SignalsError",
    "StreamAttributeGroup",
    "StructuredEvent",
    "TargetAttributeKey",
    "UnknownFieldWarning",
    "VersionedLinkAttributeGroup",
    "domain_sessionid",
    "domain_userid",
    "network_userid",
    "session_attribute_key",
    "user_attribute_key",
    "user_id",
]
