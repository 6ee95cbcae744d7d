"""Converts the Snowplow tracker protocol to enriched events: lines of 131 columns."""

from processor.collector.addresses import Address, take_apart
from processor.collector.arrival import Arrival
from processor.collector.bodies import decompressed
from processor.collector.enriched import enriched_event
from processor.collector.parameters import PARAMETERS, UNSET_COLUMNS
from processor.collector.requests import (
    Collected,
    CollectedEvent,
    RefusedEvent,
    collect_body,
    collect_query,
    refused_request,
)

__all__ = [
    "PARAMETERS",
    "UNSET_COLUMNS",
    "Address",
    "Arrival",
    "Collected",
    "CollectedEvent",
    "RefusedEvent",
    "collect_body",
    "collect_query",
    "decompressed",
    "enriched_event",
    "refused_request",
    "take_apart",
]
