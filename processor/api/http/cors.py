"""Pages of other sites may subscribe to interventions: Cross-Origin Resource Sharing."""

from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

PATH: Final = "/api/v1/interventions"
ANY_ORIGIN: Final = "*"
# Headers that a page may send; browsers ask first, unless it is a plain subscription.
_HEADERS: Final = ("Authorization", "Cache-Control", "Last-Event-ID")
_MAX_AGE_S: Final = 3600


class SharedSubscriptions:
    """Middleware that lets pages from these origins read subscriptions, and nothing else."""

    def __init__(self, app: ASGIApp, origins: str, *, credentials: bool) -> None:
        self._app = app
        self._shared = CORSMiddleware(
            app,
            allow_origins=[origin.strip() for origin in origins.split(",") if origin.strip()],
            allow_methods=["GET"],
            allow_credentials=credentials,
            allow_headers=_HEADERS,
            max_age=_MAX_AGE_S,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer preflight requests, and add the headers that a browser needs to an answer."""
        shared = scope["type"] == "http" and scope["path"] == PATH
        await (self._shared if shared else self._app)(scope, receive, send)
