"""The collector as an application of its own, for `processor collect`."""

from typing import Final, NoReturn

from fastapi import FastAPI, HTTPException, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from processor import __version__
from processor.api.collector import EventSink, collector_router
from processor.api.failures import answer_failures
from processor.api.measured import MeasuredRequests
from processor.api.request_size import LimitedRequests
from processor.metrics import REGISTRY

_NOT_FOUND: Final = 404
_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_ELSEWHERE: Final = (
    "nothing is at this path - trackers send to GET /i and POST "
    "/com.snowplowanalytics.snowplow/tp2, or POST /two/parts of your own"
)


def create_collector(sink: EventSink) -> FastAPI:
    """Return the collector, with its health and its metrics."""
    collector = FastAPI(title="processor collect", version=__version__, openapi_url=None)

    @collector.get("/health/live", summary="The process answers")
    @collector.get("/health/ready", summary="The process listens; a request tells if Kafka does")
    async def healthy() -> dict[str, str]:
        return {"status": "ready"}

    @collector.get("/metrics", summary="Metrics in Prometheus' text format")
    async def metrics() -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    collector.include_router(collector_router(sink))

    @collector.api_route("/{path:path}", methods=_METHODS, response_model=None)
    async def elsewhere() -> NoReturn:
        raise HTTPException(_NOT_FOUND, _ELSEWHERE)

    answer_failures(collector)
    collector.add_middleware(LimitedRequests)
    collector.add_middleware(MeasuredRequests)
    return collector
