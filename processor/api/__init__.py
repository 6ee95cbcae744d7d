"""The HTTP API of one worker: health, metrics, attributes, and the collector."""

from processor.api.application import create_api
from processor.api.backend import Backend, Readiness
from processor.api.collector import EventSink
from processor.api.collector_application import create_collector
from processor.api.server import Server, serve
from processor.api.subscriptions import Subscriptions

__all__ = [
    "Backend",
    "EventSink",
    "Readiness",
    "Server",
    "Subscriptions",
    "create_api",
    "create_collector",
    "serve",
]
