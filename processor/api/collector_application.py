"""The collector as an application of its own, for `processor collect`."""

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from processor import __version__
from processor.api.collector import EventSink, collector_router
from processor.api.failures import answer_failures
from processor.api.measured import MeasuredRequests
from processor.api.request_size import LimitedRequests
from processor.metrics import REGISTRY


def create_collector(sink: EventSink) -> FastAPI:
    """Return the collector, with its health and its metrics."""
    collector = FastAPI(title="processor collect", version=__version__, openapi_url=None)

    @collector.get("/health/live", summary="The process answers")
    @collector.get("/health/ready", summary="It takes events")
    async def healthy() -> dict[str, str]:
        return {"status": "ready"}

    @collector.get("/metrics", summary="Metrics in Prometheus' text format")
    async def metrics() -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    collector.include_router(collector_router(sink))
    answer_failures(collector)
    collector.add_middleware(LimitedRequests)
    collector.add_middleware(MeasuredRequests)
    return collector
