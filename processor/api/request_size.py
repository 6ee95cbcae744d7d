"""Requests of more than REQUEST_BYTES_MAX are refused before they are held in memory."""

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from processor.limits import REQUEST_BYTES_MAX

_TOO_LARGE = 413
_TEXT = f"the request is larger than {REQUEST_BYTES_MAX} bytes; ask for less at once"


class LimitedRequests:
    """Middleware that counts the bytes of a request's body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on unless it says that it is too large; count the bytes that come."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > REQUEST_BYTES_MAX:
            await JSONResponse({"error": _TEXT}, _TOO_LARGE)(scope, receive, send)
            return
        received = 0

        async def receive_counting() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > REQUEST_BYTES_MAX:
                raise HTTPException(_TOO_LARGE, _TEXT)
            return message

        await self._app(scope, receive_counting, send)
