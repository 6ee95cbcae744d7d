"""Refuses requests whose body is too large or arrives too slowly, before they take memory.

Also refuses requests while the bodies of other requests use all the memory that they may.
"""

import asyncio

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from processor.api.http.failures import Mistake, refusal
from processor.request_limits import REQUEST_BYTES_MAX, REQUEST_WAIT_S, REQUESTS_BYTES_MAX

_TOO_LARGE = 413
_TOO_SLOW = 408
_UNAVAILABLE = 503
_FULL = "other requests use all the memory for requests - try again in a moment"
_SLOW_TEXT = f"the body did not come within {REQUEST_WAIT_S:.0f} s - send it at once"
_TEXT = f"the request is larger than {REQUEST_BYTES_MAX} bytes - ask for less at once"


class LimitedRequests:
    """Middleware that counts the bytes of a request's body and waits for them within bounds."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        # Bytes of the bodies of all requests in progress.
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on unless its stated length is too large; count the bytes that arrive."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > REQUEST_BYTES_MAX:
            mistake = Mistake(loc=["body"], msg=_TEXT, type="request_entity_too_large")
            await refusal(scope["path"], _TOO_LARGE, [mistake])(scope, receive, send)
            return
        received = 0
        deadline: float | None = asyncio.get_running_loop().time() + REQUEST_WAIT_S

        async def receive_counting() -> Message:
            nonlocal received, deadline
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError as error:
                raise HTTPException(_TOO_SLOW, _SLOW_TEXT, {"Connection": "close"}) from error
            if not message.get("more_body", False):
                deadline = None  # a further receive waits until the client disconnects
            size = len(message.get("body", b""))
            received += size
            self._held += size
            if received > REQUEST_BYTES_MAX:
                raise HTTPException(_TOO_LARGE, _TEXT)
            if self._held > REQUESTS_BYTES_MAX:
                raise HTTPException(_UNAVAILABLE, _FULL, {"Retry-After": "1"})
            return message

        try:
            await self._app(scope, receive_counting, send)
        finally:
            self._held -= received
