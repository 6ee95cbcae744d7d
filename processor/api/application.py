"""The ASGI application, put together in visible order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from processor import __version__
from processor.api.attributes import attributes_router
from processor.api.backend import Backend
from processor.api.failures import answer_failures
from processor.api.forwarding import Forwarder
from processor.api.health import health_router
from processor.api.measured import MeasuredRequests
from processor.api.profiles import profiles_router
from processor.api.reads import ProfileReader
from processor.api.request_size import LimitedRequests
from processor.api.tokens import Tokens
from processor.settings import Settings


def create_api(backend: Backend, settings: Settings) -> FastAPI:
    """Return the API over a worker.

    Raises:
        UsageError: PROCESSOR_API_TOKENS is not what it must be.
    """
    tokens = Tokens(settings.api_tokens)
    forwarder = Forwarder(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await forwarder.close()

    api = FastAPI(title="processor", version=__version__, lifespan=lifespan, redoc_url=None)
    reader = ProfileReader(backend, forwarder)
    api.include_router(health_router(backend))
    api.include_router(attributes_router(backend, reader, tokens))
    api.include_router(profiles_router(backend, reader, tokens))
    answer_failures(api)
    api.add_middleware(LimitedRequests)
    api.add_middleware(MeasuredRequests)
    return api
