"""Interventions over HTTP: followed as server-sent events, and pushed.

Paths, parameters and formats are those of the official SDK and of its browser plugin.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, BeforeValidator, Field
from starlette.exceptions import HTTPException

from processor.api.backend import Backend
from processor.api.http.client_addresses import ClientAddresses
from processor.api.http.cors import PATH
from processor.api.http.failures import failures
from processor.api.http.forwarding import HEARD_PATH, Forwarder
from processor.api.http.guarded_routes import guarded_router
from processor.api.http.tokens import Tokens
from processor.api.interventions.pushes import InterventionInstance, Pusher, PushResult
from processor.api.subscriptions.event_stream import EventStream, come_back
from processor.api.subscriptions.subscribe_tokens import NO_STORE, SubscribeTokens
from processor.api.subscriptions.subscription import Reader, Target
from processor.api.subscriptions.subscriptions import Subscriptions
from processor.api.subscriptions.targets import (
    LAST_EVENT_ID,
    PARAMETERS,
    SUBSCRIBE_TOKEN,
    AskedTargets,
    as_kept,
    checked_targets,
    counted_targets,
    targets_of,
)
from processor.clock import wall_ms
from processor.errors import NotReadyError
from processor.request_limits import SUBSCRIBE_TOKEN_S, SUBSCRIBE_TOKEN_S_MAX

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
        (LAST_EVENT_ID, "if the client cannot send the header Last-Event-ID"),
        (SUBSCRIBE_TOKEN, "if the client cannot send the header Authorization"),
    )
]


class Targets(BaseModel):
    """Ids by attribute key."""

    targets: Annotated[dict[str, list[str]], BeforeValidator(counted_targets)] = Field(min_length=1)

    def pairs(self) -> frozenset[Target]:
        """Return each key with each of its ids.

        Raises:
            UsageError: there are too many, or one is invalid.
        """
        return checked_targets((key, id_) for key, ids in self.targets.items() for id_ in ids)


class TokenRequest(Targets):
    """The targets of a token, and how long it is valid."""

    ttl_s: int = Field(SUBSCRIBE_TOKEN_S, ge=1, le=SUBSCRIBE_TOKEN_S_MAX)


class SubscribeToken(BaseModel):
    """A token to send as `subscribe-token` in the query, or as `Authorization: Bearer`."""

    token: str
    expires_at: datetime


class Heard(BaseModel):
    """Whether this worker has a subscriber for any of the targets."""

    heard: bool


async def _stream(
    request: Request,
    address: str,
    subscriptions: Subscriptions,
    targets: AskedTargets,
    last: str,
) -> Response:
    reader = _reader(request)
    try:
        await subscriptions.admit(address)
    except (NotReadyError, HTTPException) as refused:
        if reader is Reader.PROGRAM:
            raise
        return come_back(refused.detail if isinstance(refused, HTTPException) else str(refused))
    return EventStream(subscriptions, targets, address, last, reader)


def _reader(request: Request) -> Reader:
    """Return what reads the stream. A browser's EventSource reconnects only after status 200.

    EventSource sends no tokens and bypasses caches; a script that reads streams may do otherwise.
    """
    headers = request.headers
    page = "origin" in headers or "sec-fetch-mode" in headers
    if not page or headers.get("accept") != "text/event-stream":
        return Reader.PROGRAM
    plain = headers.get("cache-control") == "no-cache" and "authorization" not in headers
    return Reader.EVENT_SOURCE if plain else Reader.PAGE


def interventions_router(
    backend: Backend,
    forwarder: Forwarder,
    tokens: Tokens,
    subscribe_tokens: SubscribeTokens,
    addresses: ClientAddresses,
) -> APIRouter:
    """Return the routes for interventions.

    Args:
        backend: the worker.
        forwarder: sends requests to the other workers.
        tokens: the tokens of the API, for pushes and for requests for subscribe tokens.
        subscribe_tokens: checks the tokens of subscriptions.
        addresses: finds the client's address.
    """
    router = guarded_router(tokens.hosts, tags=["interventions"])
    pusher = Pusher(backend, forwarder)
    _add_tokens(router, backend, tokens, subscribe_tokens)

    def kept(targets: Iterable[Target]) -> frozenset[Target]:
        return as_kept(targets, backend.plan.identities).kept

    @router.get(
        PATH,
        summary="Follow the interventions for some ids, as server-sent events",
        response_class=Response,
        responses=_STREAM | failures(401, 403, 422, 429, 503),
        openapi_extra={"parameters": PARAMETERS + _OWN_PARAMETERS},
    )
    async def follow(
        request: Request, last_event_id: Annotated[str | None, Header()] = None
    ) -> Response:
        targets = as_kept(targets_of(request.query_params), backend.plan.identities)
        subscribe_tokens.check(request, targets.kept)
        last = last_event_id or request.query_params.get(LAST_EVENT_ID, "")
        return await _stream(request, addresses.of(request), backend.subscriptions, targets, last)

    @router.post(
        PATH,
        summary="Push an intervention to some ids",
        dependencies=[tokens.requires("push")],
        response_model_exclude_none=True,
        responses=failures(401, 403, 408, 413, 415, 422),
        openapi_extra={"parameters": PARAMETERS},
    )
    async def push(request: Request, body: InterventionInstance) -> PushResult:
        targets = kept(targets_of(request.query_params))
        return await pusher.push(body, targets)

    @router.post(
        HEARD_PATH,
        summary="Whether this worker has a subscriber for any of some ids; for other workers",
        dependencies=[tokens.requires("push", workers=True)],
        responses=failures(401, 403, 408, 413, 415, 422),
    )
    async def heard(body: Targets) -> Heard:
        return Heard(heard=backend.subscriptions.listens(kept(body.pairs())))

    return router


def _add_tokens(
    router: APIRouter, backend: Backend, tokens: Tokens, subscribe_tokens: SubscribeTokens
) -> None:
    @router.post(
        f"{PATH}/tokens",
        summary="Issue a short-lived token for a subscription",
        dependencies=[tokens.requires("subscribe")],
        responses=failures(401, 403, 408, 413, 415, 422),
    )
    async def give_token(body: TokenRequest, response: Response) -> SubscribeToken:
        targets = as_kept(body.pairs(), backend.plan.identities).kept
        now_s = wall_ms() // 1000
        token = subscribe_tokens.give(targets, now_s=now_s, lifetime_s=body.ttl_s)
        response.headers.update(NO_STORE)
        ends_at = datetime.fromtimestamp(now_s + body.ttl_s, UTC)
        return SubscribeToken(token=token, expires_at=ends_at)
