"""Agentic contexts as the official SDK reads them: they are stored and listed, not computed."""

from typing import Annotated, Literal, NoReturn

from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException

from processor.api.http.failures import failures
from processor.api.http.guarded_routes import guarded_router
from processor.api.http.tokens import Tokens

_NOT_IMPLEMENTED = 501


def event_logs_router(tokens: Tokens) -> APIRouter:
    """Return the route that answers so."""
    router = guarded_router(
        tokens.hosts, needs=[tokens.requires("read")], prefix="/api/v1", tags=["attributes"]
    )

    @router.get(
        "/event_log",
        summary="The events of an agentic context: not computed, always 501",
        status_code=_NOT_IMPLEMENTED,
        response_model=None,
        responses=failures(401, 403, 422, _NOT_IMPLEMENTED),
    )
    async def event_log(
        name: str,
        identifier: str,
        format_: Annotated[Literal["json", "narrative"], Query(alias="format")] = "json",
    ) -> NoReturn:
        message = (
            f"event log {name!r} cannot be read: agentic contexts are stored and listed, not "
            "computed - read attributes with get-online-attributes"
        )
        raise HTTPException(_NOT_IMPLEMENTED, message)

    return router
