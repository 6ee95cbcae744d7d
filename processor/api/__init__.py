"""The HTTP API of one worker: health, metrics, and the attributes of profiles."""

from processor.api.application import create_api
from processor.api.backend import Backend, Readiness
from processor.api.server import Server, serve

__all__ = ["Backend", "Readiness", "Server", "create_api", "serve"]
