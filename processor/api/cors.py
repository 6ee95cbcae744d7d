"""Pages of other sites may subscribe to interventions: Cross-Origin Resource Sharing."""

from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

PATH: Final = "/api/v1/interventions"
# What a page may send; browsers ask before anything but a plain subscription.
_HEADERS: Final = ("Authorization", "Cache-Control", "Last-Event-ID")
_MAX_AGE_S: Final = 3600


class SharedSubscriptions:
    """Middleware that lets pages from these origins read subscriptions, and nothing else."""

    def __init__(self, app: ASGIApp, origins: str) -> None:
        self._app = app
        self._shared = CORSMiddleware(
            app,
            allow_origins=[origin.strip() for origin in origins.split(",") if origin.strip()],
            allow_methods=["GET"],
            allow_headers=_HEADERS,
            max_age=_MAX_AGE_S,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what a browser asks first, and add what it needs to see in an answer."""
        shared = scope["type"] == "http" and scope["path"] == PATH
        await (self._shared if shared else self._app)(scope, receive, send)
