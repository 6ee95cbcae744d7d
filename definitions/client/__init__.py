"""The client of the HTTP API, for applications: definitions, attributes, interventions."""

from definitions.client.errors import SignalsError
from definitions.client.instances import (
    AttributeKeyIdentifiers,
    InterventionInstance,
    TargetAttributeKey,
)
from definitions.client.signals import Signals
from definitions.client.subscription import InterventionsSubscription

__all__ = [
    "AttributeKeyIdentifiers",
    "InterventionInstance",
    "InterventionsSubscription",
    "Signals",
    "SignalsError",
    "TargetAttributeKey",
]
