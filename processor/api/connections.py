"""Connections on which no request comes, or none that is HTTP, are answered and closed."""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from processor.api.failures import Mistake, refusal
from processor.limits import REQUEST_WAIT_S

_BAD_REQUEST = 400
_TOO_SLOW = 408
_NOT_HTTP = "this is no HTTP request, or its headers are too large - send HTTP/1.1"
_SLOW_TEXT = f"no whole request came within {REQUEST_WAIT_S:.0f} s - connect when there is one"


class ImpatientConnection(H11Protocol):
    """A connection to a client that must send the headers of a request within REQUEST_WAIT_S.

    The body that follows them has its own time (request_size.py), and so has the time between two
    requests.
    """

    _waits: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # so does uvicorn's own
        """Wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Wait on only where these bytes do not complete the headers of a request."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif self._waits is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Tell in our form that this is no request."""
        self._refuse(_BAD_REQUEST, _NOT_HTTP)

    def _wait(self) -> None:
        self._waits = self.loop.call_later(REQUEST_WAIT_S, self._give_up)

    def _stop_waiting(self) -> None:
        if self._waits is not None:
            self._waits.cancel()
            self._waits = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self._refuse(_TOO_SLOW, _SLOW_TEXT)

    def _refuse(self, status: int, text: str) -> None:
        """Answer where there is still an answer to give, and close."""
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
