"""Requests whose body is too large or comes too slowly are refused before they are held."""

import asyncio

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from processor.api.failures import Mistake, refusal
from processor.limits import REQUEST_BYTES_MAX, REQUEST_WAIT_S

_TOO_LARGE = 413
_TOO_SLOW = 408
_SLOW_TEXT = f"the body did not come within {REQUEST_WAIT_S:.0f} s - send it at once"
_TEXT = f"the request is larger than {REQUEST_BYTES_MAX} bytes - ask for less at once"


class LimitedRequests:
    """Middleware that counts the bytes of a request's body and waits for them within bounds."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on unless it says that it is too large; count the bytes that come."""
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
                deadline = None  # whoever listens on waits for the client to go
            received += len(message.get("body", b""))
            if received > REQUEST_BYTES_MAX:
                raise HTTPException(_TOO_LARGE, _TEXT)
            return message

        await self._app(scope, receive_counting, send)
