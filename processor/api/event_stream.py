"""A response that goes on: server-sent events of one subscriber."""

import asyncio
import random
from collections.abc import Mapping
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from processor.api.subscription import Subscription, Target
from processor.api.subscriptions import Subscriptions

# Clients whose worker went away come back after a time between these, not all at once.
_RETRY_MS: Final = (1_000, 3_000)
# Who was refused comes back after a time between these: a full worker is asked less often.
_REFUSED_RETRY_MS: Final = (4_000, 8_000)
_HEADERS: Final[Mapping[str, str]] = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}


def come_back(reason: str) -> Response:
    """Return a stream without events that ends at once: its client comes back by itself."""
    retry_ms = random.randint(*_REFUSED_RETRY_MS)  # noqa: S311 - only spreads them
    return Response(f"retry: {retry_ms}\n\n: {reason}\n\n", headers=dict(_HEADERS))


class EventStream(Response):
    """Sends what waits for a subscriber until it goes, is cut off, or the worker stops."""

    def __init__(
        self, subscriptions: Subscriptions, targets: frozenset[Target], address: str, last_id: str
    ) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers(_HEADERS)
        self._subscriptions = subscriptions
        self._opened = subscriptions.opened(targets, address, last_id)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        with self._opened as subscription:
            start = {"status": self.status_code, "headers": self.raw_headers}
            await send({"type": "http.response.start", **start})
            gone = asyncio.ensure_future(_end_when_gone(receive, subscription))
            try:
                await _send_all(send, subscription)
            finally:
                gone.cancel()


async def _send_all(send: Send, subscription: Subscription) -> None:
    retry_ms = random.randint(*_RETRY_MS)  # noqa: S311 - only spreads them
    chunk = b"retry: %d\n\n" % retry_ms
    while True:
        chunk += subscription.take()
        if chunk:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            chunk = b""
        if subscription.ended is not None:
            break
        # Sending does not wait where the client reads: others get the event loop here.
        await (asyncio.sleep(0) if subscription.waiting else subscription.wait())
    await send({"type": "http.response.body", "body": subscription.ended})


async def _end_when_gone(receive: Receive, subscription: Subscription) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    subscription.end(b"")
