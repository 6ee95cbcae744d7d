"""The ASGI application of a source process: health, metrics, and the definitions that it uses.

It is for the profile process beside it, other workers and operators; applications do not need it.
"""

from typing import Protocol

from fastapi import FastAPI

from processor import __version__
from processor.api.backend import Process, Reach
from processor.api.health import health_router
from processor.api.http.failures import answer_failures
from processor.api.http.measured import MeasuredRequests
from processor.api.http.request_size import LimitedRequests
from processor.api.http.tokens import Tokens
from processor.api.registry.registry import definitions_router
from processor.settings import Settings


class SourceBackend(Process, Reach, Protocol):
    """A source process, as its API sees it."""


def create_source_api(backend: SourceBackend, settings: Settings) -> FastAPI:
    """Return the API of a source process.

    Raises:
        UsageError: PROCESSOR_API_TOKENS is invalid.
    """
    tokens = Tokens(settings)
    api = FastAPI(title="processor", version=__version__, openapi_url=None, redirect_slashes=False)
    api.include_router(health_router(backend, settings, tokens.hosts))
    api.include_router(definitions_router(backend, tokens))
    answer_failures(api)
    api.add_middleware(LimitedRequests)
    api.add_middleware(MeasuredRequests)
    return api
