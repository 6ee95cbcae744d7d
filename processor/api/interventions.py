"""Interventions over HTTP: followed as server-sent events, and pushed.

Paths, parameters and forms are those of the official SDK and of its plugin for browsers.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from processor.api.backend import Backend
from processor.api.cors import PATH
from processor.api.event_stream import EventStream, come_back
from processor.api.failures import failures
from processor.api.forwarding import HEARD_PATH, Forwarder
from processor.api.pushes import InterventionInstance, Pusher, PushResult
from processor.api.subscribe_tokens import SubscribeTokens
from processor.api.subscription import Target
from processor.api.subscriptions import Subscriptions
from processor.api.targets import (
    LAST_EVENT_ID,
    PARAMETERS,
    SUBSCRIBE_TOKEN,
    checked_targets,
    targets_of,
)
from processor.api.tokens import Tokens
from processor.clock import wall_ms
from processor.errors import NotReadyError
from processor.limits import SSE_PAGE_REPLAY_MS, SUBSCRIBE_TOKEN_S, SUBSCRIBE_TOKEN_S_MAX

_STREAM: Final[dict[int | str, dict[str, Any]]] = {  # as FastAPI takes them
    200: {
        "description": "Server-sent events: the JSON of one intervention in each `data` line",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}
_OWN_PARAMETERS: Final = [
    {
        "name": name,
        "in": "query",
        "required": False,
        "schema": {"type": "string"},
        "description": description,
    }
    for name, description in (
        (LAST_EVENT_ID, "where the header Last-Event-ID cannot be sent"),
        (SUBSCRIBE_TOKEN, "where the header Authorization cannot be sent"),
    )
]


class Targets(BaseModel):
    """Ids by attribute key."""

    targets: dict[str, list[str]] = Field(min_length=1)

    def pairs(self) -> frozenset[Target]:
        """Return each key with each of its ids.

        Raises:
            UsageError: there are too many, or one cannot be.
        """
        return checked_targets((key, id_) for key, ids in self.targets.items() for id_ in ids)


class TokenRequest(Targets):
    """What a token is for, and how long."""

    ttl_s: int = Field(SUBSCRIBE_TOKEN_S, ge=1, le=SUBSCRIBE_TOKEN_S_MAX)


class SubscribeToken(BaseModel):
    """A token to send as `subscribe-token` in the query, or as `Authorization: Bearer`."""

    token: str
    expires_at: datetime


class Heard(BaseModel):
    """Whether this worker has a subscriber for any of the targets."""

    heard: bool


async def _stream(
    request: Request, subscriptions: Subscriptions, targets: frozenset[Target], last: str
) -> Response:
    address = request.client.host if request.client else ""
    page = _from_page(request)
    try:
        await subscriptions.admit(address)
    except (NotReadyError, HTTPException) as refused:
        if not page:
            raise
        return come_back(refused.detail if isinstance(refused, HTTPException) else str(refused))
    if page and not last:
        last = subscriptions.id_before(wall_ms() - SSE_PAGE_REPLAY_MS, targets)
    return EventStream(subscriptions, targets, address, last)


def _from_page(request: Request) -> bool:
    """Return whether a browser's EventSource asks: after any status but 200 it never comes back."""
    headers = request.headers
    page = "origin" in headers or "sec-fetch-mode" in headers
    return page and headers.get("accept") == "text/event-stream"


def interventions_router(
    backend: Backend, forwarder: Forwarder, tokens: Tokens, subscribe_tokens: SubscribeTokens
) -> APIRouter:
    """Return the routes for interventions.

    Args:
        backend: the worker.
        forwarder: asks the other workers.
        tokens: those of the API, for pushes and for getting subscribe tokens.
        subscribe_tokens: what a subscription needs.
    """
    router = APIRouter(tags=["interventions"])
    pusher = Pusher(backend, forwarder)

    @router.get(
        PATH,
        summary="Follow the interventions of some ids, as server-sent events",
        response_class=Response,
        responses=_STREAM | failures(401, 403, 422, 429, 503),
        openapi_extra={"parameters": PARAMETERS + _OWN_PARAMETERS},
    )
    async def follow(
        request: Request, last_event_id: Annotated[str | None, Header()] = None
    ) -> Response:
        targets = targets_of(request.query_params)
        subscribe_tokens.check(request, targets)
        last = last_event_id or request.query_params.get(LAST_EVENT_ID, "")
        return await _stream(request, backend.subscriptions, targets, last)

    @router.post(
        PATH,
        summary="Push an intervention to some ids",
        dependencies=[Depends(tokens.requires("push"))],
        response_model_exclude_none=True,
        responses=failures(401, 403, 408, 413, 422),
        openapi_extra={"parameters": PARAMETERS},
    )
    async def push(request: Request, body: InterventionInstance) -> PushResult:
        targets = targets_of(request.query_params)
        return await pusher.push(body, targets, request.headers.get("authorization", ""))

    @router.post(
        f"{PATH}/tokens",
        summary="A short-lived token to subscribe with",
        dependencies=[Depends(tokens.requires("read", "write"))],
        responses=failures(401, 403, 408, 413, 422),
    )
    async def give_token(body: TokenRequest) -> SubscribeToken:
        ends_s = wall_ms() // 1000 + body.ttl_s
        token = subscribe_tokens.give(body.pairs(), ends_s)
        return SubscribeToken(token=token, expires_at=datetime.fromtimestamp(ends_s, UTC))

    @router.post(
        HEARD_PATH,
        summary="Whether this worker has a subscriber for any of some ids; workers ask each other",
        dependencies=[Depends(tokens.requires("push"))],
        responses=failures(401, 403, 408, 413, 422),
    )
    async def heard(body: Targets) -> Heard:
        return Heard(heard=backend.subscriptions.listens(body.pairs()))

    return router
