"""Whether the worker lives and serves, and its metrics. Open to everyone."""

import asyncio
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from processor.api.backend import Backend
from processor.metrics import REGISTRY, RESTORED, STATE_BYTES
from processor.settings import Settings

_OK = 200
_NOT_READY = 503


class Health(BaseModel):
    """How the worker is; `restored` is the share of its state that is there while it restores."""

    status: Literal["ok", "starting"]
    reason: str
    restored: float


class Dependencies(BaseModel):
    """What answers depend on, by the names of the product."""

    storage: Literal["ok", "starting"]
    feature_server: Literal["ok", "starting"]


class AllHealth(BaseModel):
    """How the worker and what it depends on are."""

    status: Literal["ok", "starting"]
    dependencies: Dependencies


def health_router(backend: Backend, settings: Settings) -> APIRouter:
    """Return the routes for whoever watches the worker."""
    router = APIRouter(tags=["operation"])

    @router.get("/health/live", summary="The process answers")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @router.get(
        "/health/ready",
        summary="The worker serves; 503 with the reason while it does not",
        responses={_NOT_READY: {"description": "It does not serve yet"}},
    )
    async def ready() -> JSONResponse:
        found = backend.readiness()
        if found.ready:
            return JSONResponse({"status": "ready"})
        told = {"status": "not ready", "reason": found.reason, "restored": found.restored}
        return JSONResponse(told, _NOT_READY)

    @router.get("/health", summary="How the worker is, also while it restores its state")
    async def health() -> Health:
        found = backend.readiness()
        status: Literal["ok", "starting"] = "ok" if found.ready else "starting"
        return Health(status=status, reason=found.reason, restored=found.restored)

    @router.get(
        "/health-all",
        summary="How the worker and what it depends on are, in the product's words",
        responses={_OK: {"model": AllHealth}, _NOT_READY: {"model": AllHealth}},
    )
    async def health_all() -> JSONResponse:
        ready = backend.readiness().ready
        status = "ok" if ready else "starting"
        told = {
            "status": status,
            "dependencies": {"storage": status, "feature_server": status},
        }
        return JSONResponse(told, _OK if ready else _NOT_READY)

    @router.get("/metrics", summary="Metrics in Prometheus' text format")
    async def metrics() -> Response:
        RESTORED.set(backend.readiness().restored)
        STATE_BYTES.set(await asyncio.to_thread(_bytes_below, settings.data_dir))
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    return router


def _bytes_below(directory: Path) -> int:
    """Return the size of all files; those that go away meanwhile count nothing."""
    total = 0
    for path in directory.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total
