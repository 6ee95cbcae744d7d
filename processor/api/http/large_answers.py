"""Answers that are encoded and sent in pieces: one can have ten megabytes of JSON."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from processor.api.http.pauses import Pauses


def json_bytes(value: Any) -> bytes:  # a JSON value
    """Return JSON in the form of all answers.

    Raises:
        ValueError: a number in it is NaN or infinite.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


async def json_object(members: Iterable[tuple[str, Any]]) -> list[bytes]:  # JSON values
    """Return a JSON object in pieces, with pauses between its members."""
    pauses = Pauses()
    found = [b"{"]
    for name, value in members:
        found += (json_bytes(name) + b":" + json_bytes(value), b",")
        await pauses.pause()
    if len(found) > 1:
        found.pop()
    return [*found, b"}"]


class LargeAnswer(Response):
    """JSON that is sent in pieces, with pauses between them."""

    media_type = "application/json"

    def __init__(self, pieces: Sequence[bytes], status_code: int = 200) -> None:
        super().__init__(status_code=status_code)
        self._pieces = pieces
        self.headers["content-length"] = str(sum(map(len, pieces)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        pauses = Pauses()
        for piece in _gathered(self._pieces):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await pauses.pause()
        await send({"type": "http.response.body", "body": b""})


# Bytes sent at once: enough to keep the network busy.
_SENT_BYTES = 64 * 1024


def _gathered(pieces: Iterable[bytes]) -> Iterable[bytes]:
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        if len(waiting) >= _SENT_BYTES:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)
