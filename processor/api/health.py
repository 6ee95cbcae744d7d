"""Whether the worker lives and serves, and its metrics. Open to everyone."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from processor.api.backend import Backend
from processor.metrics import REGISTRY

_NOT_READY = 503


def health_router(backend: Backend) -> APIRouter:
    """Return the routes for whoever watches the worker."""
    router = APIRouter(tags=["operation"])

    @router.get("/health/live", summary="The process answers")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @router.get("/health/ready", summary="The worker serves; 503 with the reason while it does not")
    async def ready() -> JSONResponse:
        found = backend.readiness()
        if found.ready:
            return JSONResponse({"status": "ready"})
        told = {"status": "not ready", "reason": found.reason, "restored": found.restored}
        return JSONResponse(told, _NOT_READY)

    @router.get("/metrics", summary="Metrics in Prometheus' text format")
    async def metrics() -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    return router
