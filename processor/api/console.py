"""The one call that the official SDK makes to the product's console: a token for an API key.

The SDK asks a fixed host for it; where that name leads to a worker, the SDK runs unchanged.
"""

from typing import Annotated

from fastapi import APIRouter, Header
from pydantic import BaseModel

from processor.api.failures import failures
from processor.api.tokens import Tokens


class AccessToken(BaseModel):
    """A JSON Web Token to send as `Authorization: Bearer`."""

    accessToken: str


def console_router(tokens: Tokens) -> APIRouter:
    """Return the route that gives access tokens."""
    router = APIRouter(prefix="/api/msc/v1", tags=["access"])

    @router.get(
        "/organizations/{org_id}/credentials/v3/token",
        summary="An access token for the name and the token of an entry of PROCESSOR_API_TOKENS",
        responses=failures(401, 422),
    )
    async def access_token(
        org_id: str,
        x_api_key_id: Annotated[str, Header()],
        x_api_key: Annotated[str, Header()],
    ) -> AccessToken:
        return AccessToken(accessToken=tokens.access_token(x_api_key_id, x_api_key))

    return router
