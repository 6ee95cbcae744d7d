"""The ASGI application, put together in visible order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from processor import __version__
from processor.api.attributes import attributes_router
from processor.api.backend import Backend
from processor.api.collector import EventSink, collector_router
from processor.api.console import console_router
from processor.api.cors import SharedSubscriptions
from processor.api.event_logs import event_logs_router
from processor.api.failures import answer_failures
from processor.api.forwarding import Forwarder
from processor.api.health import health_router
from processor.api.interventions import interventions_router
from processor.api.measured import MeasuredRequests
from processor.api.openapi import describe
from processor.api.profiles import profiles_router
from processor.api.reads import ProfileReader
from processor.api.registry import definitions_router, registry_router
from processor.api.request_size import LimitedRequests
from processor.api.subscribe_tokens import SubscribeTokens
from processor.api.testing import testing_router
from processor.api.tokens import Tokens
from processor.api.what_if_runs import WhatIfRuns
from processor.settings import Settings


def create_api(backend: Backend, settings: Settings, collected: EventSink | None = None) -> FastAPI:
    """Return the API over a worker, with the collector where there is a sink for its events.

    Raises:
        UsageError: PROCESSOR_API_TOKENS is not what it must be.
    """
    tokens = Tokens(settings)
    forwarder = Forwarder(settings)
    what_if_runs = WhatIfRuns(backend, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        beating = asyncio.create_task(backend.subscriptions.beat_forever())
        yield
        beating.cancel()
        what_if_runs.close()
        await forwarder.close()

    # A redirect for a slash too many or too few would reach clients that follow none.
    api = FastAPI(
        title="processor", version=__version__, lifespan=lifespan, redoc_url=None,
        redirect_slashes=False,
    )  # fmt: skip
    reader = ProfileReader(backend, forwarder)
    api.include_router(health_router(backend, settings))
    api.include_router(attributes_router(backend, reader, tokens))
    api.include_router(profiles_router(backend, reader, tokens))
    api.include_router(registry_router(backend, forwarder, tokens))
    api.include_router(definitions_router(backend, tokens))
    api.include_router(event_logs_router(tokens))
    api.include_router(testing_router(backend, what_if_runs, tokens))
    api.include_router(console_router(tokens))
    subscribe_tokens = SubscribeTokens(settings, tokens)
    api.include_router(interventions_router(backend, forwarder, tokens, subscribe_tokens))
    if collected is not None:
        api.include_router(collector_router(collected))
    answer_failures(api)
    describe(api)
    api.add_middleware(LimitedRequests)
    api.add_middleware(SharedSubscriptions, origins=settings.cors_origins)
    api.add_middleware(MeasuredRequests)
    return api
