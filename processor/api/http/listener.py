"""A socket that accepts connections, within bounds."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from typing import Final

import structlog

from processor.api.http.admission import Admission, Place
from processor.api.http.failures import Mistake, refusal
from processor.clock import monotonic_s
from processor.request_limits import ACCEPTED_AT_ONCE, HANDSHAKE_WAIT_S, HANDSHAKES_MAX

log = structlog.get_logger(__name__)

_UNAVAILABLE: Final = 503
_FULL = "this worker has reached its limit of connections - try again in a moment"
# If there are no files or no memory for another connection, accepting pauses this long.
_PAUSE_S: Final = 0.1
# Minimum time between two log lines about a full worker.
_REPEAT_S: Final = 60.0
# Errors of connections that failed before they were accepted.
_GONE: Final = frozenset({errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.ENETDOWN})


class Listener:
    """Accepts connections from now on. uvicorn uses it as one of asyncio's servers.

    Args:
        listening: the socket; it is closed with this.
        admission: who may connect.
        connection: creates the protocol of a connection that has a place.
        tls: the context of a server with a certificate.
    """

    def __init__(
        self,
        listening: socket.socket,
        admission: Admission,
        connection: Callable[[Place], asyncio.Protocol],
        tls: ssl.SSLContext | None,
    ) -> None:
        self._listening = listening
        self._admission = admission
        self._connection = connection
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._told_s = -_REPEAT_S
        self._closed = False
        listening.setblocking(False)
        self._resume()

    def close(self) -> None:
        """Stop accepting; open connections stay."""
        if self._closed:
            return
        self._closed = True
        if self._pause is None:
            self._loop.remove_reader(self._listening)
        else:
            self._pause.cancel()
        self._listening.close()
        for opening in self._opening:
            opening.cancel()

    async def wait_closed(self) -> None:
        """Return when no connection is being opened any longer."""
        await asyncio.gather(*self._opening, return_exceptions=True)

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listening, self._accept)

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                connected, peer = self._listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _GONE:
                    continue
                log.error("connections_not_accepted", error=str(error), hint="raise ulimit -n")
                self._loop.remove_reader(self._listening)
                self._pause = self._loop.call_later(_PAUSE_S, self._resume)
                return
            self._take(connected, str(peer[0]))

    def _take(self, connected: socket.socket, address: str) -> None:
        place = None
        if self._tls is None or len(self._opening) < HANDSHAKES_MAX:
            place = self._admission.admit(address, connected.fileno())
        if place is None:
            self._refuse(connected)
            return
        opening = self._loop.create_task(self._open(connected, place))
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)

    async def _open(self, connected: socket.socket, place: Place) -> None:
        """Hand a connection to its protocol; if that fails, its place is given back."""
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wait_s = None if self._tls is None else HANDSHAKE_WAIT_S
        try:
            await self._loop.connect_accepted_socket(
                lambda: self._connection(place), connected,
                ssl=self._tls, ssl_handshake_timeout=wait_s,
            )  # fmt: skip
        except (OSError, asyncio.CancelledError):  # a failed TLS handshake is an OSError, too
            place.leave()
            connected.close()

    def _refuse(self, connected: socket.socket) -> None:
        """Send the reason, if that is possible at once, and close."""
        now_s = monotonic_s()
        if now_s - self._told_s >= _REPEAT_S:
            self._told_s = now_s
            log.warning("connections_full", hint="raise ulimit -n, or name the proxies in front")
        with connected:
            if self._tls is None:
                connected.setblocking(False)
                try:
                    connected.send(_REFUSAL)
                except OSError:
                    return


def _refusal() -> bytes:
    mistake = Mistake(loc=["request"], msg=_FULL, type="connections_full")
    headers = {"Connection": "close", "Retry-After": "1"}
    answer = refusal("", _UNAVAILABLE, [mistake], headers)
    lines = [b"HTTP/1.1 503 Service Unavailable"]
    lines += [name + b": " + value for name, value in answer.raw_headers]
    return b"\r\n".join([*lines, b"", bytes(answer.body)])


_REFUSAL: Final = _refusal()
