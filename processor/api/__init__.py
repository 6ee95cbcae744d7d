"""The HTTP API of one worker: attributes, the registry, interventions, health, the collector."""

from processor.api.application import create_api
from processor.api.backend import Backend, Degraded, Readiness
from processor.api.collector import EventSink
from processor.api.collector_application import create_collector
from processor.api.open_doors import check_access, tell_open_doors
from processor.api.server import Server, check_address, listen, serve
from processor.api.source_application import create_source_api
from processor.api.subscriptions.subscriptions import Subscriptions

__all__ = [
    "Backend",
    "Degraded",
    "EventSink",
    "Readiness",
    "Server",
    "Subscriptions",
    "check_access",
    "check_address",
    "create_api",
    "create_collector",
    "create_source_api",
    "listen",
    "serve",
    "tell_open_doors",
]
