"""Times every request, by route and status: to its end, or to the start of a stream."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from processor.clock import monotonic_s
from processor.metrics import REQUEST_SECONDS

# The label of a request without a route; with its path, anything could become a label.
_NO_ROUTE = "none"
_STREAM = (b"content-type", b"text/event-stream")


class MeasuredRequests:
    """Middleware around everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and record how long the answer took."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = monotonic_s()
        status = 500
        ended: float | None = None

        async def send_noting_status(message: Message) -> None:
            nonlocal status, ended
            if message["type"] == "http.response.start":
                status = message["status"]
                if _STREAM in message["headers"]:
                    ended = monotonic_s()
            await send(message)

        try:
            await self._app(scope, receive, send_noting_status)
        finally:
            route = getattr(scope.get("route"), "path", _NO_ROUTE)
            REQUEST_SECONDS.labels(route, str(status)).observe((ended or monotonic_s()) - begun)
