"""Connections without a request, or with one that is not HTTP, are answered and closed."""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from processor.api.http.admission import Place
from processor.api.http.failures import Mistake, refusal
from processor.request_limits import FIRST_WAIT_S, REQUEST_WAIT_S

_BAD_REQUEST = 400
_TOO_SLOW = 408
_NOT_HTTP = "this is not an HTTP request, or its headers are too large - send HTTP/1.1"
_SLOW_TEXT = "no whole request came in time - connect only to send a request, and send it at once"


class ImpatientConnection(H11Protocol):
    """A connection to a client that must begin a request within FIRST_WAIT_S.

    It has REQUEST_WAIT_S for all headers. The body after them has its own time limit
    (request_size.py), and so does the time between two requests. While the connection is idle, it
    can be closed to make room for others (admission.py).
    """

    def __init__(self, place: Place, **uvicorn: Any) -> None:  # the arguments of uvicorn's protocol
        super().__init__(**uvicorn)
        self._place = place
        self._waits: asyncio.TimerHandle | None = None
        self._began = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # so does uvicorn's own
        """Wait for the first request."""
        super().connection_made(transport)
        self._place.close = transport.abort
        self._place.idle()
        self._wait(min(FIRST_WAIT_S, REQUEST_WAIT_S))

    def data_received(self, data: bytes) -> None:
        """Continue to wait only if these bytes do not complete the headers of a request."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
            self._place.busy()
        elif self._waits is None or not self._began:
            self._stop_waiting()
            self._wait(REQUEST_WAIT_S)
        self._began = True

    def on_response_complete(self) -> None:
        """Wait for the next request, unless it has already arrived."""
        super().on_response_complete()
        if self.cycle.response_complete:
            self._place.idle()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        self._place.leave()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Report, in our form, that this is not a request."""
        self._refuse(_BAD_REQUEST, _NOT_HTTP)

    def _wait(self, wait_s: float) -> None:
        self._waits = self.loop.call_later(wait_s, self._give_up)

    def _stop_waiting(self) -> None:
        if self._waits is not None:
            self._waits.cancel()
            self._waits = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self._refuse(_TOO_SLOW, _SLOW_TEXT)

    def _refuse(self, status: int, text: str) -> None:
        """Send an answer if that is still possible, and close."""
        self._stop_waiting()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            mistake = Mistake(loc=["request"], msg=text, type="no_request")
            answer = refusal("", status, [mistake], {"Connection": "close"})
            for event in (
                h11.Response(status_code=status, headers=answer.raw_headers),
                h11.Data(data=bytes(answer.body)),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
