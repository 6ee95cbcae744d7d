"""The collector as a separate application, for `processor collect`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NoReturn

from fastapi import FastAPI, HTTPException, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from processor import __version__
from processor.api.collector import EventSink, collector_router
from processor.api.http.client_addresses import ClientAddresses
from processor.api.http.failures import answer_failures
from processor.api.http.measured import MeasuredRequests
from processor.api.http.request_size import LimitedRequests
from processor.api.http.side_thread import SideThread
from processor.metrics import REGISTRY
from processor.settings import Settings

_NOT_FOUND: Final = 404
_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_ELSEWHERE: Final = (
    "nothing exists at this path - trackers send to GET /i and POST "
    "/com.snowplowanalytics.snowplow/tp2, or POST /two/parts of your own"
)


def create_collector(sink: EventSink, settings: Settings | None = None) -> FastAPI:
    """Return the collector with health and metrics; without settings, the defaults apply."""
    beside = SideThread()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        beside.close()

    collector = FastAPI(
        title="processor collect", version=__version__, lifespan=lifespan, openapi_url=None
    )

    @collector.get("/health/live", summary="The process answers")
    @collector.get(
        "/health/ready", summary="The process listens; only a request shows whether Kafka does"
    )
    async def healthy() -> dict[str, str]:
        return {"status": "ready"}

    @collector.get("/metrics", summary="Metrics in the Prometheus text format")
    async def metrics() -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    addresses = ClientAddresses(settings or Settings.model_construct())
    collector.include_router(collector_router(sink, addresses, beside))

    @collector.api_route("/{path:path}", methods=_METHODS, response_model=None)
    async def elsewhere() -> NoReturn:
        raise HTTPException(_NOT_FOUND, _ELSEWHERE)

    answer_failures(collector)
    collector.add_middleware(LimitedRequests)
    collector.add_middleware(MeasuredRequests)
    return collector
