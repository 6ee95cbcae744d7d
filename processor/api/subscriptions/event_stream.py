"""A response that does not end: server-sent events of one subscriber.

An empty line ends a block, and many clients take every block for an event. Therefore an empty line
follows data only; everything else is sent as single lines.
"""

import asyncio
import random
from collections.abc import Mapping
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from processor.api.subscriptions.subscription import Reader, Subscription
from processor.api.subscriptions.subscriptions import Subscriptions
from processor.api.subscriptions.targets import AskedTargets

# Clients whose worker stopped reconnect after a time between these, not all at once.
_RETRY_MS: Final = (1_000, 3_000)
# A refused client reconnects after a time between these: later, to spare a full worker.
_REFUSED_RETRY_MS: Final = (4_000, 8_000)
_HEADERS: Final[Mapping[str, str]] = {
    "Content-Type": "text/event-stream",
    # A proxy that compresses delays a stream until it has enough data.
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
}


def come_back(reason: str) -> Response:
    """Return a stream without events that ends at once; its client reconnects by itself."""
    retry_ms = random.randint(*_REFUSED_RETRY_MS)  # noqa: S311 - only spreads them
    return Response(f"retry: {retry_ms}\n: {reason}\n", headers=dict(_HEADERS))


class EventStream(Response):
    """Sends what waits for a subscriber until it leaves, is cut off, or the worker stops."""

    def __init__(
        self,
        subscriptions: Subscriptions,
        targets: AskedTargets,
        address: str,
        last_id: str,
        reader: Reader,
    ) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers(_HEADERS)
        self._subscriptions = subscriptions
        self._opened = subscriptions.opened(
            targets.kept, address, last_id, targets.spellings, reader
        )

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
    chunk = b"retry: %d\n" % retry_ms
    while True:
        chunk += subscription.take()
        if chunk:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            chunk = b""
        if subscription.ended is not None:
            break
        # Sending does not block while the client reads, so others get the event loop here.
        await (asyncio.sleep(0) if subscription.waiting else subscription.wait())
    await send({"type": "http.response.body", "body": subscription.ended})


async def _end_when_gone(receive: Receive, subscription: Subscription) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    subscription.end(b"")
