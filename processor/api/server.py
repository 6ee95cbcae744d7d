"""The API listening: uvicorn in the running event loop, which keeps its own signal handlers."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from processor.api.connections import ImpatientConnection
from processor.errors import ListenError
from processor.limits import CLIENT_SILENT_MS
from processor.settings import Settings

# Requests that are under way when the worker stops get this long.
_STOP_S = 5
_BACKLOG = 1024
_LOOK_S = 0.01


def _nothing() -> None:
    """Do nothing when the server closes."""


class _QuietServer(uvicorn.Server):
    """Leaves signals to the worker, and ends streams when nobody can come any more."""

    def __init__(self, config: uvicorn.Config, on_closing: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_closing = on_closing

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signal."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, end the streams, and answer what is under way."""
        for server in self.servers:
            server.close()
        self._on_closing()
        await super().shutdown(sockets)


class Server:
    """A listening API; `port` is the one it got."""

    def __init__(self, port: int, server: uvicorn.Server, serving: "asyncio.Task[None]") -> None:
        self.port = port
        self._server = server
        self._serving = serving

    async def stop(self) -> None:
        """Answer what is under way and stop listening."""
        self._server.should_exit = True
        await self._serving


async def serve(
    api: FastAPI, settings: Settings, *, on_closing: Callable[[], None] = _nothing
) -> Server:
    """Listen and return when requests are answered.

    Args:
        api: what answers.
        settings: where to listen, and the certificate.
        on_closing: ends answers that would go on, when nobody can connect any more.

    Raises:
        ListenError: the address is taken or not ours, or the certificate cannot be used.
    """
    listening = _listen(settings)
    config = uvicorn.Config(
        api,
        http=ImpatientConnection,
        ws="none",
        log_config=None,
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=_STOP_S,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )
    try:
        config.load()
    except OSError as error:
        listening.close()
        message = "the TLS certificate of the HTTP API cannot be used"
        hint = "PROCESSOR_TLS_CERT and PROCESSOR_TLS_KEY name PEM files that belong together"
        raise ListenError(message, detail=str(error), hint=hint) from error
    server = _QuietServer(config, on_closing)
    serving = asyncio.get_running_loop().create_task(server.serve([listening]))
    while not server.started and not serving.done():
        await asyncio.sleep(_LOOK_S)
    if serving.done():
        serving.result()
    return Server(listening.getsockname()[1], server, serving)


def _listen(settings: Settings) -> socket.socket:
    host = settings.http_host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections inherit these: one whose client does not read, or is gone without a word, ends.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, CLIENT_SILENT_MS)
    try:
        listening.bind((host, settings.http_port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        message = f"the HTTP API cannot listen on {settings.http}"
        hint = "end what listens there, or name another address with PROCESSOR_HTTP"
        raise ListenError(message, detail=error.strerror or str(error), hint=hint) from error
    return listening
