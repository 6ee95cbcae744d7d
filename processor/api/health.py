"""Liveness, readiness and metrics of a worker: of both stages. Open to everyone."""

from dataclasses import asdict
from typing import Any, Literal

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from processor.api.backend import Process, Readiness
from processor.api.http.exposition import Exposition
from processor.api.http.guarded_routes import guarded_router
from processor.api.http.own_hosts import OwnHosts
from processor.api.http.state_size import StateSize
from processor.metrics import REGISTRY, RESTORED, STATE_BYTES
from processor.settings import Settings
from processor.stages import Stage

_OK = 200
_NOT_READY = 503


class ClosedPartition(BaseModel):
    """A partition that a fault has closed, with the reason and the remedy."""

    partition: str
    reason: str
    remedy: str


class StageHealth(BaseModel):
    """The status of the process of one stage, and the offset of the definitions that it uses."""

    status: Literal["ok", "starting"]
    reason: str
    degraded: list[ClosedPartition]
    definitions_offset: int


class Health(BaseModel):
    """The worker's status.

    `restored` is the fraction of its state restored so far; `source_stage` is the code that reads
    events; `stages` has the status of each process.
    """

    status: Literal["ok", "starting"]
    reason: str
    restored: float
    source_stage: Literal["native", "python"]
    stages: dict[str, StageHealth]


class Dependencies(BaseModel):
    """What answers depend on, with the names of the product."""

    storage: Literal["ok", "starting"]
    feature_server: Literal["ok", "starting"]


class AllHealth(BaseModel):
    """The status of the worker and of its dependencies."""

    status: Literal["ok", "starting"]
    dependencies: Dependencies


def health_router(backend: Process, settings: Settings, hosts: OwnHosts) -> APIRouter:
    """Return the routes for monitoring the worker."""
    size = StateSize(settings.data_dir)

    async def look_up() -> None:
        if backend.stage == Stage.PROFILES:
            RESTORED.set(backend.readiness().restored)
            STATE_BYTES.set(await size.bytes())

    exposition = Exposition(REGISTRY, backend.stage, look_up, backend.metrics_beside)
    router = guarded_router(hosts, tags=["operation"])

    @router.get("/health/live", summary="The process answers")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @router.get(
        "/health/ready",
        summary="The worker serves, except for the partitions in `degraded`; 503 with the "
        "reason while it does not",
        responses={_NOT_READY: {"description": "None of its partitions serves"}},
    )
    async def ready() -> JSONResponse:
        found = backend.readiness()
        degraded = [asdict(one) for one in found.degraded]
        if found.ready:
            told: dict[str, Any] = {"status": "ready"}
            return JSONResponse({**told, "degraded": degraded} if degraded else told)
        told = {"status": "not ready", "reason": found.reason, "restored": found.restored}
        return JSONResponse({**told, "degraded": degraded}, _NOT_READY)

    @router.get("/health", summary="The status of the worker, even while it restores its state")
    async def health() -> Health:
        found = backend.readiness()
        return Health(
            status=_status(found), reason=found.reason, restored=found.restored,
            source_stage=found.code,
            stages={stage: _told(one) for stage, one in backend.stages().items()},
        )  # fmt: skip

    @router.get(
        "/health-all",
        summary="The status of the worker and its dependencies, in the product's terms",
        responses={_OK: {"model": AllHealth}, _NOT_READY: {"model": AllHealth}},
    )
    async def health_all() -> JSONResponse:
        found = backend.readiness()
        ready, status = found.ready, _status(found)
        told = {
            "status": status,
            "dependencies": {"storage": status, "feature_server": status},
        }
        return JSONResponse(told, _OK if ready else _NOT_READY)

    @router.get("/metrics", summary="Metrics in the Prometheus text format")
    async def metrics() -> Response:
        return Response(await exposition.text(), media_type=CONTENT_TYPE_LATEST)

    return router


def _status(found: Readiness) -> Literal["ok", "starting"]:
    return "ok" if found.ready else "starting"


def _told(found: Readiness) -> StageHealth:
    degraded = [ClosedPartition(**asdict(one)) for one in found.degraded]
    return StageHealth(
        status=_status(found), reason=found.reason, degraded=degraded,
        definitions_offset=found.definitions_offset,
    )  # fmt: skip
