"""The ASGI application, put together in visible order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from processor import __version__
from processor.api.backend import Backend
from processor.api.collector import EventSink, collector_router
from processor.api.health import health_router
from processor.api.http.client_addresses import ClientAddresses
from processor.api.http.cors import SharedSubscriptions
from processor.api.http.failures import answer_failures
from processor.api.http.forwarding import Forwarder
from processor.api.http.measured import MeasuredRequests
from processor.api.http.request_size import LimitedRequests
from processor.api.http.side_thread import SideThread
from processor.api.http.tokens import Tokens
from processor.api.interventions.interventions import interventions_router
from processor.api.openapi import describe
from processor.api.reads.attributes import attributes_router
from processor.api.reads.profiles import profiles_router
from processor.api.reads.reads import ProfileReader
from processor.api.registry.console import console_router
from processor.api.registry.event_logs import event_logs_router
from processor.api.registry.registry import definitions_router, registry_router
from processor.api.registry.testing import testing_router
from processor.api.registry.what_if_runs import WhatIfRuns
from processor.api.subscriptions.subscribe_tokens import SubscribeTokens
from processor.settings import Settings


def create_api(backend: Backend, settings: Settings, collected: EventSink | None = None) -> FastAPI:
    """Return the API of a worker, with the collector if there is a sink for its events.

    Raises:
        UsageError: PROCESSOR_API_TOKENS is invalid.
    """
    tokens = Tokens(settings)
    forwarder = Forwarder(settings, tokens.workers)
    what_if_runs = WhatIfRuns(backend, settings)
    beside = SideThread()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        beating = asyncio.create_task(backend.subscriptions.beat_forever())
        yield
        beating.cancel()
        what_if_runs.close()
        beside.close()
        await forwarder.close()

    # No redirect for a missing or extra slash: some clients do not follow redirects.
    api = FastAPI(
        title="processor", version=__version__, lifespan=lifespan, openapi_url=None,
        redirect_slashes=False,
    )  # fmt: skip
    reader = ProfileReader(backend, forwarder)
    api.include_router(health_router(backend, settings, tokens.hosts))
    api.include_router(attributes_router(backend, reader, tokens))
    api.include_router(profiles_router(backend, reader, tokens))
    api.include_router(registry_router(backend, forwarder, tokens, beside))
    api.include_router(definitions_router(backend, tokens))
    api.include_router(event_logs_router(tokens))
    api.include_router(testing_router(backend, what_if_runs, tokens, beside))
    api.include_router(console_router(tokens))
    subscribe_tokens = SubscribeTokens(settings, tokens)
    addresses = ClientAddresses(settings)
    api.include_router(
        interventions_router(backend, forwarder, tokens, subscribe_tokens, addresses)
    )
    if collected is not None:
        api.include_router(collector_router(collected, addresses, beside))
    answer_failures(api)
    describe(api, beside)
    api.add_middleware(LimitedRequests)
    api.add_middleware(
        SharedSubscriptions, origins=settings.cors_origins, credentials=settings.cors_credentials
    )
    api.add_middleware(MeasuredRequests)
    return api
