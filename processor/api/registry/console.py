"""The one call that the official SDK makes to the product's console: a token for an API key.

The SDK calls a fixed host; if that name leads to a worker, the SDK runs unchanged.
"""

from typing import Annotated

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel

from processor.api.http.failures import failures
from processor.api.http.guarded_routes import guarded_router
from processor.api.http.tokens import Tokens
from processor.api.subscriptions.subscribe_tokens import NO_STORE


class AccessToken(BaseModel):
    """A JSON Web Token to send as `Authorization: Bearer`."""

    accessToken: str


def console_router(tokens: Tokens) -> APIRouter:
    """Return the route that issues access tokens."""
    router = guarded_router(tokens.hosts, prefix="/api/msc/v1", tags=["access"])

    @router.get(
        "/organizations/{org_id}/credentials/v3/token",
        summary="An access token for the name and the token of an entry of PROCESSOR_API_TOKENS",
        responses=failures(401, 422),
    )
    async def access_token(
        org_id: str,
        x_api_key_id: Annotated[str, Header()],
        x_api_key: Annotated[str, Header()],
        response: Response,
    ) -> AccessToken:
        response.headers.update(NO_STORE)
        return AccessToken(accessToken=tokens.access_token(x_api_key_id, x_api_key))

    return router
